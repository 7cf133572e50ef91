"""Rule sets that come with a create: read first, kept once, and what a job is checked by."""

import hashlib

import orjson
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from callcov_portal import rules
from callcov_portal.engine import pipeline, rulesets
from callcov_portal.engine.models import Job, Outcome, Rules, State

TEXT = """\
name: Ours
rules:
- id: names_itself
  check: identity
  title: Says who is calling
  phrases: [an entirely different greeting]
"""
HASH = hashlib.sha256(TEXT.encode()).hexdigest()
ANALYSES = "/api/v1/analysis/"


def post(caller, order, **more):
    return caller.post(ANALYSES, {**order, **more}, content_type="application/json")


def upload(caller, recording, **more):
    file = SimpleUploadedFile("call.wav", recording.read_bytes(), content_type="audio/wav")
    return caller.post(ANALYSES, {"agent_id": "ann", "contact_id": "carl", "audio_file": file, **more})


def complaint_of(answer):
    assert answer.status_code == 400
    assert not Job.objects.exists()
    (entry,) = answer.json()["detail"]
    assert set(entry) == {"type", "loc", "msg", "input"}
    return entry["loc"], entry["msg"]


@pytest.fixture(autouse=True)
def nothing_read_before():
    rulesets.kept.cache_clear()


def test_a_job_keeps_the_rules_that_came_with_it(caller, order):
    assert post(caller, order, rules=TEXT, rules_sha256=HASH).status_code == 201

    assert Job.objects.get().rules_hash == HASH
    assert Rules.objects.get().text == TEXT


def test_the_hash_may_be_left_out_or_be_in_capitals(caller, order):
    assert post(caller, order, rules=TEXT).status_code == 201
    assert post(caller, order, rules=TEXT, rules_sha256=HASH.upper()).status_code == 201

    assert {job.rules_hash for job in Job.objects.all()} == {HASH}


def test_a_form_may_bring_rules_too_line_breaks_and_all(caller, recording):
    assert upload(caller, recording, rules=TEXT, rules_sha256=HASH).status_code == 201

    assert Rules.objects.get().text == TEXT


def test_equal_rules_are_kept_and_read_once(caller, order, monkeypatch):
    post(caller, order, rules=TEXT)
    monkeypatch.setattr(rules, "load", lambda _text: pytest.fail("read again"))

    assert post(caller, order, rules=TEXT).status_code == 201
    assert Rules.objects.count() == 1


def test_rules_that_are_known_may_be_named_by_their_hash_alone(caller, order):
    post(caller, order, rules=TEXT)

    assert post(caller, order, rules_sha256=HASH).status_code == 201
    assert {job.rules_hash for job in Job.objects.all()} == {HASH}


def test_the_built_in_rules_are_known(caller, order):
    assert post(caller, order, rules_sha256=rules.builtin().hash).status_code == 201

    assert Job.objects.get().rules_hash == rules.builtin().hash


@pytest.mark.parametrize("nothing", [{}, {"rules": "", "rules_sha256": ""}, {"rules": None}])
def test_without_rules_the_built_in_ones_of_the_day_apply(caller, order, nothing):
    assert post(caller, order, **nothing).status_code == 201

    assert Job.objects.get().rules_hash == ""
    assert not Rules.objects.exists()


def test_an_unknown_hash_is_refused_with_what_to_do(caller, order):
    where, message = complaint_of(post(caller, order, rules_sha256="0" * 64))

    assert where == ["body", "rules_sha256"]
    assert message == "This rule set is not known here: send its text as rules"


def test_a_hash_of_something_else_is_refused(caller, order):
    where, message = complaint_of(post(caller, order, rules=TEXT, rules_sha256="0" * 64))

    assert where == ["body", "rules_sha256"]
    assert "not the SHA-256 of the rules" in message
    assert not Rules.objects.exists()


@pytest.mark.parametrize("given", ["abc", "g" * 64, "0" * 65, 7, ["0" * 64]])
def test_what_is_no_hash_is_refused(caller, order, given):
    assert complaint_of(post(caller, order, rules_sha256=given))[0] == ["body", "rules_sha256"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TEXT.replace("check: identity", "check: mood"), "Line 4: 'mood' is not possible here"),
        (TEXT.replace("title:", "titel:"), "Line 5: 'titel' is unknown here"),
        ("name: [", "not valid YAML"),
        ("just words", "Line 1: "),
        ("name: a\0b", "Line 1: "),
        ("a: &a [*a]", "aliases"),
        ("[" * 5000, "Line 1: "),
        (" " * 500_001, "at most 500000 characters"),
    ],
)
@pytest.mark.parametrize("way", ["json", "form"])
def test_rules_that_are_none_are_refused_with_the_line(caller, order, recording, text, words, way):
    answer = post(caller, order, rules=text) if way == "json" else upload(caller, recording, rules=text)

    where, message = complaint_of(answer)

    assert where == ["body", "rules"]
    assert words in message
    assert not Rules.objects.exists()


def test_rules_that_are_no_text_are_refused(caller, order):
    assert complaint_of(post(caller, order, rules={"name": "Ours"}))[0] == ["body", "rules"]


def test_an_error_shows_no_more_than_a_glimpse_of_the_rules(caller, order):
    answer = post(caller, order, rules="x" * 5000)

    assert answer.json()["detail"][0]["input"] == "x" * 100


def test_a_repetition_with_an_idempotency_key_keeps_the_first_rules(caller, order):
    for text in (TEXT, "no rules at all"):
        answer = caller.post(
            ANALYSES, {**order, "rules": text}, content_type="application/json", headers={"Idempotency-Key": "k1"}
        )
        assert answer.status_code == 201

    assert Job.objects.get().rules_hash == HASH


def heard(job) -> dict:
    Job.objects.filter(pk=job.pk).update(next_attempt_at=timezone.now())
    assert pipeline.advance(job.pk)
    return dict(orjson.loads(Outcome.objects.get(job=job).results))


@pytest.fixture
def scripted(settings):
    settings.CALLCOV_ENGINE_MODEL = "scripted"


@pytest.mark.django_db(transaction=True)
def test_a_call_is_checked_by_the_rules_of_its_job(make_job, scripted):
    Rules.objects.create(hash=HASH, text=TEXT)

    by_ours = heard(make_job(upload=True, rules_hash=HASH))
    by_built_in = heard(make_job(upload=True))

    assert by_ours["compliance"]["identity_verification"]["verified"] is False
    assert by_built_in["compliance"]["identity_verification"]["verified"] is True


@pytest.mark.django_db(transaction=True)
def test_rules_that_this_version_cannot_read_any_more_fail_the_job_with_the_line(make_job, scripted):
    Rules.objects.create(hash=HASH, text=TEXT.replace("check: identity", "check: of_yore"))
    job = make_job(upload=True, rules_hash=HASH)

    assert pipeline.advance(job.pk)

    job.refresh_from_db()
    assert (job.state, job.attempts) == (State.FAILED, 1)
    assert "cannot be used by this version: Line 4: 'of_yore' is not possible here" in job.error_message
