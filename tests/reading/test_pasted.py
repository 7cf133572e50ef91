"""A pasted talk, read as if it had been spoken."""

from callcov_portal.reading.alignment import Line
from callcov_portal.reading.pasted import talk_in


def test_each_line_is_a_stretch_of_speech_by_who_is_named() -> None:
    talk = talk_in("Agent: Hello there.\r\n customer :  I am  cross.\nNo name here\n\nA: Bye: now\nContact:\n")
    assert [(line.speaker, line.text) for line in talk] == [
        ("agent", "Hello there."),
        ("contact", "I am  cross."),
        ("agent", "No name here"),
        ("agent", "Bye: now"),
    ]


def test_the_seconds_are_made_up_by_the_number_of_words() -> None:
    first, second = talk_in("one two\nthree")
    assert first == Line("agent", "one two", 0.0, 0.8)
    assert (round(second.start, 1), round(second.end, 1)) == (1.2, 1.6)


def test_a_colon_after_another_word_is_the_agent_s() -> None:
    assert talk_in("Note: hello")[0] == Line("agent", "Note: hello", 0.0, 0.8)
