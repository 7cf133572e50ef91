"""Input that wants to be a 500: every answer is JSON, below 500, with its rate-limit headers."""

import io
import json

import orjson
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from callcov_portal.engine import wire
from callcov_portal.engine.models import Job

GOOD = {"audio_url": "https://example.com/call.wav", "agent_id": "a", "contact_id": "c"}
ROOT = "/api/v1/analysis/"
JSON = "application/json"
BOUNDARY = "multipart/form-data; boundary=BOUNDARY"
PART = '--BOUNDARY\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n'


def with_field(**fields):
    return json.dumps({**GOOD, **fields})


BODIES = {
    "no JSON": (JSON, "{", 400),
    "empty": (JSON, "", 400),
    "a list": (JSON, "[]", 400),
    "null": (JSON, "null", 400),
    "a number": (JSON, "1", 400),
    "a huge number": (JSON, "9" * 5000, 400),
    "a huge number inside": (JSON, with_field(agent_id=10**400), 400),
    "2^70": (JSON, with_field(agent_id=2**70), 400),
    "NaN": (JSON, '{"audio_url": NaN}', 400),
    "deep": (JSON, "[" * 100_000, 400),
    "deep objects": (JSON, '{"a":' * 5000 + "1" + "}" * 5000, 400),
    "deep metadata": (JSON, with_field(metadata={"a": 1}).replace('{"a": 1}', '{"a":' * 300 + "1" + "}" * 300), 400),
    "no UTF-8": (JSON, b'{"agent_id": "\xff\xfe"}', 400),
    "UTF-16": (JSON, with_field().encode("utf-16"), 400),
    "a charset that is none": ("application/json; charset=klingon", with_field().encode(), 201),
    "a lone surrogate": (JSON, '{"audio_url":"https://a/b","agent_id":"\\ud800","contact_id":"c"}', 400),
    "NUL": (JSON, with_field(agent_id="a\0b"), 400),
    "NUL in the link": (JSON, with_field(audio_url="https://example.com/\0"), 400),
    "NUL in metadata": (JSON, with_field(metadata={"a\0": "\0"}), 201),
    "too long an id": (JSON, with_field(contact_id="c" * 256), 400),
    "the longest id": (JSON, with_field(contact_id="ß" * 255), 201),
    "an empty id": (JSON, with_field(agent_id=""), 400),
    "an id that is an object": (JSON, with_field(agent_id={"$ne": ""}), 400),
    "an id that is a list": (JSON, with_field(agent_id=["a"]), 400),
    "an id that is a boolean": (JSON, with_field(agent_id=True), 400),
    "a link that is a list": (JSON, with_field(audio_url=["https://a/b"]), 400),
    "a link that is an object": (JSON, with_field(audio_url={}), 400),
    "a link that is a number": (JSON, with_field(audio_url=1.5), 400),
    "a link to a file": (JSON, with_field(audio_url="file:///etc/passwd"), 400),
    "a link without a host": (JSON, with_field(audio_url="http:///x"), 400),
    "a broken IPv6 address": (JSON, with_field(audio_url="http://[::1/x"), 400),
    "a port that is none": (JSON, with_field(audio_url="http://example.com:99999999/x"), 201),
    "spaces in a link": (JSON, with_field(audio_url="https://example.com/a b"), 400),
    "too long a link": (JSON, with_field(audio_url="https://example.com/" + "x" * 2048), 400),
    "a webhook that is javascript": (JSON, with_field(webhook_url="javascript:alert(1)"), 400),
    "a webhook with a line break": (JSON, with_field(webhook_url="https://a/b\r\nX-Evil: 1"), 400),
    "a direction that is none": (JSON, with_field(call_direction="sideways"), 400),
    "a time that is none": (JSON, with_field(call_timestamp="tomorrow"), 400),
    "a time with NUL": (JSON, with_field(call_timestamp="2026-01-01\0"), 400),
    "too much metadata": (JSON, with_field(metadata={"a": "x" * 20_000}), 400),
    "metadata that is a list": (JSON, with_field(metadata=[1]), 400),
    "metadata that is no JSON": (JSON, with_field(metadata="{"), 400),
    "another type": ("text/plain", with_field(), 400),
    "XML": ("application/xml", "<a/>", 400),
    "a plain form": ("application/x-www-form-urlencoded", "audio_url=https://a/b", 400),
    "no type": ("", with_field(), 400),
    "multipart without a boundary": ("multipart/form-data", "x", 400),
    "multipart with a bad boundary": ("multipart/form-data; boundary=\xff", "x", 400),
    "multipart that is none": (BOUNDARY, "x", 400),
    "multipart cut short": (BOUNDARY, PART.format("agent_id", "", "a")[:-4], 400),
    "a text where the file should be": (
        BOUNDARY,
        "".join(PART.format(name, "", "a") for name in ("agent_id", "contact_id", "audio_file")) + "--BOUNDARY--\r\n",
        400,
    ),
    "NUL in a form": (
        BOUNDARY,
        "".join(PART.format(*field) for field in [("agent_id", "", "\0"), ("contact_id", "", "c")])
        + PART.format("audio_url", "", "https://a/b")
        + "--BOUNDARY--\r\n",
        400,
    ),
    "bytes that are no UTF-8 in a form": (
        BOUNDARY,
        (PART.format("agent_id", "", "XX") + PART.format("contact_id", "", "c")).encode().replace(b"XX", b"\xff\xfe")
        + (PART.format("audio_url", "", "https://a/b") + "--BOUNDARY--\r\n").encode(),
        201,
    ),
    "base64 that is none": (
        BOUNDARY,
        PART.format("audio_file", '; filename="a.wav"\r\nContent-Transfer-Encoding: base64', "!!!"),
        400,
    ),
    "1,001 fields": (BOUNDARY, "".join(PART.format(f"f{n}", "", "x") for n in range(1001)) + "--BOUNDARY--\r\n", 400),
}

PATHS = {
    "a limit of 0": ("get", f"{ROOT}?limit=0", 400),
    "a negative limit": ("get", f"{ROOT}?limit=-1", 400),
    "a limit of 1001": ("get", f"{ROOT}?limit=1001", 400),
    "a limit of 2^31": ("get", f"{ROOT}?limit={2**31}", 400),
    "a limit of 2^70": ("get", f"{ROOT}?limit={2**70}", 400),
    "a limit of 5,000 digits": ("get", f"{ROOT}?limit={'9' * 5000}", 400),
    "a limit that is a word": ("get", f"{ROOT}?limit=many", 400),
    "an empty limit": ("get", f"{ROOT}?limit=", 400),
    "an offset of 2^31": ("get", f"{ROOT}?offset={2**31}", 400),
    "an offset of 2^70": ("get", f"{ROOT}?offset={2**70}", 400),
    "an offset with a fraction": ("get", f"{ROOT}?offset=1.5", 400),
    "a status that is none": ("get", f"{ROOT}?status_filter=done", 400),
    "NUL in a filter": ("get", f"{ROOT}?agent_id=%00", 400),
    "NUL in the search": ("get", f"{ROOT}?search=a%00b", 400),
    "a lone surrogate in a filter": ("get", f"{ROOT}?contact_id=%ED%A0%80", 200),
    "bytes that are no UTF-8": ("get", f"{ROOT}?search=%ff%fe", 200),
    "too long a search": ("get", f"{ROOT}?search={'x' * 300}", 400),
    "a filter twice": ("get", f"{ROOT}?agent_id=a&agent_id=b", 200),
    "1,001 parameters": ("get", f"{ROOT}?" + "&".join(f"a{n}=1" for n in range(1001)), 400),
    "an id that is none": ("get", f"{ROOT}not-a-uuid", 404),
    "an id with NUL": ("get", f"{ROOT}%00", 404),
    "an id that is a number": ("get", f"{ROOT}{2**70}", 404),
    "an id in capitals": ("get", f"{ROOT}550E8400-E29B-41D4-A716-446655440000", 404),
    "an unknown path": ("get", "/api/v1/nothing", 404),
    "the wrong method": ("delete", ROOT, 405),
    "PUT": ("put", ROOT, 405),
    "HEAD": ("head", ROOT, 405),
    "OPTIONS": ("options", ROOT, 405),
    "a POST to one analysis": ("post", f"{ROOT}550e8400-e29b-41d4-a716-446655440000", 405),
    "GET of the alias": ("get", "/api/v1/calls/analyze", 405),
}


def assert_sound(answer, status):
    assert answer.status_code == status
    assert answer["Content-Type"].startswith("application/json")
    assert answer["X-RateLimit-Limit"] == "100"
    assert int(answer["X-RateLimit-Remaining"]) < 100
    if status >= 400 and answer.request["REQUEST_METHOD"] != "HEAD":
        assert answer.json()["detail"]


@pytest.mark.parametrize("name", BODIES)
def test_no_body_makes_a_500(caller, settings, name):
    kind, body, status = BODIES[name]

    answer = caller.generic("POST", ROOT, body, content_type=kind)

    assert_sound(answer, status)
    assert Job.objects.count() == (status == 201)
    assert not list((settings.CALLCOV_DATA_DIR / "incoming").glob("*"))


@pytest.mark.parametrize("name", PATHS)
def test_no_address_makes_a_500(caller, name):
    method, path, status = PATHS[name]

    assert_sound(getattr(caller, method)(path), status)


def test_outside_the_api_errors_are_json_as_well(stranger):
    answer = stranger.get("/nothing")

    assert answer.status_code == 404
    assert answer.json() == {"detail": "Not Found"}


def test_html_that_django_writes_when_debugging_becomes_json(caller, settings):
    settings.DEBUG = True

    assert_sound(caller.get("/api/v1/nothing"), 404)


def test_a_file_that_nobody_asked_for_leaves_nothing(caller, settings):
    answer = caller.post(ROOT, {**GOOD, "other": SimpleUploadedFile("a.wav", b"x")})

    assert answer.status_code == 201
    assert list((settings.CALLCOV_DATA_DIR / "incoming").iterdir()) == []


def test_a_bug_is_a_500_in_json_that_tells_nothing(caller, monkeypatch, caplog):
    def broken(*_args, **_kwargs):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(wire, "analysis", broken)

    answer = caller.post(ROOT, GOOD, content_type=JSON)

    assert_sound(answer, 500)
    assert answer.json() == {"detail": "Internal server error"}
    assert "secret detail" in caplog.text


def test_a_database_that_does_not_answer_is_a_503(caller, monkeypatch):
    def broken(*_args, **_kwargs):
        raise OperationalError("connection refused")

    monkeypatch.setattr("callcov_portal.engine.throttling.take", broken)

    answer = caller.get(ROOT)

    assert answer.status_code == 503
    assert answer["X-RateLimit-Limit"] == "100"


def test_a_client_that_hangs_up_is_no_500(caller):
    class HangsUp(io.BytesIO):
        def read(self, *_):
            raise OSError("connection reset")

    answer = caller.generic("POST", ROOT, content_type=JSON, CONTENT_LENGTH="100", **{"wsgi.input": HangsUp()})

    assert_sound(answer, 400)


@pytest.fixture
def unlimited(settings) -> None:
    settings.CALLCOV_ENGINE_REQUESTS_PER_MINUTE = settings.CALLCOV_ENGINE_SUBMISSIONS_PER_MINUTE = 1_000_000


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@hypothesis_settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=st.dictionaries(st.sampled_from([*GOOD, "webhook_url", "metadata", "call_timestamp"]), anything))
def test_no_document_makes_a_500(caller, unlimited, document):
    answer = caller.post(ROOT, json.dumps({**GOOD, **document}), content_type=JSON)

    assert answer.status_code in {201, 400}
    orjson.loads(answer.content)


@hypothesis_settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["status_filter", "agent_id", "contact_id", "search", "limit", "offset"]), value=st.text())
def test_no_query_makes_a_500(caller, unlimited, name, value):
    answer = caller.get(ROOT, {name: value.encode(errors="replace")})

    assert answer.status_code in {200, 400}
    orjson.loads(b"".join(answer))
