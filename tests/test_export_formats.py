"""The same tables as JSON Lines, as workbooks, and as one file for each agent."""

import csv
import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import callcov_portal
from callcov_portal.exports import (
    AGENTS,
    CALLS,
    FINDINGS,
    SEGMENTS,
    TABLES,
    NotPossible,
    Tally,
    csv_of,
    jsonl_of,
    quoting,
    wish_for,
    workbook,
)
from callcov_portal.exports.cells import Clock, safe_text
from callcov_portal.exports.columns import Kind
from callcov_portal.models import Outcome, Recording
from tests.factories import (
    NOON,
    AgentFactory,
    CompletedFactory,
    FindingFactory,
    RecordingFactory,
    SegmentFactory,
)
from tests.test_exports import DANGEROUS, HARMLESS

pytestmark = pytest.mark.django_db
HOSTILE = "=cmd|'/c calc'!A1"


def lines(chunks) -> list[dict]:
    return [json.loads(line) for line in b"".join(chunks).splitlines()]


def sheet_rows(path, title) -> list[tuple]:
    book = openpyxl.load_workbook(path, read_only=True)
    found = list(book[title].iter_rows(values_only=True))
    book.close()
    return found


def everything() -> Recording:
    """A call with a finding and a segment, whose names and words are formulas."""
    call = RecordingFactory(agent=AgentFactory(identifier=HOSTILE), file_name=HOSTILE)
    analysis = CompletedFactory(recording=call, rules="b" * 64)
    FindingFactory(analysis=analysis, quote=HOSTILE, start=-1.5, confidence=None)
    SegmentFactory(analysis=analysis, text=HOSTILE)
    return call


MIXED = [
    DANGEROUS,
    HARMLESS,
    [*HARMLESS, *DANGEROUS],
    ["a", None, "", "b1"],
    [None, "", "x,y"],
    [None],
    ["\ud800"],
    [7, "7"],
]


def as_the_library_writes(columns) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(zip(*columns, strict=True))
    return buffer.getvalue()


@pytest.mark.parametrize("values", MIXED)
@pytest.mark.parametrize("kinds", [(Kind.TEXT,), (Kind.TEXT, Kind.NUMBER)])
def test_a_column_is_written_as_strictly_as_each_of_its_cells_and_as_the_library_quotes_it(values, kinds):
    figures = [(0, 1.5, None, 1e-7, -3)[at % 5] for at in range(len(values))]
    safe = [[None if value is None else safe_text(value) for value in values], figures]
    expected = as_the_library_writes(safe[: len(kinds)])
    assert quoting.written(kinds, [values, figures][: len(kinds)]) == expected.encode("utf-8", "replace")


@given(st.lists(st.none() | st.text(), min_size=1))
def test_any_texts_are_quoted_as_the_library_quotes_them(values):
    safe = [None if value is None else safe_text(value) for value in values]
    assert quoting.written([Kind.TEXT], [values]).decode() == as_the_library_writes([safe])


def test_hours_are_forgotten_before_they_are_many(settings, monkeypatch):
    monkeypatch.setattr("callcov_portal.exports.cells.MOST_KEPT", 3)
    settings.TIME_ZONE = "Europe/Berlin"
    clock = Clock()
    for day in range(1, 29):
        assert clock([f"2026-03-{day:02} 10:{day:02}:00"]) == [f"2026-03-{day:02}T11:{day:02}:00+01:00"]
        assert len(clock) <= 4


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns"])
def test_a_moment_is_written_as_python_writes_it_around_every_change_of_the_clocks(settings, zone):
    settings.TIME_ZONE = zone
    clock, start = Clock(), datetime(2026, 1, 1, tzinfo=UTC)
    moments = [start + timedelta(minutes=20 * step, seconds=7) for step in range(3 * 24 * 365)]
    as_sqlite = [f"{moment:%Y-%m-%d %H:%M:%S}.123456" for moment in moments]
    assert clock(as_sqlite) == [moment.astimezone(clock.zone).isoformat(timespec="seconds") for moment in moments]
    assert clock(moments[:50]) == clock(as_sqlite[:50])
    assert clock([None]) == [None]


def test_the_first_hour_of_all_is_written_somehow(settings):
    settings.TIME_ZONE = "America/New_York"
    assert Clock()(["0001-01-01 00:00:00"]) == ["0001-01-01T00:00:00+00:00"]


def test_json_lines_keep_numbers_texts_and_nothing_as_they_are():
    call = everything()
    [row] = lines(jsonl_of(FINDINGS, Recording.objects.all()))
    assert list(row) == [column.key for column in FINDINGS.columns]
    assert (row["call"], row["start_seconds"], row["confidence"], row["quote"]) == (call.pk, -1.5, None, HOSTILE)
    assert row["searched_start_seconds"] is None
    [row] = lines(jsonl_of(CALLS, Recording.objects.all()))
    assert (row["met"] + row["violated"] + row["omitted"], row["rules"]) == (1, "b" * 64)
    assert row["analysis"] == str(call.current_analysis_id)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_format_says_the_same(table, tmp_path):
    everything()
    CompletedFactory(recording=RecordingFactory(contact=None))
    rows = lines(jsonl_of(table, Recording.objects.all()))
    as_csv = list(csv.reader(io.StringIO(b"".join(csv_of(table, Recording.objects.all())).decode(), newline="")))
    assert [list(row) for row in rows] == [as_csv[0]] * len(rows)
    texts = [
        [safe_text(v) if isinstance(v, str) else "" if v is None else str(v) for v in row.values()] for row in rows
    ]
    assert as_csv[1:] == texts
    wish_for(table.name, "xlsx").write(tmp_path / "x.xlsx", Recording.objects.all(), Tally(), {})
    header, *cells = sheet_rows(tmp_path / "x.xlsx", table.heading)
    assert list(header) == as_csv[0]
    assert cells == [tuple(None if value == "" else value for value in row.values()) for row in rows]


def test_no_cell_of_a_workbook_is_a_formula_or_a_link(tmp_path):
    call = everything()
    Recording.objects.update(link="", file_name="https://x.example/=1")
    wish_for("calls", "xlsx").write(tmp_path / "x.xlsx", Recording.objects.all(), Tally(), {})
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    cells = [cell for row in book["Calls"].iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr", "n"}
    assert not [cell for cell in cells if cell.hyperlink]
    assert [cell.value for cell in cells if cell.value == HOSTILE] == [HOSTILE]
    assert call.pk in [cell.value for cell in cells]


def test_a_workbook_goes_on_on_another_sheet_where_one_is_full(tmp_path, monkeypatch):
    for _ in range(7):
        RecordingFactory()
    workbook.write_workbook(
        tmp_path / "x.xlsx", CALLS, Recording.objects.all(), CALLS.columns[:2], Tally(), rows_of_a_sheet=4
    )
    found = [sheet_rows(tmp_path / "x.xlsx", title) for title in ("Calls", "Calls 2", "Calls 3")]
    assert [len(rows) for rows in found] == [4, 4, 2]
    assert {rows[0] for rows in found} == {("call", "called_at")}
    numbers = [row[0] for rows in found for row in rows[1:]]
    assert numbers == list(Recording.objects.newest_first().values_list("pk", flat=True))


def test_a_text_longer_than_a_cell_of_excel_takes_is_cut_and_says_so(tmp_path):
    SegmentFactory(text="x" * 40_000)
    wish_for("segments", "xlsx", ["text"]).write(tmp_path / "x.xlsx", Recording.objects.all(), Tally(), {})
    [_, [text]] = sheet_rows(tmp_path / "x.xlsx", "Transcript segments")
    assert (len(text), text[-2:]) == (32_767, "x…")


def test_an_archive_has_one_file_for_each_agent_and_says_what_is_in_it(tmp_path):
    names = ["Nora", "nora/../x", "CON", "Nora x", "Nora_x", "…"]
    for name in names:
        SegmentFactory(analysis=CompletedFactory(recording=RecordingFactory(agent=AgentFactory(identifier=name))))
    tally = Tally()
    wish_for("segments", "zip", ["agent", "text"]).write(tmp_path / "z", Recording.objects.all(), tally, {"export": 7})
    with zipfile.ZipFile(tmp_path / "z") as archive:
        assert archive.testzip() is None
        *files, last = archive.namelist()
        manifest = json.loads(archive.read("manifest.json"))
        held = [list(csv.DictReader(io.StringIO(archive.read(name).decode(), newline=""))) for name in files]
    assert last == "manifest.json"
    assert len({name.casefold() for name in files}) == len(names)
    assert not [name for name in files if "/" in name or "\\" in name or name.startswith(".")]
    assert sorted(row["agent"] for rows in held for row in rows) == sorted(safe_text(name) for name in names)
    assert (manifest["export"], manifest["rows"], tally.rows) == (7, len(names), len(names))
    assert [file["rows"] for file in manifest["files"]] == [1] * len(names)


def test_columns_can_be_chosen_and_ordered():
    everything()
    wish = wish_for("findings", "csv", ["quote", "call", "quote"])
    [header, row] = list(csv.reader(io.StringIO(b"".join(wish.chunks(Recording.objects.all(), Tally())).decode())))
    assert header == ["quote", "call"]
    assert row[0] == f"'{HOSTILE}"


@pytest.mark.parametrize(
    ("table", "form", "columns", "why"),
    [
        ("users", "csv", (), "There is no table users"),
        ("calls", "pdf", (), "There is no format pdf"),
        ("calls", "csv", ("password",), "no column password"),
        ("agents", "zip", (), "one row for each agent"),
    ],
)
def test_a_wish_that_cannot_be_fulfilled_says_why(table, form, columns, why):
    with pytest.raises(NotPossible, match=why):
        wish_for(table, form, columns)


def test_what_is_masked_is_masked_whatever_columns_are_chosen():
    analysis = CompletedFactory()
    SegmentFactory(analysis=analysis, text="my number is 4111", masked="my number is [card number]")
    FindingFactory(analysis=analysis, check_id="sensitive_data", quote="4111")
    for chosen in (["quote"], ["explanation", "quote"]):
        told = b"".join(wish_for("findings", "csv", chosen).chunks(Recording.objects.all(), Tally()))
        assert b"4111" not in told
    shown = wish_for("findings", "csv", ["quote"], unmasked=True).chunks(Recording.objects.all(), Tally())
    assert b"4111" in b"".join(shown)
    assert b"4111" not in b"".join(jsonl_of(SEGMENTS, Recording.objects.all()))


def test_a_summary_of_agents_counts_calls_by_their_worst_finding():
    agent = AgentFactory(identifier="nora", name="Nora")
    for outcome, verdict in ((Outcome.MET, "pass"), (Outcome.VIOLATED, "coach"), (Outcome.HEARD, "")):
        called_at = NOON + timedelta(hours=len(verdict))
        call = RecordingFactory(
            agent=agent, verdict=verdict, called_at=called_at, reviewed_at=NOON if verdict else None
        )
        analysis = CompletedFactory(recording=call, rules=outcome)
        FindingFactory(analysis=analysis, outcome=outcome, check_id="greeting")
        FindingFactory(analysis=analysis, outcome=Outcome.MET, check_id="greeting")
    RecordingFactory(agent=agent, called_at=NOON)
    RecordingFactory()
    tally = Tally()
    [first, second] = lines(jsonl_of(AGENTS, Recording.objects.all(), (), tally))
    row = second if second["agent"] == "nora" else first
    expected = {"agent_name": "Nora", "calls": 4, "analysed": 3, "duration_seconds": 4 * 125.5, "reviewed": 2}
    counts = {"assessed": 3, "violated": 1, "omitted": 0, "heard": 1, "passed": 1, "to_coach": 1, "failed": 0}
    assert row.items() >= (expected | counts).items()
    assert (row["first_call_at"], row["last_call_at"]) == ("2026-03-02T12:00:00+00:00", "2026-03-02T17:00:00+00:00")
    assert tally.rules == {Outcome.MET, Outcome.VIOLATED, Outcome.HEARD}
    [chosen] = lines(jsonl_of(AGENTS, Recording.objects.filter(verdict="coach"), AGENTS.named(["violated", "calls"])))
    assert chosen == {"violated": 1, "calls": 1}


def test_agents_are_read_in_batches_that_leave_out_nobody():
    for number in range(7):
        RecordingFactory(agent=AgentFactory(identifier=f"agent {number}"))
    for size in (1, 3, 7):
        found = lines(jsonl_of(replace(AGENTS, batch=size), Recording.objects.all()))
        assert [row["agent"] for row in found] == [f"agent {number}" for number in range(7)]


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_count_of_rows_is_exact(table):
    agent = AgentFactory()
    for _ in range(3):
        analysis = CompletedFactory(recording=RecordingFactory(agent=agent))
        FindingFactory.create_batch(2, analysis=analysis)
        SegmentFactory.create_batch(2, analysis=analysis)
    FindingFactory(analysis=CompletedFactory(recording=analysis.recording, current=False))
    RecordingFactory()
    calls = Recording.objects.all()
    assert table.counted(calls) == len(list(table.rows(calls))) > 1


def test_the_version_is_that_of_the_project():
    from pathlib import Path

    text = (Path(callcov_portal.__file__).parent.parent / "pyproject.toml").read_text()
    assert f'version = "{callcov_portal.__version__}"' in text
