"""A manifest is read row by row, however it was written; what is wrong is told with line and column."""

import io
import tracemalloc
import zipfile
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from callcov_portal.reading import manifests, tables, workbooks
from callcov_portal.reading.manifests import Columns, Row, guessed, head_of
from callcov_portal.reading.tables import NotATable

NOW = datetime(2026, 4, 1, tzinfo=UTC)
TABLE = (
    "Recording URL;Rep;Customer;Date;Time;Direction\r\nhttps://f.example/a.wav;Nora Weiß;c-1;2026-03-02;14:30;In\r\n"
)
NORA = Row(
    2, "https://f.example/a.wav", "Nora Weiß", "c-1", datetime(2026, 3, 2, 14, 30, tzinfo=UTC), "inbound", None, ""
)


def read(content: bytes, columns: Columns | None = None, after: int = 0) -> list[Row]:
    file = io.BytesIO(content)
    return list(manifests.rows_of(file, columns or guessed(head_of(file)), UTC, NOW, after))


def wrong_with(content: str, **places: int) -> list[str]:
    return [row.wrong for row in read(content.encode(), Columns(places) if places else None)]


def workbook(*rows: list[object]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def long_table(rows: int, *, as_excel: bool) -> bytes:
    file = io.BytesIO()
    if not as_excel:
        lines = (f"https://files.example/calls/{n:06}.wav,agent-{n % 30}\n" for n in range(rows))
        return ("link,agent\n" + "".join(lines)).encode()
    book = xlsxwriter.Workbook(file, {"strings_to_urls": False})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["link", "agent"])
    for n in range(rows):
        sheet.write_row(n + 1, 0, [f"https://files.example/calls/{n:06}.wav", f"agent-{n % 30}"])
    book.close()
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode(),
        TABLE.encode("utf-8-sig"),
        TABLE.encode("utf-16"),
        TABLE.encode("cp1252"),
        TABLE.replace(";", ",").encode(),
        TABLE.replace(";", "\t").encode(),
        TABLE.replace("Nora Weiß", '"Nora Weiß"').encode(),
    ],
)
def test_encoding_and_delimiter_are_found_out_and_columns_guessed(content):
    assert read(content) == [NORA]


def test_a_workbook_says_the_same_with_cells_of_its_own_kinds():
    header: list[object] = ["url", "agent_id", "phone", "started_at", "duration"]
    content = workbook(
        header,
        ["https://f.example/a.wav", 7, 15551230001, datetime(2026, 3, 2, 14, 30), 95],
        [None],
        ["https://f.example/b.wav", "x", None, "2026-03-02T14:30:00+02:00", time(0, 2, 5)],
    )
    assert read(content) == [
        Row(2, "https://f.example/a.wav", "7", "15551230001", datetime(2026, 3, 2, 14, 30, tzinfo=UTC), "", 95.0),
        Row(4, "https://f.example/b.wav", "x", "", datetime(2026, 3, 2, 12, 30, tzinfo=UTC), "", 125.0),
    ]


def test_the_first_sheet_that_is_shown_is_read():
    book = openpyxl.Workbook()
    book.active.sheet_state = "hidden"
    book.active.append(["secret"])
    book.create_sheet("Calls").append(["link"])
    book["Calls"].append(["https://f.example/a.wav"])
    file = io.BytesIO()
    book.save(file)
    assert [row.link for row in read(file.getvalue())] == ["https://f.example/a.wav"]


@pytest.mark.parametrize(
    ("names", "places"),
    [
        (
            "link,agent,contact,called_at,direction",
            {"link": 0, "agent": 1, "contact": 2, "called_at": 3, "direction": 4},
        ),
        ("Rep;Audio-URL;Caller ID", {"link": 1, "agent": 0, "contact": 2}),
        ("href,user,Date,Start time", {"link": 0, "agent": 1, "called_at": 2, "time": 3}),
        ("url,time", {"link": 0, "called_at": 1}),
        ("a,b", {}),
        ("url,url,agent", {"link": 0, "agent": 2}),
    ],
)
def test_columns_are_guessed_by_their_names(names, places):
    cells = names.replace(",", ";").count(";") * ";" + "x"
    assert guessed(head_of(io.BytesIO(f"{names}\n{cells}\n".encode()))).places == places


def test_links_are_recognised_by_how_they_begin_and_a_table_needs_no_first_line():
    assert guessed(head_of(io.BytesIO(b"who,where\nx,https://f.example/a\n"))).places == {"link": 1}
    content = b"https://f.example/a.wav\nhttps://f.example/b.wav\n"
    assert head_of(io.BytesIO(content)).columns == ["Column A"]
    assert [(row.line, row.link[-5:]) for row in read(content)] == [(1, "a.wav"), (2, "b.wav")]


def test_columns_can_be_said_by_hand():
    [row] = read(b"a,b,c\nnora,https://f.example/a,sam\n", Columns({"link": 1, "agent": 2}))
    assert (row.link, row.agent) == ("https://f.example/a", "sam")
    assert Columns.from_json(Columns({"link": 1}, day_first=True).as_json()) == Columns({"link": 1}, day_first=True)


def test_what_is_wrong_names_the_column():
    table = "link,agent,date,direction\n{}\n"
    assert wrong_with(table.format(",nora,,")) == ["link: There is no link."]
    assert wrong_with(table.format("https://f.example/a,x,soon,")) == [
        "date: “soon” is no time. Write it like 2026-03-02 14:30."
    ]
    assert "date: “2027-01-01” cannot be" in wrong_with(table.format("https://f.example/a,x,2027-01-01,"))[0]
    assert wrong_with(table.format("https://f.example/a,x,,sideways")) == [
        "direction: “sideways” is neither inbound nor outbound."
    ]
    assert wrong_with(table.format(f"https://f.example/a,{'x' * 201},,")) == [
        "agent: It is longer than 200 characters."
    ]
    assert "line break" in wrong_with(table.format('https://f.example/a,"x\ny",,'))[0]
    assert wrong_with("link,date\nhttps://f.example/a,2/3/2026\n")[0].startswith("date: 2/3/2026 could be two days")
    assert wrong_with("agent\nnora\n", agent=0) == ["There is no link."]


def test_what_can_be_shown_of_a_wrong_row_is_there():
    [row] = read(f"link,agent\nhttps://f.example/{'x' * 3000},no\x01ra\n".encode())
    assert (len(row.link), row.agent, bool(row.wrong)) == (2000, "nora", True)


def test_lines_are_numbered_as_an_editor_does_and_reading_goes_on_behind_one():
    content = b'link,agent\nhttps://f.example/a,"x"\n\nhttps://f.example/b,y\n'
    assert [row.line for row in read(content)] == [2, 4]
    assert [row.line for row in read(content, after=2)] == [4]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "holds no rows"),
        (b"\r\n \r\n", "holds no rows"),
        (b"link\n\0\n", "no CSV file"),
        (b'link\n"' + b"x" * 200_000, "Line 2 cannot be read"),
        (b"link\n" + b"x" * 1_100_000, "no CSV file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old or protected Excel file"),
        (b"PK\x03\x04 and nothing more", "cannot be read"),
        ("link\nx".encode("utf-16")[:-1], "damaged"),
    ],
)
def test_what_is_no_manifest_says_what_to_do(content, says):
    with pytest.raises(NotATable, match=says):
        read(content, Columns({"link": 0}))


def test_a_first_line_alone_is_no_manifest():
    with pytest.raises(NotATable, match="holds no rows"):
        head_of(io.BytesIO(b"link,agent\n"))


def test_a_workbook_of_another_kind_or_without_a_table_is_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    with pytest.raises(NotATable, match="cannot be read"):
        read(file.getvalue())


def test_too_many_rows_are_refused(monkeypatch):
    monkeypatch.setattr(manifests, "MOST_ROWS", 3)
    with pytest.raises(NotATable, match="more than 3 rows"):
        read(long_table(4, as_excel=False))


def with_part(content: bytes, part: str, xml: bytes) -> bytes:
    """Return a workbook with a part changed."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, xml if name == part else old.read(name))
    return file.getvalue()


SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'
ROW = b'<row r="%d"><c r="A%d" t="inlineStr"><is><t>%s</t></is></c></row>'


@pytest.mark.parametrize(
    ("part", "xml"),
    [
        ("xl/worksheets/sheet1.xml", SHEET % (ROW % (1, 1, b"x" * 900_000))),
        ("xl/worksheets/sheet1.xml", SHEET % (b"<row/>" * 50_000)),
        ("xl/styles.xml", b"<x>" + b" " * 600_000 + b"</x>"),
    ],
    ids=["one text", "a part", "a part that is read whole"],
)
def test_what_unpacks_to_more_than_it_may_is_refused_in_little_memory(part, xml, monkeypatch):
    monkeypatch.setattr(workbooks, "LONGEST_RUN", 100_000)
    monkeypatch.setattr(workbooks, "MOST_BYTES", 200_000)
    monkeypatch.setattr(workbooks, "MOST_BYTES_ELSEWHERE", 500_000)
    bomb = with_part(workbook(["link"], ["https://f.example/a"]), part, xml)
    tracemalloc.start()
    with pytest.raises(NotATable):
        read(bomb)
    assert tracemalloc.get_traced_memory()[1] < 3_000_000
    tracemalloc.stop()


def test_rows_far_apart_cost_nothing_and_rows_that_go_back_are_damage():
    far = SHEET % (ROW % (1, 1, b"link") + ROW % (10**6, 10**6, b"https://f.example/a"))
    assert [row.line for row in read(with_part(workbook(["x"]), "xl/worksheets/sheet1.xml", far))] == [10**6]
    back = SHEET % (ROW % (2, 2, b"link") + ROW % (1, 1, b"https://f.example/a"))
    beyond = SHEET % (ROW % (1, 1, b"link") + ROW % (10**12, 1, b"https://f.example/a"))
    for damaged in (back, beyond):
        with pytest.raises(NotATable, match="cannot be read"):
            read(with_part(workbook(["x"]), "xl/worksheets/sheet1.xml", damaged))


@pytest.mark.parametrize("as_excel", [False, True])
def test_memory_does_not_grow_with_the_rows(as_excel):
    def peak(rows: int) -> int:
        file = io.BytesIO(long_table(rows, as_excel=as_excel))
        tracemalloc.start()
        assert sum(1 for _ in manifests.rows_of(file, Columns({"link": 0, "agent": 1}), UTC, NOW)) == rows
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(10)  # what is loaded once
    assert peak(5_000) < peak(500) + 300_000


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content):
    for file in (b"link,agent\n" + content, content, b"PK\x03\x04" + content):
        with suppress(NotATable):
            for row in read(file, Columns({"link": 0, "agent": 1, "called_at": 1})):
                assert row.link or row.wrong


def test_an_open_file_stays_open():
    file = io.BytesIO(b"link\nhttps://f.example/a\n")
    head_of(file)
    list(tables.lines_in(file))
    assert not file.closed
    assert workbooks.text_of(timedelta(minutes=2)) == "120"
