"""The page where patterns of file names are kept."""

from datetime import UTC, datetime

import pytest

from callcov_portal.actions import batches, file_patterns
from callcov_portal.models import CalledAtSource, FilePattern, Way
from tests.factories import BatchItemFactory
from tests.views.pages import text_of

PAGE = "/calls/add/patterns/"
NEW = {"new-name": "Dialler", "new-team": "North", "new-pattern": "{agent}_{date}", "new-position": "2"}


def test_a_pattern_is_kept_changed_and_removed(as_alice):
    page = as_alice.post(PAGE, NEW, follow=True)
    assert "Kept: Dialler." in text_of(page)
    kept = FilePattern.objects.get()
    assert (kept.name, kept.team, kept.pattern, kept.position) == ("Dialler", "North", "{agent}_{date}", 2)
    changed = {name.replace("new", f"p{kept.pk}"): value for name, value in NEW.items()}
    as_alice.post(f"{PAGE}{kept.pk}/", changed | {f"p{kept.pk}-pattern": "{agent}-*", f"p{kept.pk}-position": ""})
    kept.refresh_from_db()
    assert (kept.pattern, kept.position) == ("{agent}-*", 0)
    assert "Removed: Dialler." in text_of(as_alice.post(f"{PAGE}{kept.pk}/", {"act": "forget"}, follow=True))
    assert not FilePattern.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("new-pattern", "{agent}_{kontakt}", "Line 1, character 9: {kontakt} is not known"),
        ("new-pattern", "", "Enter the pattern."),
        ("new-name", "", "Give the pattern a name."),
        ("new-position", "x", "whole number"),
    ],
)
def test_what_is_wrong_with_a_pattern_is_said_and_nothing_is_kept(as_alice, field, value, words):
    page = as_alice.post(PAGE, NEW | {field: value})
    assert page.status_code == 422
    assert words in text_of(page)
    assert not FilePattern.objects.exists()


def test_the_patterns_of_a_team_stand_in_their_order(db):
    for team, position, text in (("", 0, "{agent}"), ("North", 2, "{agent}_*"), ("North", 1, "{agent}-*")):
        file_patterns.keep(None, team=team, name="x", text=text, position=position)
    assert file_patterns.kept_for() == {"": "{agent}", "North": "{agent}-*\n{agent}_*"}


def test_what_a_name_says_goes_before_what_holds_for_the_batch_and_after_what_was_entered_for_it(alice):
    at = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
    pattern = "{agent}_{contact}_{date}_{time}_{direction}"
    batch = batches.open_batch(
        Way.FILES, alice, agent="all", contact="c-all", pattern=pattern, called_at=at.replace(year=2020)
    )
    item = BatchItemFactory(batch=batch, name="x/nora_c1_2026-03-02_14-30_out.wav")
    details = batches.details_of(item)
    assert (details.agent, details.contact, details.called_at, details.direction) == ("nora", "c1", at, "outbound")
    assert details.called_at_source == CalledAtSource.FILE_NAME
    item.agent, item.called_at = "entered", at.replace(year=2021)
    details = batches.details_of(item)
    assert (details.agent, details.contact, details.called_at.year) == ("entered", "c1", 2021)
    assert details.called_at_source == CalledAtSource.FORM
    other = batches.details_of(BatchItemFactory(batch=batch, name="other.wav"))
    assert (other.agent, other.contact, other.called_at.year) == ("all", "c-all", 2020)
