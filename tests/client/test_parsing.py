"""Every dialect that the API's pages show is read, and nothing hostile gets through."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcov_portal.client import documents as documents_module
from callcov_portal.client import parsing as parsing_module
from callcov_portal.client.documents import BadDocument, clean_text, read_json
from callcov_portal.client.parsing import parse_analysis, parse_error, parse_list, parse_time, parse_webhook
from callcov_portal.client.types import SnapshotWord, WebhookNews
from tests.client.documents import COMPLETED, ID, PROCESSING

MOMENT = datetime(2022, 1, 15, 12, 0, tzinfo=UTC)


def test_the_first_example_of_an_analysis_that_is_processing():
    snapshot = parse_analysis(PROCESSING)
    assert (snapshot.id, snapshot.status) == (ID, "processing")
    assert snapshot.created == datetime.fromtimestamp(1642248000, UTC)
    assert (snapshot.agent_id, snapshot.contact_id) == ("agent_john_doe", "customer_12345")
    assert (snapshot.webhook_url, snapshot.duration_seconds, snapshot.size_bytes) == (None, None, None)
    assert (snapshot.text, snapshot.segments, snapshot.results) == ("", (), None)
    assert (snapshot.error_message, snapshot.completed_at, snapshot.stage, snapshot.fraction) == ("", None, "", 0.0)
    assert snapshot.document is PROCESSING


def test_the_example_of_a_completed_analysis():
    snapshot = parse_analysis(COMPLETED)
    assert snapshot.status == "completed"
    assert (snapshot.duration_seconds, snapshot.size_bytes, snapshot.language) == (125.5, 1048576, "en")
    assert snapshot.text == "Agent: Hello.\nCustomer: Hi."
    first, second = snapshot.segments
    assert (first.speaker, first.text, first.start, first.end, first.confidence) == ("A", "Hello.", 0.0, 3.2, None)
    assert (second.speaker, second.start) == ("B", 3.5)
    assert snapshot.results == COMPLETED["results"]
    assert snapshot.webhook_url == "https://your-app.example/hooks/1"
    assert snapshot.completed_at == datetime.fromtimestamp(1705334500, UTC)


def changed(**parts):
    return {**COMPLETED, **parts}


def test_the_id_under_its_other_name():
    assert parse_analysis({"analysis_id": ID, "status": "processing"}).id == ID


def test_the_id_under_its_first_name_wins_when_it_is_usable():
    assert parse_analysis({"id": "one", "analysis_id": "two"}).id == "one"
    assert parse_analysis({"id": None, "analysis_id": "two"}).id == "two"


@pytest.mark.parametrize("name", ["file_size", "size_bytes"])
def test_the_size_under_either_name(name):
    assert parse_analysis(changed(audio={name: 1234})).size_bytes == 1234


@pytest.mark.parametrize(
    ("call", "audio", "seconds"),
    [
        ({"duration_seconds": 10.5}, {}, 10.5),
        ({"duration_ms": 10500}, {}, 10.5),
        ({}, {"duration_seconds": 10}, 10.0),
        ({"duration_seconds": None}, {"duration_seconds": "9.5"}, 9.5),
        ({"duration_seconds": -1}, {"duration_seconds": True}, None),
        ({"duration_seconds": "nan"}, {"duration_seconds": "1_0"}, None),
    ],
)
def test_the_duration_wherever_it_is(call, audio, seconds):
    assert parse_analysis(changed(call=call, audio=audio)).duration_seconds == seconds


@pytest.mark.parametrize(
    "parts",
    [
        {"error_message": "no audio"},
        {"metadata": {"error_message": "no audio"}},
        {"error_message": None, "metadata": {"error_message": "no\naudio"}},
        {"error_message": "", "metadata": {"error_message": {"code": "x", "message": "no audio"}}},
    ],
)
def test_the_reason_of_a_failure_wherever_it_is(parts):
    snapshot = parse_analysis({"id": ID, "status": "failed", "transcript": None, "results": None, **parts})
    assert (snapshot.status, snapshot.error_message) == ("failed", "no audio")


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (1642248000, MOMENT),
        (1642248000.0, MOMENT),
        ("1642248000", MOMENT),
        (1642248000000, MOMENT),
        ("2022-01-15T12:00:00Z", MOMENT),
        ("2022-01-15T12:00:00", MOMENT),
        ("2022-01-15T13:00:00+01:00", MOMENT),
        (" 2022-01-15 12:00:00 ", MOMENT),
        ("2022-01-15", datetime(2022, 1, 15, tzinfo=UTC)),
        (None, None),
        (True, None),
        ("yesterday", None),
        ("", None),
        (10**30, None),
        (-(10**30), None),
        (float("nan"), None),
        (float("inf"), None),
        ([1], None),
        ("0001-01-01T00:00:00+23:59", None),
    ],
)
def test_a_moment_as_seconds_or_as_text(value, moment):
    assert parse_time(value) == moment


@pytest.mark.parametrize(
    ("status", "read"),
    [
        ("processing", "processing"),
        ("Completed", "completed"),
        (" failed ", "failed"),
        ("queued", "processing"),
        (None, "processing"),
        (7, "processing"),
        ({}, "processing"),
    ],
)
def test_a_status_that_is_not_known_is_not_final(status, read):
    assert parse_analysis({"id": ID, "status": status}).status == read


@pytest.mark.parametrize("label", ["A", "B", "Agent", "Customer", "Agente", "SPEAKER_00"])
def test_a_speaker_keeps_its_label(label):
    document = changed(transcript={"segments": [{"speaker": label, "text": "x", "start": 0, "end": 1}]})
    assert parse_analysis(document).segments[0].speaker == label


def test_confidence_and_words_are_read_where_they_are():
    words = [
        {"text": "Hello", "start": 0.1, "end": 0.5, "confidence": 0.98},
        {"word": "there", "start": 0.5, "end": 0.9, "confidence": 98},
        {"start": 1},
        "junk",
    ]
    segment = {"speaker": "A", "text": "Hello there", "start": 0, "end": 1, "confidence": 0.9, "words": words}
    read = parse_analysis(changed(transcript={"segments": [segment]})).segments[0]
    assert read.confidence == 0.9
    assert read.words == (SnapshotWord("Hello", 0.1, 0.5, 0.98), SnapshotWord("there", 0.5, 0.9, None))


def test_times_that_are_missing_or_wrong_never_run_backwards():
    segments = [
        {"speaker": 1, "text": "a", "start": "0.5", "end": 2},
        {"text": None, "start": None, "end": None},
        {"text": "c", "start": 5, "end": 4},
        {"text": "d", "start": -3, "end": float("inf")},
        "junk",
        None,
    ]
    read = parse_analysis(changed(transcript={"segments": segments})).segments
    assert [(s.start, s.end) for s in read] == [(0.5, 2.0), (2.0, 2.0), (5.0, 5.0), (5.0, 5.0)]
    assert [s.speaker for s in read] == ["1", "", "", ""]


def test_a_transcript_that_is_only_a_text():
    assert parse_analysis(changed(transcript="Hello.")).text == "Hello."


@pytest.mark.parametrize(
    ("progress", "stage", "fraction"),
    [
        ({"stage": "transcribing", "fraction": 0.456}, "transcribing", 0.456),
        ({"stage": "checking"}, "checking", 0),
        ({"fraction": 7}, "", 1),
        ({"fraction": -1}, "", 0),
        ("decoding", "decoding", 0),
        (None, "", 0),
        ([], "", 0),
        ({"stage": 1, "fraction": "x"}, "", 0),
    ],
)
def test_the_engines_word_on_its_progress_is_read(progress, stage, fraction):
    snapshot = parse_analysis({"id": ID, "progress": progress})
    assert (snapshot.stage, snapshot.fraction) == (stage, fraction)
    assert snapshot.error_message == ""


def test_what_keeps_the_engine_from_it_is_read():
    snapshot = parse_analysis(
        {"id": ID, "progress": {"stage": "stored", "fraction": 0, "trouble": "The model is gone."}}
    )
    assert (snapshot.stage, snapshot.error_message) == ("stored", "The model is gone.")


WRONG = [None, True, 0, -1.5, "x", [], {}, [None], {"a": None}, 10**400, float("nan")]


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
@pytest.mark.parametrize(
    "name",
    ["object", "created", "status", "livemode", "call", "audio", "transcript", "results", "metadata", "progress"],
)
def test_a_part_of_any_wrong_type_is_survived(name, wrong):
    assert parse_analysis(changed(**{name: wrong})).id == ID


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
known = st.sampled_from([*COMPLETED, "analysis_id", "error_message", "progress", "segments", "words", "start", "event"])
documents = st.dictionaries(known, json_values | st.dictionaries(known, json_values, max_size=4), max_size=8)


@settings(max_examples=150, deadline=None)
@given(documents)
def test_any_document_is_read_or_refused_and_nothing_else(document):
    try:
        snapshot = parse_analysis(document)
    except BadDocument:
        assert "id" not in document or not str(document["id"]).isalnum() or not isinstance(document["id"], str)
    else:
        assert snapshot.status in {"processing", "completed", "failed"}
    parse_webhook(json.dumps(document).encode())
    parse_error(json.dumps(document).encode())


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_and_nothing_else(body):
    parse_webhook(body)
    parse_error(body)


def page(**hints):
    return {"object": "list", "data": [{"id": "a"}, {"id": "b"}], **hints}


@pytest.mark.parametrize(
    ("document", "limit", "offset", "more"),
    [
        (page(has_more=True), 100, 0, True),
        (page(has_more=False), 2, 0, False),
        (page(total=5), 2, 0, True),
        (page(total=5), 2, 3, False),
        (page(total="5"), 2, 0, True),
        (page(), 2, 0, True),
        (page(), 3, 0, False),
        (page(has_more="yes"), 3, 0, False),
        (page(has_more=None, total=None), 2, 0, True),
        (page(pagination={"total": 9}), 100, 0, True),
        (page(meta={"has_more": False}), 2, 0, False),
        ({"data": [], "has_more": True}, 2, 0, False),
        ([{"id": "a"}, {"id": "b"}], 2, 0, True),
    ],
)
def test_more_follows_whatever_hint_there_is(document, limit, offset, more):
    assert parse_list(document, limit=limit, offset=offset).more is more


def test_items_without_an_id_are_left_out_but_counted():
    read = parse_list({"data": [{"id": "a"}, None, {"status": "failed"}, 7]}, limit=4)
    assert ([snapshot.id for snapshot in read.snapshots], read.received, read.more) == (["a"], 4, True)


@pytest.mark.parametrize("document", [None, 7, "x", {}, {"data": None}, {"data": {}}])
def test_a_list_that_is_none_is_refused(document):
    with pytest.raises(BadDocument):
        parse_list(document, limit=10)


@pytest.mark.parametrize(
    ("document", "news"),
    [
        (
            {"event": "analysis.completed", "data": {"id": ID, "status": "completed", "results": {}}},
            WebhookNews("analysis.completed", ID, "completed"),
        ),
        ({"id": ID, "status": "failed", "error_message": "x"}, WebhookNews("analysis.failed", ID, "failed")),
        ({"event": "x", "data": {}, "id": ID, "status": "completed"}, WebhookNews("x", ID, "completed")),
        ({"data": {"analysis_id": ID}}, WebhookNews("", ID, "")),
        ({"event": 7, "data": {"id": ID, "status": "queued"}}, WebhookNews("7", ID, "")),
        ({"event": "e" * 500, "id": ID}, WebhookNews("e" * 100, ID, "")),
        ({"event": "analysis.completed", "data": {"status": "completed"}}, None),
        ({"data": [ID]}, None),
        ([], None),
        (None, None),
    ],
)
def test_both_webhook_bodies_are_read(document, news):
    assert parse_webhook(json.dumps(document).encode()) == news


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"id":' + b"9" * 5000 + b"}"])
def test_a_webhook_of_garbage_is_no_news(body):
    assert parse_webhook(body) is None


@pytest.mark.parametrize(
    ("document", "message", "fields"),
    [
        ({"detail": []}, "", {}),
        ({"detail": {"a": 1}}, "", {}),
        ({"detail": ["x", {"msg": 7}]}, "request: is not accepted", {"request": "is not accepted"}),
        ({"detail": [{"loc": "agent_id", "msg": "bad"}]}, "agent_id: bad", {"agent_id": "bad"}),
        ({"detail": [{"loc": ["body", "meta", 0, "a"], "msg": "bad"}]}, "meta.0.a: bad", {"meta.0.a": "bad"}),
        ({"error": {"message": 7, "details": {"missing_fields": "x"}}, "detail": "two\nlines"}, "two lines", {}),
        ({"error": {"message": "x" * 3000}}, "x" * 2000 + "…", {}),
        ([], "", {}),
    ],
)
def test_an_error_of_any_form_is_a_sentence(document, message, fields):
    read = parse_error(json.dumps(document).encode())
    assert (read.message, read.fields) == (message, fields)


def test_what_no_database_can_store_is_replaced():
    body = rb'{"a":"x\u0000y","b":"\ud800z","c":NaN,"d":[1e999,-Infinity,1.5],"e\u0000":"\ud83d\ude00","f":"\u00e9"}'
    assert read_json(body) == {"a": "x�y", "b": "�z", "c": None, "d": [None, None, 1.5], "e�": "😀", "f": "é"}


def test_a_hundred_levels_are_read_and_one_more_is_not():
    assert read_json(b"[" * 100 + b"]" * 100)
    with pytest.raises(BadDocument, match="deeply"):
        read_json(b"[" * 101 + b"]" * 101)


@given(st.text())
def test_a_clean_text_can_always_be_stored(text):
    clean = clean_text(text + "\ud800\x00")
    assert "\x00" not in clean
    clean.encode()
    assert clean_text(clean) == clean


@pytest.mark.parametrize(("number", "kept"), [(2**63 - 1, 2**63 - 1), (2**63, None), (-(2**80), None), (7, 7)])
def test_an_integer_that_no_database_and_no_writer_of_json_takes_is_none(number, kept) -> None:
    assert read_json(f'{{"n": {number}}}'.encode()) == {"n": kept}


NUMBERS = [
    "-0.0",
    "1e400",
    "-1e400",
    "1e-7",
    "1E+5",
    str(2**63),
    str(-(2**63)),
    str(2**63 - 1),
    str(2**64),
    "9" * 400,
    "0.1",
]


@given(
    st.recursive(
        st.sampled_from(NUMBERS) | st.text().map(json.dumps),
        lambda inner: st.lists(inner).map(lambda each: f"[{','.join(each)}]"),
    )
)
def test_the_quick_reader_reads_what_the_careful_one_reads(text):
    assert json.dumps(read_json(text.encode())) == json.dumps(documents_module._read_any(text.encode()))


@pytest.mark.parametrize(
    "text",
    ["NaN", "[Infinity]", '"\\ud800"', '"a\\u0000b"', '{"a": 1, "a": 2}', '"\\u00e4\u00e4"', "-0", '"\\\\u0000"'],
)
def test_what_has_to_be_cleaned_is_cleaned_by_the_careful_reader(text):
    assert json.dumps(read_json(text.encode())) == json.dumps(documents_module._read_any(text.encode()))


def test_a_document_that_is_just_deep_enough_is_read():
    deep = b"[" * 100 + b"]" * 100
    assert read_json(deep) == documents_module._read_any(deep)
    with pytest.raises(BadDocument, match="nested"):
        read_json(b"[" + deep + b"]")
    with pytest.raises(BadDocument, match="nested"):
        read_json(b"[1" + b",[1" * 100 + b"]" * 101)


odd = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 3), st.text(max_size=3), st.just("é"), st.just(""), st.just(2.0**70)
)
usual = st.fixed_dictionaries(
    {
        "text": st.text("ab.", min_size=1),
        "start": st.floats(0, 9),
        "end": st.floats(0, 9),
        "confidence": st.floats(0, 1),
    }
)
keys = st.sampled_from(["text", "start", "end", "confidence"])
words = st.lists(
    st.one_of(usual, st.builds(lambda word, key, value: {**word, key: value}, usual, keys, odd), odd), max_size=4
)


@settings(max_examples=300, deadline=None)
@given(words)
def test_words_that_are_read_quickly_are_read_alike(listed):
    read = parse_analysis({"id": "a", "transcript": {"segments": [{"start": 0, "words": listed}]}}).segments[0].words
    assert read == parsing_module._any_words(listed, 0.0)
