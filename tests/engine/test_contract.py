"""Every documented body, and what the engine adds to it."""

import json
import uuid
from datetime import UTC, datetime

import orjson
import pytest

from callcov_portal.engine import auth, documents, intake, pipeline, wire
from callcov_portal.engine.models import Job, Outcome, State

TRANSCRIPT = {"text": "Agent: Hello.", "language": "en", "segments": []}
RESULTS = {
    "compliance": {
        "identity_verification": {"verified": True, "timestamp": 0.0, "flagged": False},
        "mandatory_disclosures": {
            "read": True,
            "matched_disclosures": ["call_recording_notice"],
            "missing_disclosures": [],
        },
        "purpose_declaration": {"disclosed": True, "interaction_number": 1, "flagged": False},
        "prohibited_phrases": {"used": False, "instances": []},
        "sensitive_data": {"shared": False, "instances": []},
    },
    "quality": {"greeting": {"given": True}},
    "coaching": {"recommendations": []},
    "summary": "A short call.",
}


def post(caller, path="/api/v1/analysis/", body=None, **more):
    return caller.post(path, body, content_type="application/json", **more)


@pytest.fixture
def completed(make_job) -> Job:
    job: Job = make_job(
        state=State.COMPLETED,
        completed_at=datetime(2026, 1, 2, tzinfo=UTC),
        processing_ms=1500,
        duration=125.5,
        size=1048576,
        audio_format="wav",
    )
    Outcome.objects.create(
        job=job, transcript=orjson.dumps(TRANSCRIPT).decode(), results=orjson.dumps(RESULTS).decode()
    )
    return job


def test_a_created_analysis_is_the_documented_object(caller, order):
    answer = post(caller, body={**order, "webhook_url": "https://your-app.com/webhooks/analysis"})

    assert answer.status_code == 201
    job = Job.objects.get()
    assert answer.json() == {
        "id": str(job.pk),
        "object": "analysis",
        "created": int(job.created_at.timestamp()),
        "status": "processing",
        "livemode": True,
        "call": {
            "agent_id": "agent_john_doe",
            "contact_id": "customer_12345",
            "duration_ms": None,
            "duration_seconds": None,
        },
        "audio": {
            "url": order["audio_url"],
            "duration_seconds": None,
            "format": "wav",
            "file_size": None,
            "size_bytes": None,
        },
        "transcript": None,
        "results": None,
        "metadata": {
            "processing_time_ms": None,
            "version": "1.0.0",
            "webhook_url": "https://your-app.com/webhooks/analysis",
            "completed_at": None,
            "error_message": None,
        },
        "progress": {"stage": "", "fraction": 0.0, "trouble": ""},
    }


@pytest.mark.parametrize(
    "path", ["/api/v1/analysis/", "/api/v1/analysis", "/api/v1/calls/analyze", "/api/v1/calls/analyze/"]
)
def test_every_documented_path_creates_without_a_redirect(caller, order, path):
    answer = post(caller, path, order)

    assert answer.status_code == 201
    assert answer.json()["id"] == str(Job.objects.get().pk)


def test_the_alias_path_names_the_id_a_second_time(caller, order):
    document = post(caller, "/api/v1/calls/analyze", order).json()

    assert document["analysis_id"] == document["id"]


def test_what_the_caller_says_about_the_call_comes_back(caller, order):
    said = {"call_direction": "inbound", "call_timestamp": "2026-01-02T03:04:05Z", "metadata": {"department": "sales"}}

    call = post(caller, body={**order, **said}).json()["call"]

    assert call["call_type"] == "inbound"
    assert call["call_timestamp"] == "2026-01-02T03:04:05Z"
    assert call["metadata"] == {"department": "sales"}


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_completed_analysis_is_the_documented_object(caller, completed, slash):
    document = caller.get(f"/api/v1/analysis/{completed.pk}{slash}").json()

    assert document["status"] == "completed"
    assert document["call"] == {
        "agent_id": "ann",
        "contact_id": "carl",
        "duration_ms": 125500,
        "duration_seconds": 125.5,
    }
    assert document["audio"]["file_size"] == document["audio"]["size_bytes"] == 1048576
    assert document["transcript"] == TRANSCRIPT
    assert document["results"] == RESULTS
    assert document["metadata"]["completed_at"] == 1767312000
    assert document["metadata"]["processing_time_ms"] == 1500
    assert "error_message" not in document
    assert "progress" not in document


def test_a_failed_analysis_says_why_in_both_documented_places(caller, make_job):
    job = make_job(state=State.FAILED, error_message="There is no sound in it.")

    document = caller.get(f"/api/v1/analysis/{job.pk}").json()

    assert document["status"] == "failed"
    assert document["error_message"] == document["metadata"]["error_message"] == "There is no sound in it."
    assert document["transcript"] is None
    assert document["results"] is None


def test_trouble_that_is_tried_again_is_not_shown_as_a_failure(caller, make_job):
    job = make_job(error_message="The link did not answer.")

    assert caller.get(f"/api/v1/analysis/{job.pk}").json()["metadata"]["error_message"] is None


def test_a_running_analysis_shows_its_progress(caller, make_job):
    job = make_job(stage="recognising", fraction=0.33333)

    document = caller.get(f"/api/v1/analysis/{job.pk}").json()

    assert document["progress"] == {"stage": "recognising", "fraction": 0.333, "trouble": ""}


def test_the_openapi_document_describes_what_is_sent(caller, completed, order):
    running = post(caller, "/api/v1/calls/analyze", order).json()
    done = caller.get(f"/api/v1/analysis/{completed.pk}").json()
    page = orjson.loads(b"".join(caller.get("/api/v1/analysis/")))

    for document in (running, done):
        documents.Analysis.model_validate(document)
        assert set(document) <= set(documents.Analysis.model_fields)
    documents.Page.model_validate(page)


def undescribed(given, schema, definitions) -> set[str]:
    """The keys in a document that its description does not name, wherever they are."""
    if "$ref" in schema:
        return undescribed(given, definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    if "anyOf" in schema:
        return set.intersection(*(undescribed(given, option, definitions) for option in schema["anyOf"]))
    if isinstance(given, list) and "items" in schema:
        return set().union(*(undescribed(each, schema["items"], definitions) for each in given))
    if isinstance(given, dict) and "properties" in schema:
        known = schema["properties"]
        inner = (undescribed(given[name], known[name], definitions) for name in given.keys() & known.keys())
        return (given.keys() - known.keys()).union(*inner)
    return (
        {"a value"} if isinstance(given, dict | list) and schema.get("type") not in {"object", "array", None} else set()
    )


@pytest.mark.django_db(transaction=True)
def test_every_field_that_the_engine_sends_is_described(caller, make_job, settings):
    said = "I am Ann from Northwind. This call is recorded. I am calling about your bill. We guarantee it, you idiot."
    turns = [
        {"role": "agent", "start": 0.0, "end": 9.0, "text": said},
        {"role": "contact", "start": 9.0, "end": 15.0, "text": "My card is 4111 1111 1111 1111, I want to complain."},
    ]
    job = make_job(upload=True, call_direction="inbound", call_timestamp="2026-01-02", call_metadata='{"a": 1}')
    path = intake.audio_path(job)
    path.with_name(f"{job.pk}.json").write_text(json.dumps({"turns": turns}))
    settings.CALLCOV_ENGINE_MODEL = f"scripted:{path.parent}"
    assert pipeline.advance(job.pk)

    document = caller.get(f"/api/v1/analysis/{job.pk}").json()

    schema = documents.Analysis.model_json_schema()
    assert document["results"]["compliance"]["prohibited_phrases"]["instances"]
    assert document["results"]["compliance"]["sensitive_data"]["instances"]
    assert document["results"]["findings"]
    assert undescribed(document, schema, schema["$defs"]) == set()
    assert undescribed({**document, "new": 1}, schema, schema["$defs"]) == {"new"}
    documents.Analysis.model_validate(document)


def test_the_openapi_document_is_served_without_a_key(stranger):
    document = stranger.get("/api/v1/openapi.json").json()

    assert set(document["paths"]) == {
        "/api/v1/analysis/",
        "/api/v1/calls/analyze",
        "/api/v1/analysis/{analysis_id}",
        "/api/v1/analysis/{analysis_id}/audio",
    }
    body = document["paths"]["/api/v1/analysis/"]["post"]["requestBody"]["content"]
    assert set(body) == {"application/json", "multipart/form-data"}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert {"200", "201"} & set(operation["responses"]), (method, path)


def test_a_transcript_is_written_as_documented():
    from callcov_portal.engine.speech import Segment, Word

    segments = (
        Segment("A", "Hello.", 0.0, 1.23456, 0.98765, (Word("Hello.", 0.0, 1.23456, 0.98765),)),
        Segment("B", "Good day.", 1.5, 2.5, 0.9, ()),
    )

    document = orjson.loads(wire.transcript(segments, "en"))

    assert document["text"] == "Agent: Hello.\nCustomer: Good day."
    assert document["language"] == "en"
    assert document["segments"][0] == {
        "speaker": "A",
        "text": "Hello.",
        "start": 0.0,
        "end": 1.235,
        "confidence": 0.988,
        "words": [{"text": "Hello.", "start": 0.0, "end": 1.235, "confidence": 0.988}],
    }
    assert document["segments"][1]["speaker"] == "B"


# --- Who may ask -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer {key}"},
        {"Authorization": "bearer  {key}"},
        {"X-API-Key": "{key}"},
        {"Authorization": "Bearer {key}", "X-API-Key": "{key}"},
        {"Authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.x.y", "X-API-Key": "{key}"},
        {"Authorization": "Basic YTpi", "X-API-Key": "{key}"},
    ],
)
def test_a_key_is_taken_in_either_header(stranger, key, headers):
    given = {name: value.format(key=key) for name, value in headers.items()}

    assert stranger.get("/api/v1/analysis/", headers=given).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer sk_live_wrong"},
        {"Authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.x.y"},
        {"Authorization": "Basic {key}"},
        {"Authorization": "{key}"},
        {"X-API-Key": ""},
        {"X-API-Key": "sk_live_"},
        {"X-API-Key": "sk_test_"},
        {"X-API-Key": "{key}x"},
        {"X-API-Key": "schlüssel"},
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/analysis/", "/api/v1/analysis/550e8400-e29b-41d4-a716-446655440000"])
def test_without_a_valid_key_the_answer_is_the_documented_401(stranger, key, headers, path):
    given = {name: value.format(key=key) for name, value in headers.items()}

    answer = stranger.get(path, headers=given)

    assert answer.status_code == 401
    assert answer.json() == {"detail": "Invalid authentication credentials"}
    assert answer["X-RateLimit-Limit"] == "100"


def test_a_create_without_a_key_creates_nothing(stranger, order):
    assert post(stranger, body=order).status_code == 401
    assert not Job.objects.exists()


def test_the_test_key_makes_analyses_of_its_own(caller, tester, order):
    made = post(tester, body=order).json()

    assert made["livemode"] is False
    assert tester.get(f"/api/v1/analysis/{made['id']}").status_code == 200
    assert caller.get(f"/api/v1/analysis/{made['id']}").status_code == 404
    assert orjson.loads(b"".join(caller.get("/api/v1/analysis/")))["data"] == []


def test_analyses_outlive_the_key_that_made_them(caller, make_job):
    job = make_job(key=auth.fingerprint("sk_live_an_older_one"))

    assert caller.get(f"/api/v1/analysis/{job.pk}").status_code == 200


# --- What is refused -------------------------------------------------------------------------------------------------


def test_a_missing_link_is_the_documented_400(caller):
    answer = post(caller, body={"agent_id": "a", "contact_id": "c"})

    assert answer.status_code == 400
    assert answer.json() == {
        "detail": [{"type": "missing", "loc": ["body", "audio_url"], "msg": "Field required", "input": {}}]
    }


def test_every_missing_field_is_named_the_link_first(caller):
    detail = post(caller, body={}).json()["detail"]

    assert [entry["loc"] for entry in detail] == [["body", "audio_url"], ["body", "agent_id"], ["body", "contact_id"]]


@pytest.mark.parametrize("nothing", ["", None])
def test_an_empty_link_is_the_other_documented_400(caller, order, nothing):
    answer = post(caller, body={**order, "audio_url": nothing})

    assert answer.status_code == 400
    assert answer.json() == {"detail": "audio_url is required"}


def test_an_unknown_analysis_is_a_404(caller):
    answer = caller.get(f"/api/v1/analysis/{uuid.uuid4()}")

    assert answer.status_code == 404
    assert answer.json() == {"detail": "Analysis not found"}


def test_health_needs_no_key(stranger):
    answer = stranger.get("/health")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}
