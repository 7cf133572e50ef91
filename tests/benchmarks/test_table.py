"""Gates, the table, and the exit status."""

import json
from argparse import Namespace
from pathlib import Path

import pytest

from benchmarks.engine import gates
from benchmarks.engine.__main__ import report
from benchmarks.engine.masking import Hiding
from benchmarks.engine.measuring import Measured, engine_figures, peer_figures
from benchmarks.engine.places import Tally
from benchmarks.engine.truth import Call, Recording
from benchmarks.engine.words import Fit


def measured(errors=2, cpu=11.0, condition="stereo", recall=20):
    return Measured(
        recording=Recording(Path("one.stereo.wav"), Call("one", (), ()), condition, 100.0),
        fit=Fit(errors, 100, 90, 90),
        peer_fit=Fit(30, 100),
        cpu=cpu,
        peer_cpu=10.0,
        memory=650.0,
        peer_memory=450.0,
        events={"greeting": Tally(20, recall, 0, ("missed greeting",) * (20 - recall)), "empathy": Tally(9, 0, 3)},
        hidden={"pii_card": Hiding(1, 1, 1)},
        needless=(1, 100),
    )


def printed(capsys, *every, wordless=0, further=False, **options):
    asked = Namespace(details=False, json=None, no_gate=False)
    vars(asked).update(options)
    status = report(list(every), {"silence": [wordless, 3]}, asked, further=further)
    return status, capsys.readouterr().out


def row(text, label):
    return next(line for line in text.splitlines() if line.strip().startswith(label))


def test_what_is_good_enough_ends_well(capsys):
    status, text = printed(capsys, measured())
    assert status == 0
    assert row(text, "word errors %").split() == ["word", "errors", "%", "2.0", "✓", "30.0", "≤", "2.5", "stereo"]
    assert "1.10 ✓" in row(text, "CPU, times the peer's")
    assert "Every gate is met." in text


def test_a_missed_gate_is_marked_and_ends_badly_unless_gates_are_off(capsys):
    status, text = printed(capsys, measured(errors=3, recall=18), details=True)
    assert status == 1
    assert "3.0 ✗" in row(text, "word errors %")
    assert "0.90 ✗" in row(text, "events, recall")
    assert "Missed: word errors % stereo; events, recall stereo." in text
    assert text.count("one.stereo.wav: missed greeting") == 2
    assert printed(capsys, measured(errors=3, recall=18), no_gate=True)[0] == 0


def test_one_word_heard_in_silence_is_one_too_many(capsys):
    status, text = printed(capsys, measured(), wordless=1)
    assert status == 1
    assert "silence 1 (plain 3)" in text


def test_of_further_calls_less_is_asked_of_words_but_not_of_findings(capsys):
    assert printed(capsys, measured(errors=4), further=True)[0] == 0
    assert printed(capsys, measured(errors=5), further=True)[0] == 1
    assert printed(capsys, measured(recall=18), further=True)[0] == 1


def test_noise_is_gated_on_words_only(capsys):
    assert printed(capsys, measured(errors=7, condition="noise", recall=0))[0] == 0
    assert printed(capsys, measured(errors=8, condition="noise"))[0] == 1


def test_conditions_stand_side_by_side_and_calls_below_each_other(capsys):
    _, text = printed(capsys, measured(), measured(condition="mono", errors=4), measured(errors=0))
    assert text.splitlines()[0].split() == ["stereo", "stereo", "mono", "mono"]
    assert row(text, "word errors %").split()[3:9] == ["1.0", "✓", "30.0", "4.0", "✓", "30.0"]
    assert row(text, "greeting").split() == ["greeting", "40/40", "–", "20/20", "–"]
    assert row(text, "empathy (not counted)").split()[3:] == ["0/18", "+6", "–", "0/9", "+3", "–"]
    assert row(text, "card number, as such").split()[4:] == ["2/2", "(2)", "–", "1/1", "(1)", "–"]


def test_everything_is_written_as_json_too(capsys, tmp_path):
    printed(capsys, measured(), json=tmp_path / "out.json")
    read = json.loads((tmp_path / "out.json").read_text())
    assert read["engine"]["stereo"][gates.ERRORS] == 2.0
    assert read["recordings"][0]["file"] == "one.stereo.wav"
    assert all(gate["met"] for gate in read["gates"])


def test_figures_are_pooled_not_averaged():
    figures = engine_figures([measured(cpu=10.0), measured(cpu=20.0)])
    assert figures[gates.CPU] == pytest.approx(0.15)
    assert figures[gates.RATIO] == pytest.approx(1.5)
    assert figures[gates.OTHERS] == pytest.approx(1.0)
    assert figures[gates.RECALL] == 1.0
    assert peer_figures([measured()])[gates.CPU] == pytest.approx(0.1)


def test_what_should_have_been_measured_and_was_not_misses_its_gate():
    (verdict,) = gates.judge({"stereo": {gates.PRECISION: None}}, further=False)
    assert not verdict.met
