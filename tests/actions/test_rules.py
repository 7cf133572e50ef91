"""Versions of the rule set: kept for ever, one in force."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from callcov_portal import rules
from callcov_portal.actions import rules as actions
from callcov_portal.models import LogEntry, RuleVersion
from tests.rulesets import GREETING, WELCOME

pytestmark = pytest.mark.django_db


def test_without_any_version_the_built_in_rules_are_in_force() -> None:
    assert actions.in_force() is rules.builtin()
    assert actions.standing().trouble == ""


def test_a_saved_version_is_kept_and_logged_but_not_in_force(alice) -> None:
    version = actions.save_version(GREETING, "We greet.", alice)
    assert (version.name, version.text, version.created_by) == ("House rules", GREETING, alice)
    assert version.hash == rules.load(GREETING).hash
    assert LogEntry.objects.get(act="rules saved").text.endswith("We greet.")
    assert actions.in_force() is rules.builtin()


def test_the_same_text_again_is_the_same_version(alice, bob) -> None:
    first = actions.save_version(GREETING, "first", alice)
    assert actions.save_version(GREETING, "second", bob) == first
    assert RuleVersion.objects.get().note == "first"
    assert LogEntry.objects.filter(act="rules saved").count() == 1


def test_a_text_that_is_no_rule_set_is_refused_with_its_line(alice) -> None:
    with pytest.raises(rules.RuleError, match=r"Line 5: 'shouting'"):
        actions.save_version(GREETING.replace("check: greeting", "check: shouting"), "", alice)
    assert not RuleVersion.objects.exists()


def test_the_version_put_in_force_last_is_in_force_and_the_built_in_one_can_be_again(alice) -> None:
    first, second = (actions.save_version(text, "", alice) for text in (GREETING, WELCOME))
    for version in (first, second, first):
        actions.activate(version.hash, alice)
        assert actions.in_force().text == version.text
    assert actions.activate(actions.BUILT_IN, alice) is rules.builtin()
    assert actions.in_force() is rules.builtin()
    assert LogEntry.objects.filter(act="rules put in force").count() == 4
    assert set(RuleVersion.objects.values_list("text", flat=True)) == {GREETING, WELCOME}


def test_the_clock_set_back_does_not_keep_an_older_version_in_force(alice, time_machine) -> None:
    first, second = (actions.save_version(text, "", alice) for text in (GREETING, WELCOME))
    time_machine.move_to("2030-01-01")
    actions.activate(first.hash, alice)
    time_machine.move_to("2026-01-01")
    actions.activate(second.hash, alice)
    assert actions.in_force().text == WELCOME


def test_putting_in_force_what_is_in_force_changes_nothing(alice) -> None:
    version = actions.save_version(GREETING, "", alice)
    actions.activate(version.hash, alice)
    activated_at = RuleVersion.objects.get().activated_at
    actions.activate(version.hash, alice)
    assert RuleVersion.objects.get().activated_at == activated_at
    assert LogEntry.objects.filter(act="rules put in force").count() == 1


def test_the_text_of_the_built_in_rules_kept_as_a_version_follows_the_program(alice) -> None:
    version, _ = actions.kept(rules.builtin())
    actions.activate(actions.save_version(GREETING, "", alice).hash, alice)
    actions.activate(version.hash, alice)
    assert not RuleVersion.objects.exclude(activated_at=None).exists()


def test_what_is_no_version_cannot_be_put_in_force(alice) -> None:
    with pytest.raises(actions.NotPossible, match="no such version"):
        actions.activate("f" * 64, alice)
    assert not LogEntry.objects.exists()


def test_a_version_that_this_program_cannot_read_makes_way_for_the_built_in_rules(alice) -> None:
    actions.activate(actions.save_version(GREETING, "", alice).hash, alice)
    old = RuleVersion.objects.create(hash="0" * 64, name="Old rules", text="name: Old\nrules: 7\n")
    with pytest.raises(actions.NotPossible, match="Line 2"):
        actions.activate(old.hash, alice)
    RuleVersion.objects.filter(pk=old.pk).update(activated_at="2099-01-01T00:00Z")
    standing = actions.standing()
    assert standing.rules is rules.builtin()
    assert "Old rules (000000000000)" in standing.trouble
    assert "Line 2" in standing.trouble
    actions.activate(actions.BUILT_IN, alice)
    assert actions.standing().trouble == ""


def test_a_version_is_parsed_once_and_its_text_then_not_even_read(alice) -> None:
    actions.activate(actions.save_version(GREETING, "", alice).hash, alice)
    first = actions.in_force()
    with CaptureQueriesContext(connection) as queries:
        assert actions.in_force() is first
    assert len(queries) == 1
    assert '"text"' not in queries[0]["sql"]
