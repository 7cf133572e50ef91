"""A CSV of agents: the dry run, then the import."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from callcov_portal.actions import merging
from callcov_portal.models import Agent, LogEntry
from tests.factories import AgentFactory
from tests.views.pages import text_of

ROWS = "id;name;team\na-1;Nora;claims\na-2;=cmd();Billing\n;x;\na-3;Omar;Claims\n"


def check(client, content: bytes):
    return client.post("/agents/import/", {"file": SimpleUploadedFile("agents.csv", content)})


@pytest.fixture
def known(db) -> Agent:
    AgentFactory(identifier="a-3", name="Omar", team="Claims")
    return AgentFactory(identifier="A-1", name="N.")


def test_the_dry_run_says_per_row_what_would_change_and_changes_nothing(as_alice, known):
    words = text_of(check(as_alice, ROWS.encode("utf-8-sig")))
    assert "1 new · 1 changed · 1 as they are · 1 wrong" in words
    assert "4 ✗ Wrong There is no id." in words
    assert "2 a-1 → Changed name: N. → Nora; team: – → claims" in words
    assert "3 a-2 + New =cmd(), Billing" in words
    assert "5 a-3 As it is" in words
    assert Agent.objects.count() == 2


def test_the_import_does_what_the_dry_run_said_and_the_second_time_nothing(as_alice, known):
    text = check(as_alice, ROWS.encode()).context["text"]
    page = as_alice.post("/agents/import/", {"text": text, "import": "1"}, follow=True)
    assert "Imported: 1 new agents, 1 changed." in text_of(page)
    assert set(Agent.objects.values_list("identifier", "name", "team")) == {
        ("A-1", "Nora", "Claims"),
        ("a-2", "=cmd()", "Billing"),
        ("a-3", "Omar", "Claims"),
    }
    assert LogEntry.objects.get(act="imported agents").text == "1 new, 1 changed"
    assert "Nothing would change." in text_of(check(as_alice, b"id,name\na-3,Omar\n"))


def test_an_alias_means_the_one_who_was_kept(as_alice, alice, known):
    alias = AgentFactory(identifier="old")
    merging.merge(alias, known, alice)
    as_alice.post("/agents/import/", {"text": "id,team\nold,Sales\n", "import": "1"})
    known.refresh_from_db()
    assert known.team == "Sales"


@pytest.mark.parametrize("content", [b"", b"name\nx\n", b"\0\1\2", b"\xff\xfe\0", b"x" * 500_001])
def test_what_is_no_roster_is_refused_with_a_sentence(as_alice, content):
    page = check(as_alice, content) if content else as_alice.post("/agents/import/", {})
    assert page.status_code == 422
    assert page.context["form"].errors["file"]
