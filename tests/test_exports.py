"""Tables as CSV: complete, safe, in constant memory."""

import csv
import io
import re
import time
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from callcov_portal.exports import AGENTS, CALLS, FINDINGS, SEGMENTS, TABLES, batches, csv_of, reading, safe_text
from callcov_portal.models import Analysis, Failure, Outcome, Recording, Segment, Speaker, State
from tests.factories import (
    NOON,
    AgentFactory,
    AnalysisFactory,
    CompletedFactory,
    ContactFactory,
    FindingFactory,
    RecordingFactory,
    SegmentFactory,
)
from tests.plans import plan_of

DANGEROUS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "=cmd|'/c calc'!A1",
    '=HYPERLINK("http://x","y")',
    "+49 30 123456",
    "-2+3+cmd|' /C calc'!A0",
    "\t=1",
    "\ttext",
    "\rtext",
    "\ntext",
    "\0=1",
    "\r\n=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠A1",
    " =1",
    "   +1",
    "\u00a0=1",
    " \u00a0 @A1",
    "\u3000=1",
    "\u2003-1",
    "\u200b=1",
    "\ufeff=1",
    " \t=1",
    " \n=1",
    "\x0b=1",
    "\x0c=1",
    "\x85=1",
    "\u2028=1",
    "\u2060@A1",
    " ＝1",
]
DANGEROUS_INSIDE = [
    ("hello\n=1", "hello\n'=1"),
    ("hello\r=1", "hello\r'=1"),
    ("hello\r\n=1", "hello\r\n'=1"),
    ("hello\n  @A1", "hello\n  '@A1"),
    ("hello\n\u00a0+1", "hello\n\u00a0'+1"),
    ("a\n-b\n-c", "a\n'-b\n'-c"),
    ("a\u2028=1", "a\u2028'=1"),
    ("a\n＝1", "a\n'＝1"),
]
HARMLESS = [
    "",
    "hello",
    "a=b",
    "3-4",
    "me@example.org",
    "1.5",
    " ",
    "'quoted'",
    "a, b; c",
    'say "x"',
    "ünïcödé ✓",
    "two\nlines",
]


def read(chunks) -> list[dict[str, str]]:
    """Return the rows as a program that knows nothing of us reads them."""
    return list(csv.DictReader(io.StringIO(b"".join(chunks).decode(), newline=""), strict=True))


@pytest.mark.parametrize("value", DANGEROUS)
def test_a_cell_that_could_begin_a_formula_begins_with_an_apostrophe(value):
    assert safe_text(value).startswith("'")
    assert safe_text(value).replace("'", "") == value.replace("'", "")


@pytest.mark.parametrize(("value", "written"), DANGEROUS_INSIDE)
def test_a_line_inside_a_cell_that_could_begin_a_formula_begins_with_an_apostrophe(value, written):
    assert safe_text(value) == written


@pytest.mark.parametrize("value", HARMLESS)
def test_a_harmless_cell_is_left_as_it_is(value):
    assert safe_text(value) == value


@pytest.mark.django_db
@pytest.mark.parametrize("value", [*DANGEROUS, *(value for value, _ in DANGEROUS_INSIDE), *HARMLESS])
def test_every_value_comes_back_through_a_csv_reader(value):
    call = RecordingFactory(file_name=value.replace("\0", ""))
    [row] = read(csv_of(CALLS, Recording.objects.all()))
    call.refresh_from_db()
    assert row["file_name"] == safe_text(call.file_name)


@pytest.mark.parametrize("end", ["\x0b", "\u2028", "\n", "\n ", " "])
def test_a_cell_of_many_empty_lines_does_not_hold_up_a_download(end):
    started = time.perf_counter()
    assert safe_text(f"a{end * 20_000}") == f"a{end * 20_000}"
    assert time.perf_counter() - started < 3


@pytest.mark.django_db
def test_no_text_column_of_any_table_lets_a_formula_through():
    """Whatever text a column holds: nothing but numbers and times is written without the guard."""
    hostile = "=cmd|'/c calc'!A1"
    call = RecordingFactory(
        agent=AgentFactory(identifier=hostile, name=hostile),
        contact=ContactFactory(identifier=hostile, name=hostile),
        file_name=hostile,
        link=hostile,
    )
    analysis = CompletedFactory(recording=call, external_id=hostile, language=hostile, detail=hostile)
    FindingFactory(analysis=analysis, check_id=hostile, title=hostile, explanation=hostile, quote=hostile)
    SegmentFactory(analysis=analysis, text=hostile, label=hostile)
    for table in TABLES.values():
        [row] = read(csv_of(table, Recording.objects.all()))
        assert not [key for key, value in row.items() if value.startswith("=")]
        assert sum(value == f"'{hostile}" for value in row.values()) >= (2 if table is AGENTS else 4)


@pytest.mark.django_db
def test_numbers_stay_numbers_even_negative_ones():
    FindingFactory(start=-1.5, confidence=0.25)
    [row] = read(csv_of(FINDINGS, Recording.objects.all()))
    assert (row["start_seconds"], row["confidence"], row["end_seconds"]) == ("-1.5", "0.25", "")


@pytest.mark.django_db
def test_a_finding_by_a_rule_brings_its_evidence():
    analysis = CompletedFactory(recording=RecordingFactory(), rules="a" * 64)
    nearest = {"quote": "=bye now", "speaker": "agent", "start": 9.0, "end": 9.5, "phrase": "goodbye", "likeness": 0.7}
    by_rule = {"origin": "found", "rule": "closes", "version": "0123456789ab", "severity": "high"}
    searched = {"start": 0.0, "end": 9.75, "nearest": nearest}
    FindingFactory(analysis=analysis, position=0, outcome="omitted", searched=searched, **by_rule)
    FindingFactory(analysis=analysis, position=1, outcome="heard", searched={**searched, "nearest": None})
    FindingFactory(analysis=analysis, position=2)
    omitted, heard, plain = read(csv_of(FINDINGS, Recording.objects.all()))
    assert omitted.items() >= by_rule.items()
    assert [omitted[f"searched_{at}_seconds"] for at in ("start", "end")] == ["0.0", "9.75"]
    assert [row["nearest_quote"] for row in (omitted, heard, plain)] == ["'=bye now", "", ""]
    assert (plain["origin"], plain["rule"], plain["searched_start_seconds"]) == ("given", "", "")
    [call] = read(csv_of(CALLS, Recording.objects.all()))
    assert (call["heard"], call["rules"]) == ("1", "a" * 64)


@pytest.mark.django_db
def test_times_are_iso_8601_with_the_offset_of_the_portals_zone(settings):
    settings.TIME_ZONE = "Europe/Berlin"
    RecordingFactory(called_at=datetime(2026, 7, 1, 22, 30, 5, 123456, tzinfo=UTC))
    RecordingFactory(called_at=datetime(2026, 1, 1, 22, 30, 5, tzinfo=UTC))
    summer, winter = read(csv_of(CALLS, Recording.objects.all()))
    assert summer["called_at"] == "2026-07-02T00:30:05+02:00"
    assert winter["called_at"] == "2026-01-01T23:30:05+01:00"
    assert summer["reviewed_at"] == ""


@pytest.mark.django_db
def test_the_columns_keys_are_those_that_were_promised():
    """Changing or removing a key breaks what people built on the files: add new ones at the end."""
    assert " ".join(column.key for column in CALLS.columns) == (
        "call called_at agent contact agent_name contact_name called_at_source direction duration_seconds state failure "
        "failure_detail met violated omitted not_assessed verdict reviewed_by reviewed_at language analysis api_id "
        "sent_at finished_at file_name link sha256 size_bytes format channels added_by added_at heard rules"
    )
    assert " ".join(column.key for column in FINDINGS.columns) == (
        "call called_at agent contact position check title outcome explanation quote quote_origin speaker "
        "start_seconds end_seconds confidence analysis origin rule version severity searched_start_seconds "
        "searched_end_seconds nearest_quote"
    )
    assert " ".join(column.key for column in SEGMENTS.columns) == (
        "call called_at agent contact position speaker label start_seconds end_seconds text confidence analysis"
    )
    assert " ".join(column.key for column in AGENTS.columns) == (
        "agent agent_name calls analysed duration_seconds first_call_at last_call_at assessed violated omitted heard "
        "reviewed passed to_coach failed"
    )
    for name, table in TABLES.items():
        assert table.name == name
        assert all(column.heading and re.fullmatch("[a-z0-9_]+", column.key) for column in table.columns)


@pytest.mark.django_db
def test_a_row_says_what_is_known_of_a_call(alice):
    call = RecordingFactory(
        agent=AgentFactory(identifier="agent-007", name="Nora Weiß"),
        contact=None,
        called_at=NOON,
        uploaded_by=alice,
        reviewed_by=alice,
        reviewed_at=NOON,
        verdict="coach",
    )
    analysis = CompletedFactory(recording=call, language="en")
    FindingFactory(analysis=analysis, outcome=Outcome.MET)
    FindingFactory(analysis=analysis, outcome=Outcome.MET)
    FindingFactory(analysis=analysis, outcome=Outcome.VIOLATED)
    [row] = read(csv_of(CALLS, Recording.objects.all()))
    assert row["call"] == str(call.pk)
    assert (row["agent"], row["agent_name"], row["contact"]) == ("agent-007", "Nora Weiß", "")
    assert (row["met"], row["violated"], row["omitted"], row["not_assessed"]) == ("2", "1", "0", "0")
    assert (row["state"], row["language"], row["duration_seconds"]) == ("completed", "en", "125.5")
    assert (row["verdict"], row["reviewed_by"], row["added_by"]) == ("coach", "alice", "alice")


@pytest.mark.django_db
def test_a_call_without_results_is_in_the_table_of_calls_with_its_cause():
    AnalysisFactory(state=State.FAILED, failure=Failure.NOT_AUDIO, detail="It is a text.", next_attempt_at=None)
    [row] = read(csv_of(CALLS, Recording.objects.all()))
    assert (row["state"], row["failure"], row["failure_detail"]) == ("failed", "not_audio", "It is a text.")
    assert (row["met"], row["violated"]) == ("", "")


@pytest.mark.django_db
def test_only_the_current_completed_analysis_is_exported():
    call = RecordingFactory()
    FindingFactory(analysis=CompletedFactory(recording=call), title="old")
    FindingFactory(analysis=CompletedFactory(recording=call), title="new")
    unfinished = AnalysisFactory(state=State.PROCESSING)
    SegmentFactory(analysis=unfinished, text="half a transcript")
    SegmentFactory(analysis=call.current_analysis, text="whole")
    assert [row["title"] for row in read(csv_of(FINDINGS, Recording.objects.all()))] == ["new"]
    assert [row["text"] for row in read(csv_of(SEGMENTS, Recording.objects.all()))] == ["whole"]


@pytest.mark.django_db
def test_the_rows_of_a_call_stand_together_in_their_order():
    for minute in (3, 1, 2):
        analysis = CompletedFactory(recording=RecordingFactory(called_at=NOON + timedelta(minutes=minute)))
        for position in (2, 0, 1):
            SegmentFactory(analysis=analysis, position=position, text=f"{minute}.{position}")
    texts = [row["text"] for row in read(csv_of(SEGMENTS, Recording.objects.all()))]
    assert texts == ["3.0", "3.1", "3.2", "2.0", "2.1", "2.2", "1.0", "1.1", "1.2"]


@pytest.mark.django_db
def test_batches_leave_out_nothing_and_repeat_nothing_even_at_the_same_time_of_call():
    for number in range(23):
        RecordingFactory(called_at=NOON + timedelta(minutes=number // 10))
    expected = list(Recording.objects.newest_first().values_list("pk", flat=True))
    for size in (1, 2, 5, 23, 24):
        assert [pk for batch in batches(Recording.objects.all(), size) for pk in batch.numbers] == expected


@pytest.mark.django_db
def test_calls_without_results_do_not_end_a_table_of_results():
    FindingFactory(analysis=CompletedFactory(recording=RecordingFactory(called_at=NOON)))
    RecordingFactory(called_at=NOON + timedelta(hours=1))
    table = replace(FINDINGS, batch=1)
    assert len(read(csv_of(table, Recording.objects.all()))) == 1


@pytest.mark.django_db
def test_an_empty_table_is_its_line_of_keys():
    assert read(csv_of(FINDINGS, Recording.objects.all())) == []
    assert b"".join(csv_of(FINDINGS, Recording.objects.all())).startswith(b"call,called_at,agent,contact,")


@pytest.mark.django_db
def test_a_byte_order_mark_comes_first_where_it_is_asked_for():
    assert next(csv_of(CALLS, Recording.objects.all(), mark=True)).startswith("\ufeffcall,".encode())
    assert next(csv_of(CALLS, Recording.objects.all())).startswith(b"call,")


@pytest.mark.django_db
@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_queries_grow_with_the_batches_not_with_the_rows(table):
    for _ in range(6):
        analysis = CompletedFactory()
        FindingFactory(analysis=analysis)
        SegmentFactory(analysis=analysis)
    counts = []
    for calls in (Recording.objects.filter(pk=Recording.objects.latest("pk").pk), Recording.objects.all()):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            list(csv_of(table, calls))
        counts.append(len(queries))
    # Quotes are looked through for the secrets of their calls; agents bring the rules of theirs.
    each = {CALLS: 1, SEGMENTS: 2, FINDINGS: 3, AGENTS: 3}[table]
    assert counts == [each, each]
    with CaptureQueriesContext(connection) as queries:
        list(csv_of(replace(table, batch=3), Recording.objects.all()))
    assert len(queries) == 2 * each + 1


def many_segments(calls: int, segments: int) -> None:
    """Write calls with long transcripts, quickly."""
    agent = AgentFactory()
    recordings = Recording.objects.bulk_create(
        Recording(
            agent=agent, called_at=NOON + timedelta(seconds=n), link=f"https://x.example/{n}", state=State.COMPLETED
        )
        for n in range(calls)
    )
    analyses = Analysis.objects.bulk_create(Analysis(recording=r, state=State.COMPLETED) for r in recordings)
    for recording, analysis in zip(recordings, analyses, strict=True):
        recording.current_analysis = analysis
    Recording.objects.bulk_update(recordings, ["current_analysis"])
    Segment.objects.bulk_create(
        Segment(analysis=a, position=n, speaker=Speaker.AGENT, label="A", text="word " * 40, start=n, end=n + 1)
        for a in analyses
        for n in range(segments)
    )


@pytest.mark.django_db
def test_memory_does_not_grow_with_the_rows():
    many_segments(calls=200, segments=20)
    peaks = []
    for calls in (Recording.objects.filter(called_at__lt=NOON + timedelta(seconds=40)), Recording.objects.all()):
        tracemalloc.start()
        size = sum(len(chunk) for chunk in csv_of(SEGMENTS, calls))
        peaks.append((tracemalloc.get_traced_memory()[1], size))
        tracemalloc.stop()
    (few, few_bytes), (many, many_bytes) = peaks
    assert many_bytes > 4.9 * few_bytes
    assert many < 1.3 * few


@pytest.mark.parametrize(
    ("keys", "is_joined"),
    [
        (["call", "called_at", "added_at", "verdict"], False),
        (["call", "finished_at"], True),
        (["call", "language"], True),
    ],
)
def test_calls_are_joined_with_their_analyses_only_for_what_those_tell(db, keys, is_joined):
    CompletedFactory()
    with CaptureQueriesContext(connection) as queries:
        rows = list(CALLS.rows(Recording.objects.all(), CALLS.named(keys)))
    assert len(rows) == 1
    assert ("portal_analysis" in queries[0]["sql"]) is is_joined


@pytest.mark.sqlite
def test_a_page_is_chosen_by_the_index_of_time_before_anything_is_joined(db) -> None:
    # As a database with a million calls of few agents tells SQLite, which then likes to begin with the agents.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("DELETE FROM sqlite_stat1")
        cursor.executemany(
            "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (%s, %s, %s)",
            [
                ("portal_recording", "recording_by_time", "1000000 1 1"),
                ("portal_recording", "recording_by_agent", "1000000 5000 1 1"),
                ("portal_agent", None, "200"),
            ],
        )
        cursor.execute("ANALYZE sqlite_master")
        rows = reading.page_of(Recording.objects.order_by("-called_at", "-pk"), 50)
        sql, parameters = reading.selected(
            rows, {"called_at": "called_at", "pk": "pk", "agent": "agent__name"}
        ).query.sql_with_params()
        plan = plan_of(sql, parameters)
        cursor.execute("DELETE FROM sqlite_stat1")
        cursor.execute("ANALYZE sqlite_master")
    assert any("USING COVERING INDEX recording_by_time" in step for step in plan), plan
    assert not any(step.startswith("SCAN portal_agent") for step in plan), plan
