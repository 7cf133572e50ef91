"""Every page of the portal, once: the pictures are of these, and the tests of all pages walk them.

A page that is added to the portal is added here; `tests/views/test_every_page.py` fails until it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse


@dataclass(frozen=True)
class Page:
    """One page in one state. `args` and `query` name what `scene.stage` returns; `name` is also that of its pictures."""

    name: str
    title: str
    view: str  # the name of its address
    args: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    is_public: bool = False
    also_empty: bool = False  # a state of its own before there are calls

    def address(self, scene: Mapping[str, Any]) -> str:
        """Return path and query of the page in this scene."""
        path = reverse(self.view, kwargs={name: scene[key] for name, key in self.args.items()})
        return f"{path}?{self.query.format(**scene)}" if self.query else path


CALL = {"number": "call"}

PAGES = (
    Page("login", "Sign in", "login", is_public=True),
    Page("home", "My work", "home", also_empty=True),
    Page("calls", "Calls", "calls", also_empty=True),
    Page("calls-filtered", "Calls with violations", "calls", query="outcome=violated&reviewed=no"),
    Page("calls-failed", "Calls that failed", "calls", query="state=failed"),
    Page("calls-none", "No call matches", "calls", query="text=nobody-of-that-name"),
    Page("calls-views", "Saved views", "saved_views", query="query=outcome%3Dviolated", also_empty=True),
    Page("calls-columns", "Columns of the list", "call_columns"),
    Page("bulk", "Correct many calls", "bulk_job", {"pk": "bulk"}),
    Page("add", "Add calls", "add_calls"),
    Page("file-patterns", "Patterns of file names", "file_patterns"),
    Page("batches", "Batches", "batches", also_empty=True),
    Page("batch", "A batch", "batch", {"pk": "batch"}),
    Page("batch-failed", "What of a batch failed", "batch", {"pk": "batch"}, "part=failed"),
    Page("manifest-new", "Import a manifest", "manifest_new"),
    Page("manifest", "A manifest that was checked", "manifest", {"pk": "manifest"}),
    Page("call", "A call", "call", CALL),
    Page("call-masked", "A call with a card number, muted", "call", {"number": "muted"}),
    Page("call-failed", "A call that failed", "call", {"number": "failed"}),
    Page("call-same", "A call that sounds like another", "call", {"number": "same"}),
    Page("call-waiting", "A call that waits, long names", "call", {"number": "waiting"}),
    Page("call-edit", "Correct a call", "call_edit", CALL),
    Page("call-delete", "Delete a call", "call_delete", CALL),
    Page("call-print", "A call on paper", "call_print", CALL),
    Page("search", "Search", "search", also_empty=True),
    Page("search-found", "Search: found", "search", query="words=account"),
    Page("search-none", "Search: nothing found", "search", query="words=xylophone"),
    Page("agents", "Agents", "agents", query="weeks=all", also_empty=True),
    Page("agents-team", "Agents of a team", "agents", query="weeks=all&team={team}"),
    Page("agents-none", "No agent matches", "agents", query="text=nobody-of-that-name"),
    Page("agent", "An agent", "agent", {"pk": "agent"}, "weeks=all"),
    Page("agent-new", "An agent without results", "agent", {"pk": "new_agent"}),
    Page("agent-edit", "Edit or merge an agent", "agent_edit", {"pk": "agent"}),
    Page("agents-import", "Import agents", "agents_import"),
    Page("contacts", "Contacts", "contacts", also_empty=True),
    Page("contact", "A contact", "contact", {"pk": "contact"}),
    Page("contact-edit", "Edit or merge a contact", "contact_edit", {"pk": "contact"}),
    Page("exports", "Exports", "exports", also_empty=True),
    Page("exports-findings", "Exports: findings of chosen calls", "exports", query="table=findings&outcome=violated"),
    Page("exports-count", "How many rows", "export_count", query="table=calls"),
    Page("rules", "Rules", "rules", also_empty=True),
    Page("rules-edit", "Change the rules", "rules_edit"),
    Page("rules-version", "A version of the rules", "rules_version", {"digest": "rules"}),
    Page("status", "Status", "status", also_empty=True),
    Page("people", "People", "people", also_empty=True),
    Page("password", "Change the own password", "password_change"),
    Page("not-found", "No such call", "call", {"number": "nothing"}),
)
EMPTY = tuple(Page(f"{page.name}-empty", f"{page.title}: nothing there yet", page.view, page.args, page.query)
    for page in PAGES if page.also_empty)  # fmt: skip
