"""Every door of the portal: who may pass it, and with which method. A new URL without a row here fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from callcov_portal.actions import exporting, scheduling
from callcov_portal.exports import wish_for
from callcov_portal.models import BulkJob, Every, Role, SavedView, User
from tests.conftest import person
from tests.factories import BatchFactory, CompletedFactory, DocumentFactory, ManifestFactory, RecordingFactory
from tests.working import work

SIGNED_OUT, REVIEWER, LEAD, ADMINISTRATOR = "signed out", "reviewer", "lead", "administrator"
WHO = (SIGNED_OUT, REVIEWER, LEAD, ADMINISTRATOR)
UNSAFE = ("post", "put", "patch", "delete")
SIGN_IN = "sign in"


@dataclass(frozen=True)
class Door:
    """One URL: its method, and the answers to the four of WHO, in their order."""

    path: str
    answers: tuple[int | str, int, int, int]
    method: str = "get"


def all_the_same(path: str, status: int, method: str = "get") -> Door:
    """Return a door that is open to everybody who is signed in."""
    return Door(path, (SIGN_IN, status, status, status), method)


# The recording {n}, of no one's, with the analysis {a}, agent {g} and contact {c}; the user {u} is a reviewer,
# who has the view {v} and asked for the bulk job {b}; the batch {i} and the manifest {m} are no one's either.
DOORS = {
    "home": all_the_same("/", 200),
    "retry_these": all_the_same("/retry/unreachable/", 302, "post"),
    "login": Door("/login/", (200, 302, 302, 302)),
    "logout": Door("/logout/", (302, 302, 302, 302), "post"),
    "password_change": all_the_same("/password/", 200),
    "calls": all_the_same("/calls/", 200),
    "call": all_the_same("/calls/{n}/", 200),
    "review": all_the_same("/calls/{n}/review/", 404, "post"),
    "call_row": all_the_same("/calls/rows/?ids={n}", 200),
    "call_moments": all_the_same("/calls/{n}/moments/", 200),
    "call_columns": all_the_same("/calls/columns/", 200),
    "saved_views": all_the_same("/calls/views/", 200),
    "saved_view_change": all_the_same("/calls/views/{v}/", 404, "post"),
    "saved_view_delete": all_the_same("/calls/views/{v}/delete/", 302, "post"),
    "bulk_ask": all_the_same("/calls/bulk/", 422, "post"),
    "bulk_job": Door("/calls/bulk/{b}/", (SIGN_IN, 404, 200, 200)),
    "known_agents": all_the_same("/calls/known/agents/", 200),
    "known_contacts": all_the_same("/calls/known/contacts/", 200),
    "add_calls": all_the_same("/calls/add/", 200),
    "add_files": all_the_same("/calls/add/files/", 422, "post"),
    "add_links": all_the_same("/calls/add/links/", 422, "post"),
    "chosen_names": all_the_same("/calls/add/names/", 400, "post"),
    "chosen_batches": all_the_same("/calls/add/batches/", 400, "post"),
    "chosen_batch": all_the_same("/calls/add/batches/{b}/", 404),
    "chosen_change": all_the_same("/calls/add/batches/{b}/change/", 404, "post"),
    "chosen_cancel": all_the_same("/calls/add/batches/{b}/cancel/", 404, "post"),
    "file_patterns": Door("/calls/add/patterns/", (SIGN_IN, 403, 200, 200)),
    "file_pattern": Door("/calls/add/patterns/1/", (SIGN_IN, 403, 404, 404), "post"),
    "uploads": all_the_same("/calls/add/uploads/", 412, "post"),
    "upload": all_the_same("/calls/add/uploads/1/", 412, "patch"),
    "manifest_new": all_the_same("/batches/new/manifest/", 200),
    "manifest": Door("/batches/{m}/manifest/", (SIGN_IN, 403, 200, 200)),
    "manifest_columns": Door("/batches/{m}/manifest/columns/", (SIGN_IN, 403, 422, 422), "post"),
    "manifest_act": Door("/batches/{m}/manifest/again/", (SIGN_IN, 403, 302, 302), "post"),
    "batches": all_the_same("/batches/", 200),
    "batch": all_the_same("/batches/{i}/", 200),
    "batch_fates": all_the_same("/batches/{i}/fates.csv", 200),
    "batch_cancel": Door("/batches/{i}/cancel/", (SIGN_IN, 403, 302, 302), "post"),
    "batch_retry": all_the_same("/batches/{i}/retry/gave_up/", 302, "post"),
    "call_state": all_the_same("/calls/{n}/state/", 200),
    "call_edit": Door("/calls/{n}/edit/", (SIGN_IN, 403, 200, 200)),
    "call_delete": Door("/calls/{n}/delete/", (SIGN_IN, 403, 200, 200)),
    "call_audio": all_the_same("/calls/{n}/audio/", 404),
    "call_player": all_the_same("/calls/{n}/player/", 302),
    "call_mute": all_the_same("/calls/{n}/mute/", 302, "post"),
    "call_unmask": Door("/calls/{n}/unmask/", (SIGN_IN, 403, 403, 404), "post"),
    "call_swap": Door("/calls/{n}/swap/", (SIGN_IN, 403, 404, 404), "post"),
    "call_print": all_the_same("/calls/{n}/print/", 200),
    "call_transcript": all_the_same("/calls/{n}/transcript.txt", 200),
    "call_words": all_the_same("/calls/{n}/words/{a}/", 200),
    "call_waveform": all_the_same("/calls/{n}/waveform/", 404),
    "call_raw": all_the_same("/calls/{n}/raw.json", 200),
    "call_retry": all_the_same("/calls/{n}/retry/", 409, "post"),
    "call_again": all_the_same("/calls/{n}/again/", 302, "post"),
    "call_send_anyway": all_the_same("/calls/{n}/send-anyway/", 409, "post"),
    "call_keep_both": all_the_same("/calls/{n}/keep-both/", 409, "post"),
    "call_cancel": all_the_same("/calls/{n}/cancel/", 409, "post"),
    "call_check_again": Door("/calls/{n}/check-again/", (SIGN_IN, 403, 404, 404), "post"),
    "rules": all_the_same("/rules/", 200),
    "rules_version": all_the_same("/rules/versions/built-in/", 200),
    "rules_edit": Door("/rules/edit/", (SIGN_IN, 403, 200, 200)),
    "rules_try": Door("/rules/try/", (SIGN_IN, 403, 422, 422), "post"),
    "rules_what_if": Door("/rules/what-if/", (SIGN_IN, 403, 422, 422), "post"),
    "rules_put_in_force": Door("/rules/put-in-force/", (SIGN_IN, 403, 302, 302), "post"),
    "rules_check_again": Door("/rules/check-again/", (SIGN_IN, 403, 302, 302), "post"),
    "search": all_the_same("/search/?words=refund", 200),
    "agents": all_the_same("/agents/", 200),
    "agent": all_the_same("/agents/{g}/", 200),
    "contacts": all_the_same("/contacts/", 200),
    "contact": all_the_same("/contacts/{c}/", 200),
    "agents_import": Door("/agents/import/", (SIGN_IN, 403, 200, 200)),
    "agent_edit": Door("/agents/{g}/edit/", (SIGN_IN, 403, 200, 200)),
    "agent_merge": Door("/agents/{g}/merge/", (SIGN_IN, 403, 422, 422), "post"),
    "contact_edit": Door("/contacts/{c}/edit/", (SIGN_IN, 403, 200, 200)),
    "contact_merge": Door("/contacts/{c}/merge/", (SIGN_IN, 403, 422, 422), "post"),
    "people": Door("/people/", (SIGN_IN, 403, 403, 200)),
    "user_act": Door("/people/{u}/unlock/", (SIGN_IN, 403, 403, 302), "post"),
    "status": all_the_same("/status/", 200),
    "health": Door("/health", (200, 200, 200, 200)),
    "export": all_the_same("/exports/calls.csv", 200),
    "export_jsonl": all_the_same("/exports/calls.jsonl", 200),
    "exports": all_the_same("/exports/", 200),
    "export_count": all_the_same("/exports/count/", 200),
    "exports_made": all_the_same("/exports/made/", 302),
    "export_file": Door("/exports/{e}/file", (SIGN_IN, 404, 200, 200)),
    "export_manifest": Door("/exports/{e}/manifest.json", (SIGN_IN, 404, 200, 200)),
    "export_act": Door("/exports/{e}/delete/", (SIGN_IN, 404, 302, 302), "post"),
    "schedule_end": Door("/exports/schedules/{s}/end/", (SIGN_IN, 404, 302, 302), "post"),
    "webhook": Door("/hooks/callcov/forged", (401, 401, 401, 401), "post"),
}
# What lets forms in without a token: the API has none.
WITHOUT_TOKEN = {"webhook"}
# Open to whoever is signed out; all else asks to sign in.
OPEN = {"login", "logout", "health", "webhook"}


def patterns(resolver: URLResolver) -> list[URLPattern]:
    """Return every address of a URLconf, those that are included too."""
    found: list[URLPattern] = []
    for one in resolver.url_patterns:
        found += patterns(one) if isinstance(one, URLResolver) else [one]
    return found


@pytest.fixture
def places(db) -> dict[str, object]:
    """Return what the paths of DOORS are filled with."""
    analysis = CompletedFactory(recording=RecordingFactory())
    DocumentFactory(analysis=analysis)
    call = analysis.recording
    somebody = person("somebody", Role.REVIEWER)
    view = SavedView.objects.create(owner=somebody, name="own")
    asked = BulkJob.objects.create(user=somebody, act="retry")
    people = {"g": call.agent_id, "c": call.contact_id, "u": somebody.pk}
    wish = wish_for("calls").of("agent=nora")
    made, schedule = exporting.order(wish, somebody), scheduling.add(wish, somebody, Every.DAY, 0, 6)
    assert work("exporting", made.pk)
    exports = {"e": made.pk, "s": schedule.pk}
    batches = {"i": BatchFactory().pk, "m": ManifestFactory().pk}
    return {"n": call.pk, "a": analysis.pk, "v": view.pk, "b": asked.pk, **batches, **people, **exports}


@pytest.fixture
def browser_of(db, signed_in):
    """Return a function that gives a browser to one of WHO."""

    def make(who: str, **options) -> Client:
        client = Client(**options)
        if who != SIGNED_OUT:
            client.force_login(person(who, Role(who)), backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


def test_every_address_has_a_row_here():
    named = {pattern.name for pattern in patterns(get_resolver())}
    assert None not in named, "an address without a name"
    assert named == set(DOORS)


@pytest.fixture
def at(places, subtests):
    """Return what goes to a door by its name, gives it and its path, and undoes what was done there."""

    @contextmanager
    def go(name: str) -> Iterator[tuple[Door, str]]:
        with subtests.test(name), transaction.atomic():
            yield DOORS[name], DOORS[name].path.format(**places)
            transaction.set_rollback(True)

    return go


@pytest.mark.parametrize("who", WHO)
def test_who_may_pass_each_door(who, at, browser_of):
    for name in DOORS:
        with at(name) as (door, path):
            response = getattr(browser_of(who), door.method)(path)
            expected = door.answers[WHO.index(who)]
            if expected == SIGN_IN:
                assert response.status_code == 302
                assert response["Location"].startswith("/login/?next=")
            else:
                assert response.status_code == expected


def test_a_stranger_gets_in_by_no_method(at, browser_of):
    stranger = browser_of(SIGNED_OUT)
    for name in sorted(DOORS.keys() - OPEN):
        with at(name) as (_door, path):
            for method in ("get", "head", "options", *UNSAFE):
                response = getattr(stranger, method)(path)
                assert response.status_code == 302
                assert response["Location"].startswith("/login/?next=")


def test_nothing_is_done_without_the_forms_token(at, browser_of):
    for name in DOORS:
        with at(name) as (_door, path):
            browser = browser_of(ADMINISTRATOR, enforce_csrf_checks=True)
            for method in UNSAFE:
                response = getattr(browser, method)(path)
                assert response.status_code in ({401, 405} if name in WITHOUT_TOKEN else {403})


def test_no_door_opens_before_a_one_time_password_is_changed(at, browser_of):
    browser = browser_of(ADMINISTRATOR)
    User.objects.filter(username=ADMINISTRATOR).update(must_change_password=True)
    for name in sorted(DOORS.keys() - {"login", "logout", "password_change", "health", "webhook"}):
        with at(name) as (_door, path):
            for method in ("get", *UNSAFE):
                response = getattr(browser, method)(path)
                assert (response.status_code, response["Location"]) == (302, "/password/")


def test_who_is_deactivated_is_a_stranger(at, browser_of):
    browser = browser_of(ADMINISTRATOR)
    User.objects.filter(username=ADMINISTRATOR).update(is_active=False)
    for name in sorted(DOORS.keys() - OPEN):
        with at(name) as (door, path):
            response = getattr(browser, door.method)(path)
            assert response["Location"].startswith("/login/?next=")
