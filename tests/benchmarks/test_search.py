"""The benchmark of the search: calls of which is known what is in them, and gates that can be missed."""

import pytest

from benchmarks.search import __main__ as main
from benchmarks.search import measuring, ways
from benchmarks.search.corpus import ONE, PAIR, PERCENT, WORDS, Corpus, agent_of, called_at
from benchmarks.search.database import fill, index_more
from callcov_portal.models import Recording, Spoken


def said(lines) -> str:
    return " ".join(line.text.rstrip(".") for line in lines)


def test_the_same_seed_makes_the_same_calls_and_another_others():
    first, again, other = Corpus(20), Corpus(20), Corpus(20, seed=8)
    assert list(first.generate()) == list(again.generate()) != list(other.generate())
    assert first.planted == again.planted


def test_what_is_planted_is_there_and_nowhere_else():
    corpus = Corpus(1500)
    texts = {number: said(lines) for number, lines in corpus.generate()}
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
    asked = {question.name: question for question in ways.questions(corpus)}
    texts = [said(lines).split() for _, lines in corpus.generate()]
    holding = sum(asked[ways.COMMON].words in text for text in texts)
    assert 70 < holding < 130


@pytest.mark.django_db
def test_a_filled_database_finds_what_was_planted_and_every_way_can_be_measured(capsys):
    corpus = Corpus(150)
    fill(corpus)
    assert Recording.objects.count() == Spoken.objects.count() == 150
    figures = main.measure(corpus, rounds=1)
    assert set(figures) == {question.name for question in ways.questions(corpus)}
    assert all(value >= 0 for row in figures.values() for value in row.values())
    assert ways.COMMON in capsys.readouterr().out
    assert "of it." in main.sizes()
    assert 0 < index_more(corpus, 2) < 20
    assert Spoken.objects.count() == 250


@pytest.mark.django_db
def test_a_search_that_finds_something_else_is_no_measurement():
    corpus = Corpus(100)
    fill(corpus)
    corpus.planted[ONE] = [1]
    with pytest.raises(AssertionError, match="zyxomma"):
        main.prove(corpus)


def figures(slowest: float, fastest: float) -> dict[str, dict[str, float]]:
    row = {ways.FLOOR: 0.2, ways.CONTAINS: 500.0}
    found = {name: {**row, ways.NEWEST: fastest} for name in ways.GATED}
    found[ways.COMMON][ways.NEWEST] = slowest
    return found


@pytest.mark.parametrize(
    ("slowest", "fastest", "is_sqlite", "missed"),
    [(4.9, 0.1, True, 0), (5.1, 5.0, True, 1), (19.0, 1.0, False, 0), (21.0, 1.0, False, 1)],
)
def test_a_gate_is_missed_when_it_is(slowest, fastest, is_sqlite, missed):
    assert len(main.judged(figures(slowest, fastest), is_sqlite=is_sqlite)) == missed


@pytest.mark.django_db
def test_what_costs_more_is_measured_as_more():
    found = measuring.measured({"much": lambda: sum(range(300_000)), "little": lambda: sum(range(3_000))}, 3)
    assert found["much"] > 10 * found["little"] > 0
    assert measuring.times_for(lambda: sum(range(200_000))) < measuring.times_for(lambda: None)
