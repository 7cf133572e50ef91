"""Invented calls: the rules really find in them what they say, and a seed gives them again."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import yaml

from callcov_portal import demodata, rules
from callcov_portal.demodata.script import EXAMPLES, LETTERS, SENTENCES, said
from callcov_portal.demodata.words import TAIL, invented, ranked

BERLIN = ZoneInfo("Europe/Berlin")
PLAN = demodata.Plan(400, 20, 6, 3, datetime(2026, 3, 2, 12, 0, tzinfo=UTC), BERLIN)
READ = yaml.safe_load(SENTENCES.read_text(encoding="utf-8"))
NEUTRAL = [
    *(("agent", text) for text in READ["late"]),
    *((who, text) for text in READ["leaving"] for who in LETTERS),
    *(("contact", text) for text in READ["tone"]),
    *(
        (who, text)
        for part in (READ["between"], *READ["topics"].values())
        for who, texts in part.items()
        for text in texts
    ),
]


def spoken(speaker: str, text: str) -> rules.StoredSegment:
    return rules.stored(LETTERS[speaker], text, 0.0, max(2.0, len(text) * 0.06))


def found_anywhere(segment: rules.StoredSegment) -> set[str]:
    """The rules that find anything, wherever in a call it stood."""
    talk = rules.Talk([segment], segment.end)
    return {rule.id for rule in rules.builtin().rules if talk.find_anywhere(rule)}


@pytest.fixture(scope="module")
def calls() -> list[demodata.Call]:
    return list(demodata.calls(PLAN))


def test_nothing_is_found_in_neutral_sentences_and_nothing_is_sensitive():
    for speaker, text in NEUTRAL:
        segment = spoken(speaker, text.format_map(EXAMPLES))
        assert found_anywhere(segment) == set(), text
        assert not rules.sensitive([segment]), text


def test_every_builtin_rule_has_sentences_by_which_it_is_found_and_no_other_is():
    assert set(READ["said"]) == {rule.id for rule in rules.builtin().rules}
    greeting_and_closing = {"greets", "closes"}  # each counts at its end of a call alone
    for rule in rules.builtin().rules:
        for text in READ["said"][rule.id]:
            segment = spoken("contact" if rule.speaker == "contact" else "agent", text.format_map(EXAMPLES))
            found = found_anywhere(segment)
            assert rule.id in found
            assert found - (greeting_and_closing if rule.id in greeting_and_closing else set()) <= {rule.id}, text


def test_a_sentence_without_the_rules_words_is_refused():
    with pytest.raises(ValueError, match="finds nothing"):
        said(rules.builtin().rules[0], "The weather is fine.")


def come_to(finding: rules.Finding) -> tuple[str, str, str, str]:
    heard = finding.kind == rules.SIGNAL and finding.outcome == rules.MET
    return finding.check_id, finding.title, "heard" if heard else finding.outcome, finding.rule.id


def test_the_builtin_rules_come_to_the_findings_that_a_call_has(calls):
    """Words of two lines that happen to follow each other may say what neither says alone: rarely."""
    differing: list[int] = []
    quotes: Counter[bool] = Counter()
    compared = 0
    for call in [call for call in calls if call.lines][:40]:
        segments = [rules.stored(LETTERS[line.speaker], line.text, line.start, line.end) for line in call.lines]
        real = rules.findings(rules.builtin(), segments, language="en", duration=call.seconds)
        ours = call.findings[:-1]  # the last is that nothing sensitive was said
        compared += 1
        if list(map(come_to, real)) != [(one.check_id, one.title, one.outcome, one.rule) for one in ours]:
            differing.append(call.number)
            continue
        for one, other in zip(real, ours, strict=True):
            quotes[(one.match.quote if one.match else "") == other.quote] += 1
            assert one.explanation == other.explanation
            assert (one.match is None) == (other.start is None)
            assert one.match is None or other.start == pytest.approx(one.match.start, abs=0.3)
            assert one.searched is None or other.searched["end"] == pytest.approx(one.searched.end, abs=0.1)
    assert compared == 40
    assert len(differing) <= 1, differing
    assert quotes[False] <= 0.02 * quotes[True]


def test_the_same_seed_gives_the_same_calls_and_another_one_others(calls):
    assert list(demodata.calls(PLAN)) == calls
    assert list(demodata.calls(replace(PLAN, seed=4))) != calls


def test_calls_are_as_many_as_asked_for_in_order_and_in_business_hours(calls):
    assert len(calls) == PLAN.calls
    assert [call.began for call in calls] == sorted(call.began for call in calls)
    local = [call.began.astimezone(BERLIN) for call in calls]
    assert {moment.weekday() for moment in local} <= set(range(6))
    assert all(8 <= moment.hour < 20 for moment in local)
    assert all(call.began < PLAN.until for call in calls)
    assert all(
        call.week <= moment.date() and call.week.weekday() == 0 for call, moment in zip(calls, local, strict=True)
    )


def test_transcripts_have_four_kilobytes_on_average(calls):
    sizes = [sum(len(line.text) for line in call.lines) for call in calls if call.lines]
    assert 3_800 < sum(sizes) / len(sizes) < 4_300
    assert min(sizes) < 3_000
    assert max(sizes) > 5_000


def test_calls_have_forty_to_ninety_lines_by_turns(calls):
    for call in calls:
        assert not call.lines or 40 <= len(call.lines) <= 91
        assert [line.speaker for line in call.lines[:4]] in ([], ["agent", "contact"] * 2)
        assert all(one.end < other.start for one, other in zip(call.lines, call.lines[1:], strict=False))


def test_states_and_causes_are_mixed_and_the_newest_are_still_open():
    states = Counter(call.state for call in demodata.calls(replace(PLAN, calls=3000, has_words=False)))
    assert states["completed"] > 2850
    assert states["failed"] > 30
    assert states["queued"] + states["processing"] == 24
    newest = list(demodata.calls(PLAN))[-3:]
    assert {call.state for call in newest} <= {"queued", "processing"}


def test_agents_differ_and_drift():
    one, *others = (agent for agent in demodata.agents(30, random.Random(1)))
    rates = [agent.chances(0)["call_recording_notice"] for agent in (one, *others)]
    assert max(rates) > 3 * min(rates)
    assert one.chances(0) != one.chances(50)


def test_few_words_are_frequent_and_many_are_rare():
    assert len(set(invented())) == TAIL
    drawn = Counter(ranked(1000, share / 10_000) for share in range(10_000))
    assert drawn[0] > 5 * drawn[9] > 20 * drawn[99]
    assert max(drawn) < 1000


def test_without_words_the_same_is_found(calls):
    silent = list(demodata.calls(replace(PLAN, has_words=False)))
    assert len(silent) == len(calls)
    assert all(line.text == "" or line.text for call in silent for line in call.lines)
    assert sum(len(call.findings) for call in silent) > 7 * len(silent)
