"""The benchmark of exports: the same calls and columns for all who write them."""

import sqlite3

import pytest

from benchmarks.__main__ import Rounds
from benchmarks.exports import lines
from benchmarks.pages.databases import Newest, newest
from benchmarks.pages.process import Broken
from benchmarks.pages.values import LARGE, MIDDLE, SEARCH, SERVERS, SMALL, Limit, Line, Measure
from benchmarks.places import Places
from callcov_portal.exports import CALLS
from callcov_portal.models import Recording


@pytest.fixture
def calls(tmp_path):
    """A database with three calls on each of four days."""
    with sqlite3.connect(tmp_path / "calls.sqlite3") as connection:
        connection.execute("CREATE TABLE portal_recording (called_at text)")
        days = ((f"2026-01-0{day} 1{hour}:00:00",) for day in range(1, 5) for hour in range(3))
        connection.executemany("INSERT INTO portal_recording VALUES (?)", days)
        connection.execute("INSERT INTO portal_recording VALUES (datetime('now'))")  # added by another line
    return tmp_path / "calls.sqlite3"


@pytest.mark.parametrize(
    ("most", "expected"),
    [(100, Newest("2000-01-01", "2026-01-04", 12)), (6, Newest("2026-01-03", "2026-01-04", 6)), (8, Newest("2026-01-03", "2026-01-04", 6)), (2, Newest("2026-01-05", "2026-01-04", 0))],
)  # fmt: skip
def test_the_newest_calls_are_those_of_whole_days(calls, most, expected):
    assert newest(calls, most) == expected


def test_all_write_columns_that_our_file_has():
    keys = [column.key for column in CALLS.columns]
    assert set(lines.named()) < set(keys)
    assert {lines.KEYS.get(name, name) for name in lines.COLUMNS} < set(keys)
    fields = {field.name for field in Recording._meta.fields}
    assert {path.partition("__")[0] for path in lines.named().values()} <= fields
    assert {"agent__identifier", "contact__name", "current_analysis__language"} < set(lines.named().values())


def test_a_small_largest_database_makes_the_middle_one_as_small():
    assert [Places("20000").calls(place) for place in (SMALL, MIDDLE, LARGE, SEARCH, SERVERS)] == [
        "1000", "20000", "20000", "20000", "1000",
    ]  # fmt: skip
    assert [Places("1000000").calls(place) for place in (MIDDLE, LARGE, SEARCH)] == ["100000", "1000000", "100000"]


class Answers:
    """A process that answers with what it is told."""

    def __init__(self, **answers) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def ask(self, do: str):
        self.asked.append(do)
        if do == "broken":
            raise Broken("it broke")
        return self.answers[do]


def test_what_broke_or_is_done_once_is_not_asked_for_again(capsys, monkeypatch):
    monkeypatch.setattr("benchmarks.__main__.TURNS", 1)
    process = Answers(often={"cpu": 1.0}, once={"cpu": 2.0, "once": True})
    names = ("often", "once", "broken")
    often, once, broken = (Measure("here", name) for name in names)
    line, other = Line("line", often, once, 2), Limit("other", (broken, often, Measure("elsewhere", "often")), 5)
    rounds = Rounds({"here": process}, [line, other])  # type: ignore[dict-item]
    rounds.go()
    rounds.go()
    assert process.asked == ["often", "once", "broken", "often", "often", "often"]
    assert rounds.found == {line: {often: [1.0, 1.0], once: [2.0, 2.0]}, other: {often: [1.0, 1.0]}}
    assert "it broke" in capsys.readouterr().err


def test_what_takes_little_has_several_turns_in_a_round(monkeypatch):
    monkeypatch.setattr("benchmarks.__main__.TURNS", 3)
    process = Answers(one={"cpu": 1.0}, other={"cpu": 2.0})
    one, other = Measure("here", "one"), Measure("here", "other")
    Rounds({"here": process}, [Line("line", one, other, 2)]).go()  # type: ignore[dict-item]
    assert process.asked == ["one", "other"] * 3
