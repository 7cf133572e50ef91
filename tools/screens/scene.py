"""What the pages show: invented calls, and one of everything that a team makes of them."""

from typing import Any

from django.core.management import call_command
from django.db.models import Count
from django.http import QueryDict

from callcov_portal import rules
from callcov_portal.actions import bulk, exporting, recordings, saving, scheduling, users
from callcov_portal.actions import rules as rule_actions
from callcov_portal.actions.recordings import CallDetails
from callcov_portal.exports import wish_for
from callcov_portal.filters import CallFilter
from callcov_portal.models import Agent, BulkAct, Contact, Every, Recording, Role, State, User
from tools.screens.batches import stage_batches, stage_manifest

Scene = dict[str, Any]
# As long as an identifier and a name are in the worst of a week.
LONG_AGENT = "wilhelmina.featherstonehaugh-cholmondeley@outsourcing-partner.example"
LONG_CONTACT = "CRM-EMEA-0000000000000000004417-household-of-the-policy-holder"
LONG_LINK = "https://recordings.invalid/telephony/2026/11/emea/queue-retention/9f1c2a44-7d0b-4f6e-8f53-0b1f6f8d2f6e.wav"


def stage(by: User, *, calls: int, agents: int, with_audio: int) -> Scene:
    """Write invented calls and what people make of them; return what the addresses of the pages need.

    `call` and `muted` are invented calls with a recording, and `same` is one that failed, until someone names real ones.
    """
    call_command("seed_demo", calls=calls, agents=agents, months=5, with_audio=with_audio, verbosity=0)
    demo = Recording.objects.filter(is_demo=True)
    heard = demo.exclude(file="").newest_first().first()
    failed = demo.filter(state=State.FAILED).newest_first().first()
    if heard is None or failed is None:
        raise ValueError(f"{calls} invented calls are too few: none has a recording, or none failed.")
    waiting = recordings.add_link(link=LONG_LINK, details=CallDetails(LONG_AGENT, LONG_CONTACT), user=by)
    made = works(by)
    agent = busiest(Agent)
    return {
        "call": heard.pk,
        "muted": heard.pk,
        "failed": failed.pk,
        "same": failed.pk,
        "waiting": waiting.pk,
        "nothing": 999_999_999,
        "agent": agent.pk,
        "team": agent.team,
        "new_agent": waiting.agent_id,
        "contact": busiest(Contact).pk,
        **made,
    }


def busiest(people: type[Agent] | type[Contact]) -> Any:
    """Return who has the most calls; of those with as many the first."""
    return people._default_manager.annotate(n=Count("recordings")).order_by("-n", "pk")[0]


def works(by: User) -> Scene:
    """Make what people make: teams, views, other users, another version of the rules, exports, an act on many calls."""
    for number, agent in enumerate(Agent.objects.filter(is_demo=True, team="").order_by("pk")):
        Agent.objects.filter(pk=agent.pk).update(team=("Retention", "Billing", "Claims")[number % 3])
    saving.save_view(by, "Violations nobody has looked at", "outcome=violated&reviewed=no", is_shared=True)
    saving.save_view(by, "Failed, to be sent again", "state=failed", is_shared=False)
    users.add("nora.lind", Role.REVIEWER, by)
    users.deactivate(users.add("former.colleague", Role.LEAD, by)[0], by)
    changed = rules.builtin().text.replace("- thank you for calling", "- a warm welcome to you", 1)
    version = rule_actions.save_version(changed, "Greets as the new handbook says", by)
    exporting.order(wish_for("calls", "csv"), by)
    exporting.order(wish_for("findings", "xlsx").of("outcome=violated"), by)
    scheduling.add(wish_for("agents", "csv"), by, Every.WEEK, 0, 6)
    failed = CallFilter(QueryDict("state=failed"))
    failed.is_valid()  # which reads the query string
    job = bulk.ask(by, BulkAct.CORRECT, failed.selection, "state=failed")
    return {"rules": version.hash, "bulk": job.pk, "batch": stage_batches(by).pk, "manifest": stage_manifest(by).pk}
