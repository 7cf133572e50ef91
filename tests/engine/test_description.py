"""The engine against its own OpenAPI description, by generated requests: right ones, wrong ones, and all between.

Beside boundary values of every field, each operation gets as many random requests as the Hypothesis profile says: 100,
or 1,000 with `make fuzz`. Every answer must have a documented status, type, headers and form; what the description
allows must be taken, what it forbids refused.
"""

import hashlib
import json
import uuid
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import negative_data_rejection

from callcov_portal import rules, sound
from callcov_portal.bodies import whole_bodies
from callcov_portal.engine import checks, views, wire
from callcov_portal.engine.models import Job, Outcome, State
from callcov_portal.engine.speech.scripted import ScriptedRecogniser
from tests import sounds

FUZZING = hypothesis_settings.get_current_profile_name() == "fuzz"  # new requests every time
RULE_SETS = [
    rules.builtin().text,
    "name: Ours\nrules:\n- {id: greets, check: greeting, title: Greets, phrases: [good day]}\n",
]
FILES = [sounds.wav(0.5), sounds.wav(0.5, channels=2, rate=16000), sounds.wav(0.5)[:300], b"RIFF", b"\0", b"#EXTM3U\n"]


def served(environ, start_response):
    """The engine as its server runs it. What it and the client opened is closed, as a server does."""
    body = environ["wsgi.input"]
    answer: Any = whole_bodies(WSGIHandler())(environ, start_response)
    try:
        return [b"".join(answer)]
    finally:
        answer.close()
        body.close()


schemathesis.openapi.format("rule-set", st.sampled_from(RULE_SETS))
schemathesis.openapi.format("binary", st.sampled_from(FILES))
schema = schemathesis.openapi.from_dict(json.loads(json.dumps(views.api.get_openapi_schema(path_prefix="/api/v1/"))))
schema.app = served
# A description of bytes cannot say which of them are a recording.
schema.config.checks.positive_data_acceptance.expected_statuses.append("422")
schema.config.checks.negative_data_rejection.expected_statuses.append("413")


@pytest.fixture
def ready(engine, db, settings, monkeypatch) -> Iterator[None]:
    """The engine without limits to requests; it looks at each file once."""
    settings.CALLCOV_ENGINE_REQUESTS_PER_MINUTE = settings.CALLCOV_ENGINE_SUBMISSIONS_PER_MINUTE = 10**9
    monkeypatch.setattr(sound, "probe", remembering(sound.probe))
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)  # the test's transaction is on one
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def remembering(probe):
    outcomes: dict = {}

    def probe_once(path):
        content = path.read_bytes()
        if content not in outcomes:
            try:
                outcomes[content] = probe(path)
            except sound.SoundError as error:
                outcomes[content] = error
        if isinstance(outcomes[content], sound.SoundError):
            raise outcomes[content]
        return outcomes[content]

    return probe_once


@pytest.fixture
def analyses(make_job, tmp_path) -> list[Job]:
    """One in every state: to be fetched, to be heard, under way, failed, completed with words and without."""
    return [
        make_job(),
        make_job(upload=True, stage="stored"),
        make_job(upload=True, stage="recognising", fraction=0.4),
        make_job(state=State.FAILED, error_message="There is no sound in it."),
        completed(make_job(upload=True, state=State.COMPLETED), tmp_path, seconds=60, hertz=440),
        completed(make_job(upload=True, state=State.COMPLETED), tmp_path, seconds=1, hertz=0),
    ]


def completed(job, folder, *, seconds, hertz) -> Job:
    """Give the job what its recording, a tone or silence, leads to."""
    path = sounds.wav_file(folder, seconds=seconds, hertz=hertz)[0]
    heard = ScriptedRecogniser().transcribe(path, progress=lambda *_: None, cancelled=lambda: False)
    texts = (wire.transcript(heard.segments, heard.language), orjson.dumps(checks.assess(heard)))
    Outcome.objects.create(job=job, transcript=texts[0].decode(), results=texts[1].decode())
    return job


def aim(case, analyses) -> None:
    """Let a right request mean something: most name an analysis that is there, and the hash is that of the rules."""
    if case.path_parameters:
        number = uuid.UUID(case.path_parameters["analysis_id"]).int
        if number % 4:
            case.path_parameters["analysis_id"] = str(analyses[number // 4 % len(analyses)].pk)
    if isinstance(case.body, dict) and case.body.get("rules"):
        case.body["rules"] = RULE_SETS[len(case.body["rules"]) % 2]
    if isinstance(case.body, dict) and case.body.get("rules_sha256"):
        text = case.body.get("rules") or RULE_SETS[0]
        case.body["rules_sha256"] = hashlib.sha256(text.encode()).hexdigest()


def becomes_right_when_sent(case) -> bool:
    """Whether a wrong value may be none on the wire: a form has only texts, a query repeats what is a list."""
    repeated = any(isinstance(value, list | dict) for value in (case.query or {}).values())
    return repeated or case.media_type == "multipart/form-data"


@schema.parametrize()
@hypothesis_settings(derandomize=not FUZZING, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_what_is_sent_and_answered_is_as_described(case, ready, analyses, key):
    headers = {"Authorization": f"Bearer {key}"}
    if case.meta.generation.mode.is_positive:
        aim(case, analyses)
    excused = [negative_data_rejection] if becomes_right_when_sent(case) else []

    response = case.call(headers=headers)

    case.validate_response(response, headers=headers, excluded_checks=excused)
