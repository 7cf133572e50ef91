"""How agents and checks stand equals a count from the findings, whatever the calls."""

from collections import Counter, defaultdict
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcov_portal import standings
from callcov_portal.actions.tallying import week_of
from callcov_portal.models import Agent, Finding, Outcome, Recording, State
from callcov_portal.reading.weeks import Period, monday
from callcov_portal.standings import Whose
from tests.factories import NOON, AgentFactory, AnalysisFactory, CompletedFactory, FindingFactory, RecordingFactory

pytestmark = pytest.mark.django_db
WORST = [Outcome.VIOLATED, Outcome.OMITTED, Outcome.MET, Outcome.HEARD]
MONDAY = monday(NOON.date())
CALLS = st.lists(
    st.tuples(
        st.integers(0, 2),  # agent
        st.integers(0, 5),  # week
        st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(list(Outcome))), max_size=4),
    ),
    max_size=8,
)


def worst_by_check(call: Recording) -> dict[str, Outcome]:
    """Count one call by hand."""
    found: dict[str, Outcome] = {}
    if call.state == State.COMPLETED:
        for check, outcome in Finding.objects.filter(analysis=call.current_analysis).values_list("check_id", "outcome"):
            if outcome in WORST:
                found[check] = min(found.get(check, Outcome.HEARD), Outcome(outcome), key=WORST.index)
    return found


def by_hand(period: Period, team: str, check: str) -> dict[int, tuple[int, ...]]:
    """Return calls, met, assessed checks, and calls with violations and omissions by agent."""
    counts: dict[int, Counter] = defaultdict(Counter)
    for call in Recording.objects.select_related("agent"):
        if not (period.first <= week_of(call.called_at) <= period.last) or (team and call.agent.team != team):
            continue
        worst = {name: outcome for name, outcome in worst_by_check(call).items() if not check or name == check}
        own = counts[call.agent_id]
        own["calls"] += 1
        own["met"] += sum(outcome == Outcome.MET for outcome in worst.values())
        own["n"] += sum(outcome != Outcome.HEARD for outcome in worst.values())
        own["violated"] += Outcome.VIOLATED in worst.values()
        own["omitted"] += Outcome.OMITTED in worst.values()
    found = {
        pk: tuple(own[name] for name in ("calls", "met", "n", "violated", "omitted")) for pk, own in counts.items()
    }
    return {pk: values for pk, values in found.items() if not check or values[2]}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CALLS, st.integers(0, 3), st.sampled_from(["", "x"]), st.sampled_from(["", "a"]))
def test_standings_equal_a_count_by_hand(db, calls, last, team, check):
    with transaction.atomic():
        agents = [AgentFactory(team="x"), AgentFactory(team="x"), AgentFactory()]
        for who, week, findings in calls:
            called_at = NOON + timedelta(weeks=week)
            analysis = CompletedFactory(recording=RecordingFactory(agent=agents[who], called_at=called_at))
            for check_id, outcome in findings:
                FindingFactory(analysis=analysis, check_id=check_id, outcome=outcome)
        period = Period("2", MONDAY + timedelta(weeks=1), MONDAY + timedelta(weeks=1 + last))
        found = standings.standings(period, team, check)
        assert {
            one.agent.pk: (one.sums.calls, one.score.met, one.score.n, one.sums.violated, one.sums.omitted)
            for one in found
        } == by_hand(period, team, check)
        assert period.before is not None
        before = by_hand(period.before, team, check)
        assert all((one.before.met, one.before.n) == before.get(one.agent.pk, (0, 0, 0))[1:3] for one in found)
        check_maps(period, team)
        transaction.set_rollback(True)


def check_maps(period: Period, team: str) -> None:
    """The heat map and the list of checks hold the same, by week and in all."""
    whose = Whose(team=team)
    by_week: Counter = Counter()
    for call in Recording.objects.select_related("agent"):
        week = week_of(call.called_at)
        if period.first <= week <= period.last and (not team or call.agent.team == team):
            for check, outcome in worst_by_check(call).items():
                by_week[check, week, outcome.value] += 1
    tiles = standings.checks_by_week(whose, period)
    assert {
        (check, week, name): getattr(one, name)
        for (check, week), one in tiles.items()
        for name in ("met", "violated", "omitted")
        if getattr(one, name)
    } == {key: count for key, count in by_week.items() if key[2] != "heard"}
    for one in standings.check_sums(whose, period):
        of_check = {
            name: sum(n for (c, _, o), n in by_week.items() if (c, o) == (one.check_id, name)) for name in WORST
        }
        assert (one.met, one.violated, one.omitted) == tuple(
            of_check[o] for o in (Outcome.MET, Outcome.VIOLATED, Outcome.OMITTED)
        )


def test_standings_cost_three_queries_however_many_agents(django_assert_num_queries):
    for _ in range(3):
        for _ in range(4):
            FindingFactory(analysis__recording__agent=AgentFactory())
        with django_assert_num_queries(3):
            standings.standings(Period("2", MONDAY, MONDAY + timedelta(weeks=1)))


def test_who_was_never_assessed_comes_last_and_has_no_place():
    AnalysisFactory(recording__agent__identifier="new")
    FindingFactory(outcome=Outcome.VIOLATED)
    last = standings.standings(Period("all", None, MONDAY))[-1]
    assert (last.agent.identifier, last.places, last.score.n) == ("new", None, 0)


def test_the_others_of_a_team_are_all_but_the_agent():
    agent, other, stranger = AgentFactory(team="x"), AgentFactory(team="x"), AgentFactory(team="y")
    for who, outcome in ((agent, "met"), (other, "violated"), (stranger, "met")):
        FindingFactory(analysis__recording__agent=who, outcome=outcome)
    ever = Period("all", None, MONDAY)
    assert standings.shares(Whose(team="x", besides=agent.pk), ever)[0].rate == 0
    assert standings.shares(Whose(agent=agent.pk), ever)[0].rate == 1
    assert standings.teams() == ["x", "y"]
    assert Agent.objects.count() == 3
