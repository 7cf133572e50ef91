"""Which calls are found: the same on SQLite and on PostgreSQL, and the same as reading every call."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Q
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callcov_portal.actions import indexing
from callcov_portal.models import Recording, Spoken, matches
from callcov_portal.models.hits import best, hits, walk
from callcov_portal.models.matches import LATEST, Scope
from callcov_portal.models.spoken import key_from, moment_of
from callcov_portal.searching import Query, parse
from callcov_portal.searching.facets import SECONDS, agent_facet, contact_facet
from callcov_portal.searching.letters import words_in
from tests.factories import NOON, AgentFactory, CompletedFactory, RecordingFactory, SegmentFactory
from tests.plans import plan_of

EVERYTHING = Scope()


def call(*lines: str, at: int = 0, **fields) -> int:
    """Add a call whose speakers take turns, the agent first, and return its number."""
    recording = RecordingFactory(called_at=NOON + timedelta(minutes=at), **fields)
    analysis = CompletedFactory(recording=recording)
    for position, text in enumerate(lines):
        speaker = ("agent", "contact", "unknown")[position % 3]
        SegmentFactory(
            analysis=analysis, position=position, speaker=speaker, text=text, start=position, end=position + 1
        )
    indexing.mark(recording.pk)
    return int(recording.pk)


def found(words: str, scope: Scope = EVERYTHING, who="", want: int = 50, calls=None) -> list[int]:
    """Return the numbers of the calls that are found, in their order."""
    query = parse(words, who)
    return [hit.number for hit in hits(query, walk(query, scope, want, calls).keys)]


@pytest.fixture
def three(db) -> list[int]:
    """Three calls, the oldest first."""
    numbers = [
        call("How can I help?", "I want a refund for my credit card.", "Hm.", at=0),
        call("A refund is a credit.", "My card is lost, and/or 10.30 gone.", at=1),
        call("Hello, café?", "No, don't!", at=2),
    ]
    indexing.index()
    return numbers


@pytest.mark.parametrize(
    ("words", "who", "expected"),
    [
        ("refund", "", [1, 0]),
        ("REFUND", "", [1, 0]),
        ("refund", "agent", [1]),
        ("refund", "contact", [0]),
        ('"credit card"', "", [0]),
        ("credit card", "", [1, 0]),
        ("credit card", "agent", []),
        ("ref*", "", [1, 0]),
        ("refu", "", []),
        ('"a ref*"', "", [1, 0]),
        ("refund -lost", "", [0]),
        ("refund -lost", "agent", [1]),
        ('refund -"credit card"', "", [1]),
        ("-refund", "", [2]),
        ("-refund", "agent", [2, 0]),
        ("cafe", "", [2]),
        ("don't", "", [2]),
        ('"hm my"', "", []),
        ('"help i want"', "", []),
        ("or", "", [1]),
        ("30", "", [1]),
        ("hm", "", [0]),
        ("x", "", []),
        ("a1", "", []),
    ],
)
def test_the_newest_call_that_matches_comes_first(three, words, who, expected):
    assert found(words, who=who) == [three[index] for index in expected]


def test_a_masked_number_is_not_found_and_neither_is_its_mark(db):
    analysis = CompletedFactory()
    SegmentFactory(analysis=analysis, text="It is 4111 1111 1111 1111 ok", masked="It is [card number] ok")
    indexing.mark(analysis.recording_id)
    indexing.index()
    assert found("4111") == found('"card number"') == found("1111") == []
    assert found("ok") == [analysis.recording_id]
    row = Spoken.objects.get()
    assert "4111" not in f"{row.agent}{row.contact}{row.other}"
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT vector::text FROM portal_spoken")
            assert "1111" not in cursor.fetchone()[0]


def test_facets_and_days_narrow_what_is_looked_through(db):
    nora, bert = AgentFactory(), AgentFactory()
    first = call("hello refund", at=0, agent=nora, contact=None)
    second = call("hello refund", at=60 * 24, agent=bert)
    indexing.index()
    contact = Recording.objects.get(pk=second).contact_id
    assert found("refund", Scope((agent_facet(nora.pk),))) == [first]
    assert found("refund", Scope((contact_facet(None),))) == [first]
    assert found("refund", Scope((agent_facet(bert.pk), contact_facet(contact)))) == [second]
    assert found("refund", Scope((agent_facet(bert.pk), contact_facet(None)))) == []
    assert found("refund", Scope(first=key_from(NOON + timedelta(hours=1)))) == [second]
    assert found("refund", Scope(before=key_from(NOON + timedelta(hours=1)))) == [first]


def test_a_walk_ends_with_what_was_wanted_and_goes_on_from_there(three):
    query = parse("-zebra")
    walked, seen, before = walk(query, EVERYTHING, 2), [], LATEST
    assert walked.looked_to == walked.keys[-1]
    while keys := walk(query, Scope(before=before), 1).keys:
        seen += keys
        before = keys[-1]
    assert [hit.number for hit in hits(query, seen)] == three[::-1]


def test_only_calls_that_other_filters_choose_are_found(three):
    Recording.objects.filter(pk=three[0]).update(verdict="pass")
    assert found("refund", calls=Recording.objects.filter(verdict="pass")) == [three[0]]
    assert found("refund", calls=Recording.objects.with_people().filter(verdict="fail").newest_first()) == []


def test_a_rare_filter_does_not_hide_what_lies_deep(db, monkeypatch):
    monkeypatch.setattr(matches, "MOST_AT_ONCE", 4)
    numbers = [call("hello", at=at) for at in range(12)]
    indexing.index()
    assert found("hello", want=1, calls=Recording.objects.filter(pk=numbers[0])) == [numbers[0]]


def test_a_walk_that_takes_long_says_how_far_it_came(db, monkeypatch):
    numbers = [call("hello", at=at) for at in range(5)]
    indexing.index()
    monkeypatch.setattr(matches, "RARE", 0)
    monkeypatch.setattr(matches, "WINDOWS", (1, 2))
    walked = walk(parse("hello"), EVERYTHING, 2, Recording.objects.filter(pk=numbers[0]), patience=-1)
    assert walked.keys == []
    assert walked.looked_to is not None
    assert moment_of(walked.looked_to) > NOON


@pytest.mark.parametrize("at_once", [1, 2, 7])
def test_windows_leave_nothing_out_and_repeat_nothing(db, monkeypatch, at_once):
    """The ways for what is frequent, on few calls."""
    monkeypatch.setattr(matches, "RARE", 0)
    monkeypatch.setattr(matches, "READ_AT_ONCE", at_once)
    monkeypatch.setattr(matches, "WINDOWS", (at_once, 3 * at_once))
    numbers = [call("hello refund" if at % 3 else "hello", at=at * 600) for at in range(17)]
    indexing.index()
    expected = [number for at, number in enumerate(numbers) if at % 3][::-1]
    late = [number for at, number in enumerate(numbers) if at % 3 and at >= 6][::-1]
    for words in ("refund", '"hello refund"'):
        query = parse(words)
        gathered = [key for window in matches.windows(query, EVERYTHING, at_once) for key in window.keys]
        assert [hit.number for hit in hits(query, gathered)] == expected
        assert found(words, Scope(first=key_from(NOON + timedelta(minutes=3600)))) == late
    monkeypatch.setattr(matches, "RARE", 1000)
    assert found('"hello refund"') == expected


def test_the_best_match_comes_first_and_equally_good_ones_by_time(db):
    once = call("refund and many other words that are said in a call of this length", at=3)
    twice = call("refund, a refund, the refund", at=1)
    like = [call("refund maybe", at=5), call("refund maybe", at=4)]
    call("nothing of it", at=6)
    indexing.index()
    query = parse("refund")
    ordered = [hit.number for hit in hits(query, best(query, EVERYTHING).keys)]
    assert ordered[0] == twice
    assert ordered.index(like[0]) < ordered.index(like[1]) < ordered.index(once)
    assert len(ordered) == 4


def test_the_best_match_of_a_phrase_is_the_call_with_most_of_it(db):
    once = call("credit card and other words, of which there are more", at=2)
    twice = call("credit card, a credit card", at=1)
    call("card credit", at=3)
    indexing.index()
    query = parse('"credit card"')
    assert [hit.number for hit in hits(query, best(query, EVERYTHING).keys)] == [twice, once]


def test_two_calls_of_one_second_are_both_there(db):
    """Numbers that end alike would give the same key."""
    one, other = call("hello", at=0), RecordingFactory(pk=(1 << SECONDS) + Recording.objects.get().pk, called_at=NOON)
    SegmentFactory(analysis=CompletedFactory(recording=other), text="hello")
    indexing.mark(other.pk)
    indexing.index()
    assert set(found("hello")) == {one, other.pk}
    for number in (one, other.pk):  # again, alone: the key of the other stays taken
        indexing.mark(number)
        indexing.index()
    assert set(found("hello")) == {one, other.pk}


def test_three_hundred_calls_of_one_second_are_all_there_and_before_those_of_the_next_minute(db):
    calls = [RecordingFactory(called_at=NOON).pk for _ in range(300)]
    after = RecordingFactory(called_at=NOON + timedelta(minutes=1)).pk
    rows = [
        Spoken(recording_id=pk, key=key_from(NOON, pk), analysis_id=uuid4(), agent="hello", facets="x", times="0 1")
        for pk in calls
    ]
    Spoken.objects.put(rows[:150])
    Spoken.objects.put(rows[150:])
    SegmentFactory(analysis=CompletedFactory(recording_id=after), text="hello")
    indexing.mark(after)
    indexing.index()
    keys = list(Spoken.objects.order_by("-key").values_list("recording", flat=True))
    assert keys[0] == after
    assert sorted(keys[1:]) == calls


@pytest.mark.parametrize("year", [1, 1969, 1970, 2026, 9999])
def test_keys_are_ordered_as_the_calls_are(db, year):
    moment = NOON.replace(year=year, month=6)
    later = moment + timedelta(seconds=1)
    assert key_from(moment, 5) < key_from(moment, 6) < key_from(later, 0)
    assert moment_of(key_from(moment, 77)) == moment
    assert matches.EARLIEST < key_from(moment) < LATEST


@pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite's plans")
@pytest.mark.sqlite
def test_sqlite_reads_the_index_in_order(three):
    plan = " ".join(plan_of(matches.NEWEST, ['"refund"', -1, LATEST, 50]))
    assert "VIRTUAL TABLE INDEX" in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL's plans")
@pytest.mark.parametrize("statement", ["ANY", "BETWEEN"])
def test_postgresql_asks_its_index_whatever_it_reckons(three, statement, monkeypatch):
    plans = []

    def explained(sql, parameters):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
            cursor.execute(f"EXPLAIN {sql}", parameters)
            plans.append(" ".join(row[0] for row in cursor.fetchall()))
        return []

    monkeypatch.setattr(matches, "by_index", explained)
    monkeypatch.setattr(matches, "RARE", -1 if statement == "BETWEEN" else 5)
    walk(parse("zyxomma"), EVERYTHING, 50)
    assert "Bitmap Index Scan on portal_spoken_index" in plans[-1]


VOCABULARY = ["refund", "card", "a", "don't", "Café", "x1", "one", "-", "re-fund"]
LINES = st.lists(st.lists(st.sampled_from(VOCABULARY), max_size=6).map(" ".join), min_size=1, max_size=4)
QUERIES = st.lists(
    st.tuples(st.sampled_from(["", "-"]), st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=3), st.booleans()),
    min_size=1,
    max_size=3,
).map(lambda parts: " ".join(f'{dash}"{" ".join(words)}{"*" if star else ""}"' for dash, words, star in parts))


def holds(query: Query, lines: list[str]) -> bool:
    """Say whether a call matches, by reading it."""
    texts = [[*words_in(" ".join(lines[first::3]))] for first in range(3)]
    heard = {"": texts, "agent": texts[:1], "contact": texts[1:2]}[query.who]

    def has(term) -> bool:
        size = len(term.words)
        ends = [text[at : at + size] for text in heard for at in range(len(text) - size + 1)]
        return any(
            tuple(end[:-1]) == term.words[:-1]
            and (end[-1].startswith(term.words[-1]) if term.is_beginning else end[-1] == term.words[-1])
            for end in ends
        )

    return all(map(has, query.wanted)) and not any(map(has, query.unwanted))


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(LINES, min_size=1, max_size=4), words=QUERIES, who=st.sampled_from(["", "agent", "contact"]))
def test_what_is_found_is_what_reading_every_call_would_find(calls, words, who):
    Recording.objects.update(current_analysis=None)
    Recording.objects.all().delete()
    numbers = [call(*lines, at=at) for at, lines in enumerate(calls)]
    indexing.index()
    query = parse(words, who)
    expected = [number for number, lines in zip(numbers, calls, strict=True) if holds(query, lines)][::-1]
    assert (found(words, who=who) if query else []) == (expected if query else [])


@pytest.mark.django_db
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=220), st.sampled_from(["", "agent", "contact"]))
def test_no_text_ever_raises(three, text, who):
    query = parse(text, who)
    if query:
        walk(query, EVERYTHING, 5)
        walk(query, Scope(("a1", "c0")), 5, Recording.objects.filter(Q(verdict="") | Q(verdict="pass")))
        best(query, EVERYTHING)
