"""The list of all pages is complete, and each answers, also where there is nothing to show."""

from typing import Any

import pytest
from django.urls import NoReverseMatch, get_resolver, reverse

from callcov_portal.actions import indexing
from callcov_portal.models import Analysis, Role
from tests.conftest import person
from tools.screens.pages import EMPTY, PAGES
from tools.screens.scene import Scene, stage

# What an address may ask for beside what the scene names.
OTHERS: dict[str, Any] = {"act": "retry", "failure": "gave_up", "form": "txt", "table": "calls", "token": "none"}


@pytest.fixture
def scene(dora) -> Scene:
    found = stage(dora, calls=80, agents=6, with_audio=1)
    assert indexing.index() is False
    return found


def address_of(name: str, scene: Scene) -> str:
    """Return an address of that name; LookupError for one that asks for what nobody knows."""
    for numbers in numbers_for(name, scene):
        known = {**OTHERS, **numbers, "number": scene["call"], "digest": scene["rules"]}
        analysis = Analysis.objects.filter(recording=scene["call"]).values_list("pk", flat=True).get()
        wanted = get_resolver().reverse_dict.getlist(name)[0][0][0][1]
        try:
            return reverse(name, kwargs={each: {**known, "analysis": analysis}[each] for each in wanted})
        except NoReverseMatch:
            continue
    raise LookupError(name)


def numbers_for(name: str, scene: Scene) -> list[dict[str, Any]]:
    """Return what `pk` may be: that of a person where the name says so, of an act on many calls, or the first of a table."""
    person = "contact" if name.startswith("contact") else "agent"
    return (
        [{"pk": scene[person]}]
        if name.startswith(("agent", "contact"))
        else [{"pk": 1}, {"pk": scene[next((kind for kind in ("batch", "manifest") if name.startswith(kind)), "bulk")]}]
    )


def test_every_address_that_gives_a_page_is_in_the_list(as_dora, scene):
    names = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
    assert len(names) > 50
    pages = set()
    for name in names:
        answer = as_dora.get(address_of(name, scene))
        body = b"" if answer.streaming else answer.content
        if answer.status_code == 200 and body.lstrip().lower().startswith(b"<!doctype html"):
            pages.add(name)
    assert pages | {"login"} == {page.view for page in PAGES}  # who is signed in is led away from there


def test_each_page_answers(as_dora, as_charlie, scene, subtests):
    for page in PAGES:
        with subtests.test(page.name):
            answer = (as_charlie if page.is_public else as_dora).get(page.address(scene))
            assert answer.status_code == (404 if page.name == "not-found" else 200)
            assert answer.content.count(b"<h1") == 1


def test_each_page_answers_where_there_is_nothing(as_dora, subtests):
    for page in EMPTY:
        with subtests.test(page.name):
            answer = as_dora.get(page.address({}))
            assert answer.status_code == 200
            assert answer.content.count(b"<h1") == 1


def test_what_a_reviewer_sees_is_the_same_but_for_what_is_not_theirs(signed_in, scene):
    bob = signed_in(person("bob", Role.REVIEWER))
    refused = {page.name for page in PAGES if bob.get(page.address(scene)).status_code == 403}
    assert {"people", "agent-edit", "contact-edit", "rules-edit"} <= refused
    assert not refused & {"home", "calls", "call", "search-found", "agents", "agent", "contacts", "contact", "exports"}
