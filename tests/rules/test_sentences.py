"""The built-in rules on more than eight hundred sentences: half are ways to say what a rule looks for, half only sound like it.

Those of `prohibited_pressure` came later, with their rule; the others were written without a look at the rules. The rules were then widened with every second of them in view; on
the others they found 73 % at that moment, and took 13 % of the look-alikes for the real thing. Since then all are known to
them, so this holds what was reached and does not measure it: for that, write new sentences.
"""

import json
from pathlib import Path

import pytest

from callcov_portal import rules
from tests.rules.test_rules import Said

SENTENCES = json.loads(Path(__file__).with_name("sentences.json").read_text())
# Category: who says it, which check looks for it, and by which rule where the check has several for different things.
CATEGORIES = {
    "recording_disclosure": ("A", "disclosure", "call_recording_notice"),
    "cooling_off": ("A", "disclosure", "cooling_off_notice"),
    "verification": ("A", "verification", ""),
    "greeting": ("A", "greeting", ""),
    "identity": ("A", "identity", ""),
    "purpose": ("A", "purpose", ""),
    "closing": ("A", "closing", ""),
    "prohibited_blame": ("A", "prohibited", ""),
    "prohibited_refuse": ("A", "prohibited", ""),
    "prohibited_threat": ("A", "prohibited", ""),
    "prohibited_guarantee": ("A", "prohibited", ""),
    "prohibited_insult": ("A", "prohibited", ""),
    "prohibited_secret": ("A", "prohibited", ""),
    "prohibited_pressure": ("A", "prohibited", ""),
    "escalation": ("B", "escalation", ""),
    "complaint": ("B", "complaint", ""),
    "churn": ("B", "churn", ""),
    "empathy": ("A", "empathy", ""),
    "hold_notice": ("A", "hold", ""),
    "repeat_contact": ("B", "repeat_contact", ""),
    "promise": ("A", "promise", ""),
}


def heard(category, text):
    """The first match of the category's rules, None if there is none."""
    speaker, check, only = CATEGORIES[category]
    looked_for = [rule for rule in rules.builtin().of(check) if only in {"", rule.id}]
    return rules.Talk([Said(speaker, text)]).first(looked_for)


def test_there_are_enough_sentences_of_every_category():
    assert set(SENTENCES["said"]) == set(SENTENCES["alike"]) == set(CATEGORIES)
    for sentences in SENTENCES.values():
        assert sum(map(len, sentences.values())) >= 400
        assert min(map(len, sentences.values())) >= 20


@pytest.mark.parametrize("category", CATEGORIES)
def test_ways_to_say_it_are_found(category):
    missed = [text for text in SENTENCES["said"][category] if not heard(category, text)]
    assert len(missed) <= 1, missed


@pytest.mark.parametrize("category", CATEGORIES)
def test_what_only_sounds_like_it_is_left_alone(category):
    wrong = {text: match.quote for text in SENTENCES["alike"][category] if (match := heard(category, text))}
    assert len(wrong) <= (0 if category.startswith("prohibited") else 1), wrong
