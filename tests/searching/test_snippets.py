"""Which lines of a call are shown, and what is marked in them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcov_portal import hiding
from callcov_portal.searching import HIDDEN, Line, marked, of_lines, parse, snippets
from callcov_portal.searching.letters import fold

TALK = [
    Line("agent", "Thank you for calling, how can I help?", 0.5, 3.25),
    Line("contact", "I want a refund for my order.", 4.0, 6.0),
    Line("agent", "A refund takes five days.", 7.0, 9.5),
    Line("unknown", "Refund!", 10.0, 10.5),
    Line("contact", "My card is [card number], refund it to the card.", 11.0, 15.0),
]
TRANSCRIPT = of_lines(TALK, hiding.MARK)


def found(words: str, who="", most: int = 3) -> list[tuple[int, str]]:
    return [(each.number, each.speaker) for each in snippets(TRANSCRIPT, parse(words, who), most)]


def shown(words: str, text: str, longest: int = 180) -> str:
    return "".join(f"[{p.text}]" if p.is_marked else p.text for p in marked(text, parse(words), longest))


def test_a_line_is_found_by_counting_lines_and_brings_its_seconds():
    only = snippets(TRANSCRIPT, parse("five"))[0]
    assert (only.number, only.speaker, only.start, only.end) == (2, "agent", 7.0, 9.5)
    assert "".join(piece.text for piece in only.pieces) == "A refund takes five days."


def test_three_lines_are_shown_at_most_in_the_order_of_the_talk():
    assert found("refund") == [(1, "contact"), (2, "agent"), (3, "other")]


def test_only_who_was_asked_for_is_shown():
    assert found("refund", "agent") == [(2, "agent")]
    assert found("refund", "contact") == [(1, "contact"), (4, "contact")]


def test_lines_with_most_of_the_words_come_first_and_every_word_is_seen():
    assert found("refund calling card", most=2) == [(0, "agent"), (4, "contact")]


def test_what_is_absent_shows_nothing():
    assert found("-voucher") == []


def test_masked_words_are_not_there_but_their_place_is():
    assert found('"card number"') == []
    assert HIDDEN in TRANSCRIPT.contact
    assert "number" not in TRANSCRIPT.contact


@pytest.mark.parametrize(
    ("words", "text", "expected"),
    [
        ("refund", "A refund. Refunds, REFUND!", "A [refund]. Refunds, [REFUND]!"),
        ("refund*", "A refund. Refunds!", "A [refund]. [Refunds]!"),
        ('"credit card"', "Credit-card or credit, card; card credit", "[Credit-card] or [credit, card]; card credit"),
        ("don't", "I don’t and don't.", "I [don’t] and [don't]."),
        ("cafe", "Café, cafés, CAFE", "[Café], cafés, [CAFE]"),
        ("a", "a banana a", "[a] banana [a]"),
        ("credit card", "credit card", "[credit] [card]"),
        ('"credit card" card', "credit card card", "[credit card] [card]"),
        ("<b>", "a <b> & b", "a <[b]> & [b]"),
    ],
)
def test_whole_words_are_marked_wherever_they_are(words, text, expected):
    assert shown(words, text) == expected


def test_a_long_line_is_cut_around_the_first_word_that_is_marked():
    line = "before " * 60 + "refund " + "after " * 60
    cut = shown("refund", line, 100)
    assert cut.startswith("… before")
    assert "[refund]" in cut
    assert cut.endswith("after …")
    assert len(cut) < 115


def test_a_word_without_end_is_cut_too():
    assert len(shown("zzz*", "z" * 5000, 100)) < 120


def test_a_phrase_that_goes_on_in_the_next_line_is_shown_where_it_begins():
    talk = of_lines([Line("agent", "It is the annual", 0, 1), Line("agent", "statement of it.", 1, 2)], hiding.MARK)
    only = snippets(talk, parse('"annual statement"'))
    assert [each.number for each in only] == [0]
    assert [piece.text for piece in only[0].pieces if piece.is_marked] == ["annual"]


def test_odd_seconds_do_no_harm():
    talk = of_lines(
        [Line("agent", "hello\nthere\0 you", float("nan"), float("inf")), Line("x", "", -1, 2)], hiding.MARK
    )
    assert talk.agent == "hello there you\n"
    assert talk.times == "0 0\n0 200"


@given(st.text(max_size=60))
def test_folding_keeps_every_letter_in_its_place(text):
    assert len(fold(text)) == len(text)


@given(
    st.lists(st.tuples(st.sampled_from(["agent", "contact", "?"]), st.text(max_size=80)), max_size=8),
    st.text(max_size=30),
)
def test_no_transcript_and_no_query_raises_and_lines_are_shown_as_they_are(lines, words):
    talk = of_lines([Line(who, text, n, n + 1) for n, (who, text) in enumerate(lines)], hiding.MARK)
    for each in snippets(talk, parse(words)):
        whole = getattr(talk, each.speaker).split("\n")[each.number]
        assert re.sub(r"^… | …$", "", "".join(piece.text for piece in each.pieces)) in whole
