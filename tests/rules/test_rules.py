"""Rule sets are data with errors that name the line; matching survives recognition errors and nothing more."""

import contextlib
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcov_portal import rules

TEXT = """\
name: Ours
rules:
  - id: recorded
    check: disclosure
    title: Says that the call is recorded
    phrases:
      - this call is recorded
      - calls may be recorded
"""


@dataclass(frozen=True)
class Said:
    speaker: str
    text: str
    start: float = 0.0
    end: float = 5.0
    words: tuple = ()


@dataclass(frozen=True)
class Heard:
    text: str
    start: float
    end: float


def rule(*phrases, **more):
    return rules.Rule(id="x", check="disclosure", title="X", phrases=phrases, **more)


def found(a_rule, *said, duration=0.0):
    segments = [each if isinstance(each, Said) else Said("A", each) for each in said]
    return rules.Talk(segments, duration).find(a_rule)


def test_a_rule_set_is_read_with_defaults():
    ours = rules.load(TEXT)
    assert (ours.name, ours.languages, len(ours.rules)) == ("Ours", ("en",), 1)
    only = ours.rules[0]
    assert only.phrases == ("this call is recorded", "calls may be recorded")
    assert (only.speaker, only.severity, only.position, only.unless) == ("agent", "medium", rules.Position(), ())
    assert ours.of("disclosure") == (only,)
    assert ours.of("purpose") == ()


def test_a_rule_set_is_named_by_its_content():
    assert rules.load(TEXT).hash == rules.load(TEXT).hash
    assert rules.load(TEXT).hash != rules.load(TEXT + "# other\n").hash
    assert rules.load(TEXT) == rules.load(TEXT)


def test_every_field_is_read():
    ours = rules.load(
        TEXT
        + """\
    unless: [this call is not recorded]
    speaker: contact
    severity: high
    languages: [de, en]
    advice: Say it.
    position: {first_seconds: 15, last_seconds: 2.5, first_interactions: 4}
"""
    )
    only = ours.rules[0]
    assert only.position == rules.Position(15.0, 2.5, 4)
    assert (only.speaker, only.severity, only.languages, only.advice) == ("contact", "high", ("de", "en"), "Say it.")
    assert ours.knows(only, "de")
    assert ours.knows(only, "")
    assert not ours.knows(only, "fr")


def test_the_built_in_rules_serve_every_check():
    ours = rules.builtin()
    assert {each.check for each in ours.rules} == set(rules.CHECKS) - {"other"}
    assert ours is rules.builtin()
    silent = {"hold", "repeat_contact", "transfer", "dissatisfaction"}
    assert all(each.advice for each in ours.rules if each.check not in silent)


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("name: Ours", "name: ''", 1, "expected a text"),
        ("name: Ours\n", "", 1, "'name' is missing"),
        ("name: Ours", "name: Ours\nname: Again", 2, "given twice"),
        ("name: Ours", "nam: Ours", 1, "'nam' is unknown here"),
        ("rules:", "rules: []\nlanguages:", 2, "list with at least one entry"),
        ("id: recorded", "id: Not An Id", 3, "is not an id"),
        ("check: disclosure", "check: wishes", 4, "'wishes' is not possible here; possible are identity"),
        ("    title: Says that the call is recorded\n", "", 3, "'title' is missing"),
        ("      - calls may be recorded", "      - calls may be recorded\n      - '...'", 9, "needs words"),
        ("      - calls may be recorded", "      - '* recorded'", 8, "before and after each"),
        ("      - calls may be recorded", "      - calls\n    speaker: nobody", 9, "'nobody' is not possible"),
        ("      - calls may be recorded", "      - calls\n    position: {}", 9, "a position needs one of"),
        ("      - calls may be recorded", "      - calls\n    position: {first_seconds: soon}", 9, "number above zero"),
        ("      - calls may be recorded", "      - calls\n    position: {first_seconds: -1}", 9, "number above zero"),
        ("      - calls may be recorded", "      - calls\n    languages: [English]", 9, "language code"),
        ("      - calls may be recorded", "      - &a calls\n      - *a", 9, "aliases"),
        ("      - calls may be recorded", "      - [[[[[[[[[[]]]]]]]]]]", 8, "deep nesting"),
        ("      - calls may be recorded", "      - 'calls", 9, "not valid YAML"),
        ("      - calls may be recorded", "      -\tx: [", 8, "not valid YAML"),
        ("  - id: recorded\n", "  - recorded\n  - id: x\n", 3, "expected `key: value` lines"),
    ],
)
def test_a_mistake_is_named_with_its_line(old, new, line, problem):
    assert old in TEXT
    with pytest.raises(rules.RuleError, match=r"^Line \d+: ") as caught:
        rules.load(TEXT.replace(old, new))
    assert problem in str(caught.value)
    assert caught.value.line == line


@pytest.mark.parametrize("text", ["", "# nothing\n", "just words", "- a\n- b\n", "\x00", "a: \x07", "x" * 600_000])
def test_what_is_no_rule_set_at_all_is_refused(text):
    with pytest.raises(rules.RuleError):
        rules.load(text)


def test_an_id_can_be_used_once():
    twice = TEXT + TEXT[TEXT.index("  - id") :]
    with pytest.raises(rules.RuleError, match="Line 9: the id recorded is already used in line 3"):
        rules.load(twice)


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(rules.RuleError):
        assert rules.load(text).rules


RECORDED = rule("this call is recorded", "our calls are recorded for training")


@pytest.mark.parametrize(
    "said",
    [
        "This call is recorded.",
        "Please note, this call is recorded for quality!",
        "this call's recorded",
        "this call is record it",
        "This goal is recorded.",
        "our calls are recorded for trainings",
    ],
)
def test_a_phrase_is_found_in_spite_of_recognition_errors(said):
    assert len(found(RECORDED, said)) == 1


@pytest.mark.parametrize(
    "said",
    [
        "this call is important",
        "this record is called",
        "I recorded this",
        "the ball was reported",
        "recorded",
        "",
        "...",
    ],
)
def test_other_words_are_not_taken_for_the_phrase(said):
    assert found(RECORDED, said) == ()


def test_a_match_says_what_was_said_by_whom_and_when():
    words = tuple(
        Heard(text, at / 2, at / 2 + 0.4)
        for at, text in enumerate(["Hello,", "this", "call", "is", "being", "recorded."])
    )
    said = Said("A", "Hello, this call is being recorded.", 0, 3, words)
    (match,) = found(rule("this call is being recorded"), said)
    assert (match.quote, match.speaker, match.start, match.end) == ("this call is being recorded.", "A", 0.5, 2.9)
    assert (match.score, match.segment, match.interaction) == (100.0, 0, 1)
    assert match.phrase == "this call is being recorded"


def test_without_word_times_the_segment_shares_its_time_out():
    (match,) = found(rule("over there now"), Said("A", "hello you over there now", 10, 20))
    assert 13 < match.start < 15
    assert match.end == 20


def test_a_short_phrase_must_fit_more_closely():
    assert found(rule("goodbye"), "good bye")
    assert not found(rule("calm down"), "come down")
    assert not found(rule("end my contract"), "it is my contract")


def test_two_words_may_be_heard_as_one_but_none_may_be_missing():
    assert found(rule("we can not promise it"), "we cannot promise it")
    assert not found(rule("thank you for holding"), "thank you for it")


def test_the_best_of_several_phrases_is_the_match():
    both = rule("is recorded for quality", "is recorded for quality and training")
    (match,) = found(both, "it is recorded for quality and training ok")
    assert match.quote == "is recorded for quality and training"


def test_every_place_is_found_in_order_of_time():
    matches = found(rule("goodbye"), Said("A", "goodbye then goodbye", 5, 9), Said("A", "goodbye", 0, 1))
    assert [match.segment for match in matches] == [1, 0, 0]


def test_an_excuse_takes_the_match_back():
    promises = rule("we can guarantee it", unless=("we can not guarantee it",))
    assert found(promises, "and we can guarantee it")
    assert not found(promises, "and we can not guarantee it")


def test_an_excuse_that_fits_less_well_does_not_count():
    holds = rule("thank you for holding", unless=("thank you for calling",))
    assert found(holds, "thank you for holding")
    assert not found(holds, "thank you for calling")


def test_a_wildcard_stands_for_one_to_three_words():
    names = rule("this is * speaking")
    assert found(names, "Hello, this is Marcus speaking.")
    assert found(names, "this is Anna Maria Jones speaking")
    assert not found(names, "this is speaking")
    assert not found(names, "this is the first time that we are speaking")


def test_only_the_right_speaker_counts():
    agent, contact = Said("A", "this call is recorded"), Said("B", "this call is recorded")
    assert found(replace(RECORDED, speaker="contact"), agent) == ()
    assert len(found(replace(RECORDED, speaker="contact"), contact)) == 1
    assert len(found(replace(RECORDED, speaker="any"), agent, contact)) == 2
    assert found(RECORDED, contact) == ()


def test_a_phrase_may_run_across_two_segments_of_one_breath():
    halves = (Said("A", "this call", 0, 1), Said("A", "is recorded", 1.5, 2))
    assert len(found(RECORDED, *halves)) == 1
    assert not found(RECORDED, halves[0], replace(halves[1], start=8, end=9))
    assert not found(RECORDED, halves[0], replace(halves[1], speaker="B"))


def test_position_by_seconds():
    said = Said("A", "this call is recorded", 20, 22)
    assert not found(replace(RECORDED, position=rules.Position(first_seconds=15)), said)
    assert found(replace(RECORDED, position=rules.Position(first_seconds=20)), said)
    last = replace(RECORDED, position=rules.Position(last_seconds=30))
    assert found(last, said)
    assert not found(last, said, duration=100)


def test_the_end_of_a_short_call_is_not_its_beginning():
    last = replace(RECORDED, position=rules.Position(last_seconds=60))
    assert not found(last, Said("A", "this call is recorded", 0, 2), duration=20)
    assert found(last, Said("A", "this call is recorded", 15, 17), duration=20)


def test_position_by_interactions_counts_stretches_of_that_speaker():
    talk = [Said("A", "hello"), Said("A", "so"), Said("B", "yes"), Said("A", "this call is recorded")]
    assert rules.interactions(talk) == [1, 1, 1, 2]
    assert found(replace(RECORDED, position=rules.Position(first_interactions=2)), *talk)
    assert not found(replace(RECORDED, position=rules.Position(first_interactions=1)), *talk)


def test_the_first_match_of_several_rules_is_the_earliest():
    talk = rules.Talk([Said("A", "later this call is recorded", 10, 14), Said("A", "hello", 1, 2)])
    assert talk.first([RECORDED, rule("hello")]).quote == "hello"
    assert talk.first([rule("nothing of the kind")]) is None
    assert rules.Talk([]).first([RECORDED]) is None


def test_a_word_with_a_hyphen_is_quoted_once():
    words = (Heard("on-hold", 0, 1), Heard("music", 1, 2))
    (match,) = found(rule("on hold music"), Said("A", "on-hold music", 0, 2, words))
    assert match.quote == "on-hold music"


WORDS = st.lists(
    st.sampled_from(["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india"]),
    min_size=3,
    max_size=6,
)


@given(before=WORDS, phrase=WORDS, after=WORDS)
@settings(max_examples=80, deadline=None)
def test_a_phrase_that_was_said_word_by_word_is_always_found(before, phrase, after):
    text = " ".join([*before, *phrase, *after])
    assert any(match.score == 100 for match in found(rule(" ".join(phrase)), text))


def test_what_nobody_did_goes_by_what_the_rules_have_in_common():
    said = [Said("A", "Please calm down.", 0.0, 2.0)]
    accused = [finding for finding in rules.findings(rules.builtin(), said) if finding.check_id == "prohibited_phrases"]
    assert [finding.title for finding in accused] == ["Blames or lectures the contact"]
    said = [Said("A", "Good morning.", 0.0, 2.0)]
    (innocent,) = [each for each in rules.findings(rules.builtin(), said) if each.check_id == "prohibited_phrases"]
    assert (innocent.title, innocent.outcome) == ("Prohibited phrases", "met")
