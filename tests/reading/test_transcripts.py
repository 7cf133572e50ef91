"""Transcripts as files."""

import pytest

from callcov_portal.reading.transcripts import Spoken, as_data, as_text, as_vtt, clock, stamp

SAID = [
    Spoken("Agent", "agent", "Thank you\nfor calling.", 0.5, 2.25, [["Thank", 0.5, 0.7, 0.9]]),
    Spoken("Speaker <C>", "unknown", "A & B --> C", 3661.0, 3661.0),
]


def test_people_read_a_line_for_each_segment() -> None:
    assert as_text(SAID, "Call #1") == (
        "Call #1\n\n[0:00] Agent: Thank you for calling.\n[1:01:01] Speaker <C>: A & B --> C\n"
    )


def test_players_read_cues_with_voices_and_nothing_in_them_is_markup() -> None:
    assert as_vtt(SAID, "Call --> #1") == (
        "WEBVTT\n\nNOTE Call --&gt; #1\n\n"
        "00:00:00.500 --> 00:00:02.250\n<v Agent>Thank you for calling.</v>\n\n"
        "01:01:01.000 --> 01:01:01.100\n<v Speaker &lt;C&gt;>A &amp; B --&gt; C</v>\n"
    )


def test_programs_read_segments_with_the_words_that_may_be_told() -> None:
    data = as_data(SAID, {"call": 1})
    assert data["call"] == 1
    assert data["segments"] == [
        {
            "speaker": "agent",
            "who": "Agent",
            "start": 0.5,
            "end": 2.25,
            "text": "Thank you\nfor calling.",
            "words": [{"text": "Thank", "start": 0.5, "end": 0.7, "confidence": 0.9}],
        },
        {"speaker": "unknown", "who": "Speaker <C>", "start": 3661.0, "end": 3661.0, "text": "A & B --> C"},
    ]


@pytest.mark.parametrize(("seconds", "said"), [(-1.0, "0:00"), (59.99, "0:59"), (600.0, "10:00"), (3600.0, "1:00:00")])
def test_times_are_written_as_on_every_page(seconds: float, said: str) -> None:
    assert clock(seconds) == said


@pytest.mark.parametrize(("seconds", "said"), [(-0.2, "00:00:00.000"), (59.9996, "00:01:00.000")])
def test_stamps_never_have_sixty_seconds(seconds: float, said: str) -> None:
    assert stamp(seconds) == said
