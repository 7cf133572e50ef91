"""Agents: how they stand beside each other, and a page for each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from callcov_portal import standings
from callcov_portal.filters import CallFilter
from callcov_portal.models import Agent, Check
from callcov_portal.models.people import IDENTIFIER_LENGTH, TEAM_LENGTH, key_of
from callcov_portal.reading import weeks
from callcov_portal.reading.statistics import Share, change
from callcov_portal.reading.weeks import Period
from callcov_portal.standings import Standing, Whose
from callcov_portal.views.clips import clips_of
from callcov_portal.views.heatmap import heat_map, to_calls
from callcov_portal.views.listing import clean_query, list_context
from callcov_portal.views.rendering import PortalRequest, render_page
from callcov_portal.views.trend import by_week, trend_of

PAGE_SIZE = 50


@dataclass(frozen=True)
class Sort:
    """One way to order the agents; `key` is the parameter of the URL."""

    key: str
    label: str
    of: Callable[[Standing], Any]


def rate_or(one: Standing, nothing: float) -> float:
    """Return the score, or `nothing` for who was never assessed."""
    return nothing if one.score.rate is None else one.score.rate


SORTS = {
    sort.key: sort
    for sort in (
        Sort("score", "Score", lambda one: (-rate_or(one, -1), -one.score.n)),
        Sort("worst", "Score", lambda one: (rate_or(one, 2), -one.score.n)),
        Sort("name", "Agent", lambda one: str(one.agent).casefold()),
        Sort("team", "Team", lambda one: (not one.agent.team, one.agent.team.casefold())),
        Sort("calls", "Calls", lambda one: -one.sums.calls),
        Sort("analysed", "Analysed", lambda one: -one.sums.analysed),
        Sort("minutes", "Minutes", lambda one: -one.sums.minutes),
        Sort("violated", "✗ Violations", lambda one: -one.sums.violated),
        Sort("omitted", "○ Omissions", lambda one: -one.sums.omitted),
    )
}


@require_safe
def agents(request: PortalRequest) -> HttpResponse:
    """List the agents who have calls in some weeks, with how they stand; the URL says which, of what team, by what check."""
    period = weeks.read(request.GET, timezone.localdate())
    team, check_id, text = (clean(request, name, longest) for name, longest in FILTERS)
    found = standings.standings(period, team, check_id)
    sort = SORTS.get(request.GET.get("sort", ""), SORTS["worst" if check_id else "score"])
    chosen = sorted((one for one in found if matches(one.agent, text)), key=sort.of)
    page = Paginator(chosen, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "period": period,
        "periods": weeks.choices(timezone.localdate()),
        "days": urlencode(period.days),
        "team": team,
        "teams": standings.teams(),
        "text": text,
        "check": Check.objects.filter(check_id=check_id).first() if check_id else None,
        "check_id": check_id,
        "sort": sort,
        "page": page,
        "found": len(chosen),
    }
    return render_page(request, "agents/list.html", "agents/_list.html", context)


FILTERS = (("team", TEAM_LENGTH), ("check", 80), ("text", IDENTIFIER_LENGTH))


def clean(request: HttpRequest, name: str, longest: int) -> str:
    """Return a parameter of the URL without what no database takes."""
    return request.GET.get(name, "").replace("\0", "").strip()[:longest]


def matches(agent: Agent, text: str) -> bool:
    """Say whether identifier or name contains the text, without regard to case."""
    return key_of(text) in agent.key or text.casefold() in agent.name.casefold()


@require_safe
def agent(request: PortalRequest, pk: int) -> HttpResponse:
    """Show one agent: score, checks with evidence to be heard, weeks, and the calls, all of the weeks that the URL names."""
    person = get_object_or_404(Agent, pk=pk)
    if person.merged_into_id is not None:
        return redirect("agent", person.merged_into_id)
    period = weeks.read(request.GET, timezone.localdate())
    numbers = numbers_of(person, period)
    who = {"agent": person.identifier}
    behind = urlencode({**who, **period.days})
    context = {
        "person": person,
        "kind": "agent",
        "period": period,
        "periods": weeks.choices(timezone.localdate()),
        "behind": behind,
        "aliases": list(person.aliases.order_by("key")),
        **numbers,
        **calls_of(request, who, period),
    }
    return render(request, "agents/agent.html", context)


def numbers_of(person: Agent, period: Period) -> dict[str, Any]:
    """Return every number of an agent's page but the calls below it; a fixed number of queries."""
    own = Whose(agent=person.pk)
    score, before = standings.shares(own, period)
    others, _ = standings.shares(Whose(team=person.team, besides=person.pk), period)
    shown = standings.shortened(period)
    by_check = standings.checks_by_week(own, shown)
    table = heat_map(by_check, to_calls(agent=person.identifier), shown)
    clips = clips_of(person.pk, period)
    return {
        "sums": standings.sums_of(own, period),
        "score": score,
        "before": before,
        "trend": change(before, score),
        "others": others,
        "beside_others": beside(others, score),
        "checks": [(one, clips.get(one.check_id, [])) for one in standings.check_sums(own, period)],
        "map": table,
        "drawing": trend_of(by_week(by_check), table.weeks),
    }


def beside(others: Share, own: Share) -> int:
    """Return 1 if the agent is better than the others, -1 if worse, 0 where that cannot be told from chance."""
    return change(others, own)


def calls_of(request: HttpRequest, who: dict[str, str], period: Period) -> dict[str, Any]:
    """Return what the list of calls below shows."""
    wanted = QueryDict(mutable=True)
    wanted.update({**who, **period.days})
    calls = CallFilter(wanted).branches
    address = QueryDict(period.query, mutable=True)
    for name in ("before", "after"):
        if name in request.GET:
            address[name] = request.GET[name]
    return list_context(calls, address, within=clean_query(wanted))
