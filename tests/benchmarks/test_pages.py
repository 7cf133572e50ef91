"""The arithmetic of `make bench`: what is compared, what is judged, and where the table goes."""

import io
import json
import sys

import pytest

from benchmarks.groups import GROUPS
from benchmarks.pages import answering, table
from benchmarks.pages.answering import cost_of, cpu, serve, times_for
from benchmarks.pages.process import Broken, Process
from benchmarks.pages.serving import Page
from benchmarks.pages.values import (
    ADMIN,
    DATASETTE,
    LARGE,
    MIB,
    MIDDLE,
    SMALL,
    Fact,
    Limit,
    Line,
    Measure,
    Spread,
    Verdict,
    judge,
    needed,
)
from benchmarks.places import Places

OURS, THEIRS = Measure("1000", "list"), Measure("admin", "changelist")
GROWTH = Line("growth", OURS, THEIRS, 1.15)
CHEAPER = Line("cheaper", OURS, THEIRS, 8, at_most=False)


def test_a_bound_is_held_by_medians_not_by_means():
    costs = {OURS: [0.011, 0.011, 9.0], THEIRS: [0.010, 0.010, 0.010]}
    verdict = judge(GROWTH, costs)
    assert (verdict.ratio, verdict.met) == (pytest.approx(1.1), True)
    assert judge(GROWTH, {**costs, OURS: [0.012] * 3}).met is False


def test_what_slows_down_both_in_a_round_says_nothing():
    verdict = judge(GROWTH, {OURS: [0.011, 0.022, 0.033, 0.044, 0.011], THEIRS: [0.010, 0.020, 0.030, 0.040, 0.010]})
    assert (verdict.ratio, verdict.met) == (pytest.approx(1.1), True)


def test_cheaper_is_how_many_times_the_others_cost():
    verdict = judge(CHEAPER, {OURS: [0.01], THEIRS: [0.09]})
    assert (verdict.ratio, verdict.met, verdict.bound) == (pytest.approx(9.0), True, "≥ 8")
    assert judge(CHEAPER, {OURS: [0.01], THEIRS: [0.07]}).met is False


def test_what_was_not_measured_is_neither_met_nor_missed_and_says_so():
    verdict = judge(GROWTH, {OURS: [0.01], THEIRS: []})
    assert (verdict.met, verdict.ratio) == (None, None)
    assert "admin changelist" in verdict.note


@pytest.mark.parametrize(("largest", "itself"), [("1000000", False), ("100000", True), ("20000", True)])
def test_a_database_is_not_compared_with_itself(largest, itself):
    places = Places(largest)
    grown = Line("grown", Measure(LARGE, "agents"), Measure(MIDDLE, "agents"), 2.5)
    assert places.is_itself(grown) is itself
    assert not places.is_itself(Line("small", Measure(LARGE, "list"), Measure(SMALL, "list"), 1.15))
    assert not places.is_itself(Line("other", Measure(LARGE, "webhook"), Measure(MIDDLE, "save"), 2))
    for peer in (ADMIN, DATASETTE):  # which does by the same name what we do, on the same database
        assert not places.is_itself(Line("peer", Measure(LARGE, "csv"), Measure(peer, "csv"), 30, at_most=False))


def test_a_limit_holds_for_the_dearest_and_is_in_milliseconds():
    limit = Limit("quick", (OURS, THEIRS), 5)
    verdict = judge(limit, {OURS: [0.004], THEIRS: [0.0049]})
    assert (verdict.ratio, verdict.one, verdict.bound, verdict.met) == (None, 0.0049, "≤ 5 ms", True)
    assert judge(limit, {OURS: [0.006], THEIRS: [0.001]}).met is False
    assert judge(limit, {OURS: [0.001]}).met is None


def test_a_spread_is_between_the_dearest_and_the_cheapest():
    spread = Spread("even", (OURS, THEIRS, Measure("1000", "other")), 20)
    costs = {OURS: [0.02], THEIRS: [0.001], Measure("1000", "other"): [0.005]}
    assert (judge(spread, costs).ratio, judge(spread, costs).met) == (pytest.approx(20), True)
    assert judge(spread, {**costs, OURS: [0.021]}).met is False


def test_memory_is_written_with_its_unit():
    verdict = judge(Line("peak", OURS, THEIRS, 1.2, unit=MIB), {OURS: [66.2], THEIRS: [60.0]})
    assert table.cells(verdict)[2:] == ("1.10", "✓", "66 MiB", "60 MiB")


def test_everything_is_done_once_in_each_place():
    fact = Fact("right", Measure("1000", "sums"))
    assert needed([GROWTH, CHEAPER, fact]) == {"1000": ["list", "sums"], "admin": ["changelist"]}


def test_lines_have_names_of_their_own_and_so_do_groups():
    names = [line.name for group in GROUPS for line in group.LINES]
    assert len(names) == len(set(names)) > 10
    assert len({group.NAME for group in GROUPS}) == len(GROUPS)


def test_the_table_says_what_was_asked_and_measured():
    rows = table.text([judge(CHEAPER, {OURS: [0.01], THEIRS: [0.0712]}), judge(GROWTH, {})]).splitlines()
    assert rows[1].split() == ["cheaper", "≥", "8", "7.12", "✗", "10", "71.2"]
    assert "not measured: 1000 list" in rows[2]
    assert "–" in rows[2]


def test_the_table_is_put_between_its_markers_again_and_again(tmp_path):
    document = tmp_path / "performance.md"
    document.write_text(f"# Before\n\n{table.BEGIN}\nold\n{table.END}\n\nAfter\n")
    for name in ("one", "two"):
        table.put(document, table.markdown([Verdict(name, "≤ 1", 1.0, 0.1, 0.1, met=True)], "Measured."))
    text = document.read_text()
    assert text.startswith("# Before\n\n")
    assert text.endswith("\n\nAfter\n")
    assert "| two | ≤ 1 | 1.00 | ✓ | 100 | 100 |" in text
    assert "old" not in text
    assert "one" not in text.partition(table.BEGIN)[2]
    document.write_text("no place")
    with pytest.raises(ValueError, match="no place for the table"):
        table.put(document, "table")


def burn(seconds: float) -> None:
    until = cpu() + seconds
    while cpu() < until:
        pass


def test_a_cost_is_the_cpu_of_one_go():
    assert 0.02 <= cost_of(lambda: burn(0.02), 3) < 0.06
    assert cost_of(lambda: None, 10) < 0.001


class Prepared:
    def __init__(self) -> None:
        self.ready = 0

    def prepare(self, times: int) -> None:
        burn(0.05)
        self.ready += times

    def __call__(self) -> None:
        self.ready -= 1


def test_preparing_costs_nothing_and_is_told_how_often():
    prepared = Prepared()
    assert cost_of(prepared, 7) < 0.005
    assert prepared.ready == 0


def test_quick_things_are_done_many_times_in_one_go_and_slow_ones_once():
    assert times_for(1.0) == 1
    assert times_for(answering.LEAST / 10) == 10
    assert times_for(0.0) == answering.MOST_TIMES


def answers_to(*requests, **doings):
    answers = io.StringIO()
    serve(doings, io.StringIO("".join(json.dumps(request) + "\n" for request in requests)), answers)
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def test_requests_are_answered_with_cpu_and_trouble_is_told():
    done = []
    quick, told, broken, fine = answers_to(
        {"do": "quick"}, {"tell": "right"}, {"do": "broken"}, {"do": "quick"},
        quick=lambda: done.append(1), right=lambda: True, broken=lambda: 1 / 0,
    )  # fmt: skip
    assert quick["cpu"] < 0.01
    assert told == {"told": True}
    assert "ZeroDivisionError" in broken["error"]
    assert "cpu" in fine
    assert len(done) == 2 + 2 * answering.MOST_TIMES


class Once(Prepared):
    once = True


def test_what_is_done_once_is_not_warmed_up_and_says_so_and_what_takes_long_is_tried_once_before(monkeypatch):
    [answer] = answers_to({"do": "it"}, it=Once())
    assert answer["once"] is True
    done = []
    monkeypatch.setattr(answering, "LONG", -1.0)
    answers_to({"do": "long"}, long=lambda: done.append(1))
    assert len(done) == 2


def test_a_process_that_ends_or_fails_says_how(tmp_path):
    code = "import sys; print('the reason', file=sys.stderr); sys.stdin.readline()"
    with (
        Process("here", [sys.executable, "-c", code], {}, tmp_path / "log") as process,
        pytest.raises(Broken, match="the reason"),
    ):
        process.ask(do="anything")


class Waiting:
    """A server that ended the connection while others were measured; each answer costs a tenth of a second."""

    def __init__(self) -> None:
        self.used, self.is_open, self.connection = 0.0, False, self

    def close(self) -> None:
        self.is_open = True  # the next request makes a new one

    def cpu(self) -> float:
        return self.used

    def ask(self, _path, _headers) -> bytes:
        assert self.is_open
        self.used += 0.1 if self.used else 0.5
        return b""


def test_a_server_that_waited_long_is_asked_over_a_new_connection_which_is_no_part_of_the_page():
    assert Page(Waiting(), "/").cost(1) == pytest.approx(0.1)  # type: ignore[arg-type]
    assert Page(Waiting(), "/", once=True).cost(1) == pytest.approx(0.5)  # type: ignore[arg-type]
