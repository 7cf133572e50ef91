"""What names of files say, by patterns."""

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcov_portal.reading.filenames import called_at_in
from callcov_portal.reading.patterns import LONGEST, PatternError, Said, compiled, read

AT = datetime(2026, 3, 2, 14, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pattern", "path", "said"),
    [
        ("{agent}_{contact}_{date}_{time}", "nora_c-17_20260302_143005.wav", Said("nora", "c-17", AT)),
        ("{agent}_{contact}_{date}_{time}", "a/b/nora_c-17_2026-03-02_14-30-05.mp3", Said("nora", "c-17", AT)),
        ("{agent} {date}T{time}_{direction}", "Nora K 2026-03-02T14.30.05_OUT.wav", Said("Nora K", "", AT, "outbound")),
        ("{any}/{agent} {date}T{time}_{direction}", "x/nora 20260302T143005_inbound", Said("nora", "", AT, "inbound")),
        ("{agent}/*/{contact}-*", "root/nora/march/c1-anything at all.wav", Said("nora", "c1")),
        ("{contact}@{date:dmy} {time}*", "49301@02.03.2026 14h30m05s (2).wav", Said("", "49301", AT)),
        ("{date:mdy}-{time}-{agent}", "03-02-2026-143005-nora", Said("nora", "", AT)),
        ("{date}{time}{agent}", "20260302143005nora", Said("nora", "", AT)),
        ("{agent}{date}", "nora20260302", Said("nora", "", AT.replace(hour=0, minute=0, second=0))),
        ("*_{agent}", "call_mary_ann.wav", Said("mary_ann")),
        ("{agent}_{date}*", "mary_ann_2026-03-02_x", Said("mary_ann", "", AT.replace(hour=0, minute=0, second=0))),
        ("{agent}-{contact}.wav", "nora-c1.MP3", Said("nora", "c1")),
        ("Call+({agent})?", "call+(nora)?.wav", Said("nora")),
        ("{agent} - {contact}", "Nora - C 1 - 2.wav", Said("Nora", "C 1 - 2")),
        ("{direction}_{contact}", "outgoing_5.wav", Said("", "5", None, "outbound")),
    ],
)
def test_a_name_is_read_by_a_pattern(pattern, path, said):
    assert read(pattern, path, UTC) == said


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("{agent}_{contact}", "nora.wav"),
        ("{agent}_{contact}", "_c1.wav"),
        ("{agent}/{contact}", "c1.wav"),
        ("{agent}_{date}", "nora_2026-02-30.wav"),
        ("{agent}_{date}_{time}", "nora_2026-03-02_2530.wav"),
        ("{agent}_{date}", "nora_2026-03-02 and more.wav"),
        ("{agent}", "a/.wav"),
    ],
)
def test_a_name_that_does_not_fit_says_nothing(pattern, path):
    assert read(pattern, path, UTC) is None


def test_the_first_pattern_that_fits_is_the_one():
    patterns = "{agent}_{contact}_{date}\n\n  {contact}-{agent}  \n{agent}"
    assert read(patterns, "nora_c1_20260302", UTC).contact == "c1"
    assert read(patterns, "c1-nora", UTC) == Said("nora", "c1")
    assert read(patterns, "nora", UTC) == Said("nora")
    assert read("", "nora", UTC) is None


def test_a_time_is_read_in_the_zone_that_is_given_and_as_without_a_pattern():
    zone = ZoneInfo("America/New_York")
    name = "nora_2026-03-02_14-30-05.wav"
    said = read("{agent}_{date}_{time}", name, zone)
    assert said.called_at == called_at_in(name, zone) == datetime(2026, 3, 2, 14, 30, 5, tzinfo=zone)


@pytest.mark.parametrize(
    ("pattern", "words", "line", "column"),
    [
        ("{agent}_{kontakt}", r"\{kontakt\} is not known; these are: \{agent\}", 1, 9),
        ("{agent}\n{agent}_{agent}", "is there twice", 2, 9),
        ("{agent}{contact}", "Put something between", 1, 8),
        ("{agent}*", "Put something between", 1, 8),
        ("{agent", "stands alone", 1, 1),
        ("agent}", "stands alone", 1, 6),
        ("{agent}_{time}", r"needs a \{date\}", 1, 9),
        ("*.wav", "at least one of", 1, 1),
        ("{}", "is not known", 1, 1),
        ("{date}_{date:dmy}", "is there twice", 1, 8),
        ("{agent}" + "x" * LONGEST, "At most 20 patterns", 1, 1),
        ("{agent}\n" * 21, "At most 20 patterns", 21, 1),
    ],
)
def test_what_is_wrong_with_a_pattern_is_said_with_its_place(pattern, words, line, column):
    with pytest.raises(PatternError, match=words) as caught:
        compiled(pattern)
    assert (caught.value.line, caught.value.column) == (line, column)


PIECES = ["{agent}", "{contact}", "*", "{date}", "{time}", "{direction}", "_", "-", " ", "/", "a", "(", "[", "\\", "|"]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.text("a_-/ 20(\\", max_size=60))
def test_no_pattern_and_no_name_raise_anything_else(pattern, path):
    try:
        compiled(pattern)
    except PatternError:
        return
    read(pattern, path, UTC)


@pytest.mark.parametrize(
    "pattern", ["*_" * 60 + "{agent}", "{agent}_{contact}_" + "*_" * 60 + "x", "*a*a*a*a*a*{agent}aa{contact}!"]
)
@pytest.mark.parametrize("name", ["_" * 500, "a" * 500, "a_" * 250, "20260302" * 60])
def test_hostile_names_and_patterns_are_read_in_no_time(pattern, name):
    try:
        compiled(pattern)
    except PatternError:
        return
    began = time.process_time()
    read(pattern, name, UTC)
    assert time.process_time() - began < 0.05
