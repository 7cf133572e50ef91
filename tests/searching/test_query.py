"""What people type, as it is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcov_portal.searching import LONGEST, Query, Term, fts5, parse, tsquery


def words(*terms: str) -> tuple[Term, ...]:
    return tuple(Term(tuple(term.rstrip("*").split()), term.endswith("*")) for term in terms)


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("refund", ["refund"], []),
        ("  Refund   INVOICE ", ["refund", "invoice"], []),
        ('"credit card" refund', ["credit card", "refund"], []),
        ("“credit card”", ["credit card"], []),
        ("refund*", ["refund*"], []),
        ('"credit car*"', ["credit car*"], []),
        ('"credit car"*', ["credit car*"], []),
        ("a*", ["a"], []),
        ("refund -voucher", ["refund"], ["voucher"]),
        ('refund -"gift voucher"', ["refund"], ["gift voucher"]),
        ("-voucher", [], ["voucher"]),
        ("don't", ["don t"], []),
        ("well-known", ["well known"], []),
        ("café", ["cafe"], []),
        ("cafe\u0301", ["cafe"], []),
        ("naïve İstanbul", ["naive", "istanbul"], []),
        ("AND OR NOT NEAR", ["and", "or", "not", "near"], []),
        ("refund refund", ["refund"], []),
        ("a_b", ["a b"], []),
        ("agent:refund (x)", ["agent refund", "x"], []),
    ],
)
def test_what_is_typed_is_read_as(text, wanted, unwanted):
    assert parse(text) == Query(words(*wanted), words(*unwanted))


@pytest.mark.parametrize("text", ['"credit card', 'credit "card', 'credit" card', 'cre"dit card', "“credit card"])
def test_a_quote_that_is_never_closed_is_no_quote(text):
    assert {word for term in parse(text).wanted for word in term.words} == (
        {"cre", "dit", "card"} if "cre" + '"' in text else {"credit", "card"}
    )
    assert not any(term.words == ("credit", "card") for term in parse(text).wanted)


@pytest.mark.parametrize("text", ["", " ", '"', '""', "-", "*", "***", '-"', "…!?", "\0", "_", "- - -"])
def test_without_a_word_there_is_nothing_to_look_for(text):
    assert not parse(text)


def test_what_is_too_long_is_cut():
    assert len(parse("ab " * 500).wanted) == 1
    assert len(parse(" ".join(f"w{n}" for n in range(500))).wanted) == 20
    assert len(parse("x" * 5000).wanted[0].words[0]) == 100
    assert parse("y" * LONGEST + " refund") == parse("y" * LONGEST)


@given(st.text(max_size=250), st.sampled_from(["", "agent", "contact"]))
def test_no_text_raises_and_nothing_in_it_becomes_an_operator(text, who):
    query = parse(text, who)
    for term in (*query.wanted, *query.unwanted):
        assert term.words
        assert all(word and word.isalnum() for word in term.words)
    if query:
        assert fts5.expression(query, ("a1",)).count('"') % 2 == 0
        assert tsquery.tsquery(query, ("a1",)).count("'") % 2 == 0
