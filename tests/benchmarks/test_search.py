"""The benchmark of the search: calls of which is known what is in them."""

import pytest

from benchmarks.pages.answering import cost_of
from benchmarks.search import kept, lines, ways
from benchmarks.search.corpus import ONE, PAIR, PERCENT, WORDS, Corpus, agent_of, called_at
from benchmarks.search.database import fill
from benchmarks.search.measuring import Way
from callcov_portal.models import Recording, Spoken


def said(segments) -> str:
    return " ".join(line.text.rstrip(".") for line in segments)


def test_the_same_seed_makes_the_same_calls_and_another_others():
    first, again, other = Corpus(20), Corpus(20), Corpus(20, seed=8)
    assert list(first.generate()) == list(again.generate()) != list(other.generate())
    assert first.planted == again.planted


def test_what_is_planted_is_there_and_nowhere_else():
    corpus = Corpus(1500)
    texts = {number: said(segments) for number, segments in corpus.generate()}
    assert all(len(text.split()) == WORDS for text in texts.values())
    assert len(corpus.planted[ONE]) == 1
    assert 3 < len(corpus.planted[PERCENT]) < 40
    for what, numbers in corpus.planted.items():
        assert [number for number, text in texts.items() if f" {what} " in f" {text} "] == numbers
    assert sum(PAIR[0] in text and PAIR[1] in text for text in texts.values()) > len(corpus.planted[" ".join(PAIR)])


def test_calls_are_spread_over_time_and_agents():
    assert called_at(1, 100) < called_at(2, 100)
    agents = [agent_of(number) for number in range(5000)]
    assert min(agents) == 1
    assert max(agents) <= 200
    assert agents.count(1) > 10 * max(1, agents.count(199))


def test_words_are_as_frequent_as_they_are_called():
    corpus = Corpus(200)
    texts = [said(segments).split() for _, segments in corpus.generate()]
    common = ways.words()[lines.COMMON]
    holding = sum(common in text for text in texts)
    assert 70 < holding < 130


@pytest.mark.django_db
def test_a_filled_database_finds_what_was_planted_and_every_way_can_be_measured():
    corpus = Corpus(150)
    fill(corpus)
    assert Recording.objects.count() == Spoken.objects.count() == 150
    found = ways.doings(corpus.planted)
    assert set(found) == {*lines.QUESTIONS, lines.PROOF}
    assert found[lines.PROOF]() is True
    assert all(cost_of(found[name], 1) > 0 for name in lines.QUESTIONS)


@pytest.mark.django_db
def test_a_search_that_finds_something_else_is_no_measurement():
    corpus = Corpus(100)
    fill(corpus)
    assert ways.is_proved({**corpus.planted, ONE: [1]}) is False


@pytest.mark.django_db
def test_what_costs_more_is_measured_as_more():
    much, little = Way(lambda: sum(range(300_000))), Way(lambda: sum(range(3_000)))
    assert much.cost(1) > 10 * little.cost(1) > 0


def test_a_database_is_named_by_its_calls_and_only_its_server_knows_it():
    on_file, on_server = kept.environment("20000", ""), kept.environment("20000", "postgres://me@host:1/postgres")
    assert "CALLCOV_DATABASE_URL" not in on_file
    assert on_server["CALLCOV_DATABASE_URL"] == "postgres://me@host:1/callcov_bench_search_20000"
    assert on_file["CALLCOV_DATA_DIR"] != on_server["CALLCOV_DATA_DIR"]
    assert not kept.is_reachable("postgres://me@127.0.0.1:1/postgres")
