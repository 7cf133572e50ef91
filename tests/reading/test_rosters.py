"""A CSV of agents, however a spreadsheet wrote it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcov_portal.reading import rosters
from callcov_portal.reading.rosters import Row
from callcov_portal.reading.tables import NotATable

TABLE = "id;name;team\r\na-1;Nora Weiß;Claims\r\n"


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode(),
        TABLE.encode("utf-8-sig"),
        TABLE.encode("utf-16"),
        TABLE.encode("cp1252"),
        TABLE.replace(";", ",").encode(),
        TABLE.replace(";", "\t").encode(),
        b"\r\n" + TABLE.replace("id;name", " ID ; Name").encode(),
    ],
)
def test_encoding_mark_and_delimiter_are_found_out(content):
    [row] = rosters.read(rosters.decoded(content))
    assert (row.id, row.name, row.team, row.wrong) == ("a-1", "Nora Weiß", "Claims", "")


def test_lines_are_numbered_as_an_editor_numbers_them():
    rows = rosters.read('id,name\na,"two\nlines"\n\nb,B\n,C\nA,again\n')
    assert [(row.line, row.wrong) for row in rows] == [
        (2, "The name holds a line break or another sign that cannot be printed."),
        (5, ""),
        (6, "There is no id."),
        (7, ""),
    ]


def test_an_id_that_stands_twice_is_wrong_the_second_time():
    rows = rosters.read("id\nA\nb\na\n")
    assert [row.wrong for row in rows] == ["", "", "The same id stands in line 2."]


def test_a_missing_column_is_not_an_empty_one():
    assert rosters.read("id,team\na,\n") == [Row(2, "a", None, "")]


def test_the_mark_of_our_own_exports_is_taken_away():
    assert rosters.read("id,name\n'+49 1,'=x\n")[0] == Row(2, "+49 1", "=x", None)


@pytest.mark.parametrize(
    "text", ["", "name,team\nx,y\n", "id,id\na,b\n", "id\n\0\n", "id\n" + "x\n" * 10_001, '"id\n' + "x" * 200_000]
)
def test_what_is_no_roster_says_what_to_do(text):
    with pytest.raises(NotATable, match=r"[.]$"):
        rosters.read(text)


def test_too_long_is_wrong():
    assert rosters.read(f"id,team\na,{'x' * 101}\n")[0].wrong == "The team is longer than 100 characters."


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content):
    try:
        rosters.read(rosters.decoded(b"id,name\n" + content))
        rosters.read(rosters.decoded(content))
    except NotATable:
        pass
