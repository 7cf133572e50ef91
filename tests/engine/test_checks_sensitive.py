"""Sensitive data is found however it is spoken or written, and never repeated in the result."""

import re

import pytest

from callcov_portal.engine.checks import assess
from callcov_portal.engine.checks.digits import digit_runs, luhn, words_of
from callcov_portal.engine.checks.sensitive import named_before
from tests.engine.test_checks import call


def found(*turns):
    return assess(call(*turns))["compliance"]["sensitive_data"]["instances"]


def kinds(*texts):
    """What is found when agent and contact say these in turn."""
    turns = [("AB"[at % 2], at * 8.0, at * 8.0 + 6, text) for at, text in enumerate(texts)]
    return [each["type"] for each in found(*turns)]


def runs(text):
    return [run.digits for run in digit_runs(words_of(call(("A", 0, 5, text)).segments))]


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("it is four one one one", ["4111"]),
        ("4-11-11, 1111", ["411111111"]),
        ("double four triple seven", ["44777"]),
        ("double 4 then 5", ["445"]),
        ("oh seven seven zero zero", ["07700"]),
        ("twenty seven nineteen eighty two", ["271982"]),
        ("twenty oh five", ["2005"]),
        ("one two um three and four", ["1234"]),
        ("two hundred and eighteen pounds", []),
        ("$25 and 50%", []),
        ("one thing and two things", ["1", "2"]),
        ("double trouble", []),
        ("B2B and 4th", []),
        ("", []),
    ],
)
def test_digits_are_read_as_people_say_them(text, digits):
    assert runs(text) == digits


def test_a_number_read_out_in_groups_is_one_number():
    instances = found(
        ("A", 0, 4, "Please read me the long number on your card."),
        ("B", 5, 7, "four one one one"),
        ("A", 7.5, 8, "Yes."),
        ("B", 9, 11, "one one one one"),
        ("A", 11, 12, "Mhm."),
        ("B", 12, 14, "one one one one one one one one"),
    )
    assert [each["type"] for each in instances] == ["card_number"]
    assert (instances[0]["timestamp"], instances[0]["end"], instances[0]["speaker"]) == (5, 14, "B")


def test_of_a_long_call_only_the_last_seconds_are_looked_through():
    looked_at = []

    class Watched(list):
        def __getitem__(self, at):
            looked_at.append(at)
            return super().__getitem__(at)

    words = Watched(words_of(call(*(("A", at, at + 1, "well") for at in range(10_000))).segments))
    assert named_before(words, 9_000.0).split() == ["well"] * 15
    assert len(looked_at) < 50


def test_a_long_pause_ends_a_number():
    words = words_of(call(("A", 0, 2, "one two"), ("A", 30, 32, "three")).segments)
    assert [run.digits for run in digit_runs(words)] == ["12", "3"]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["It's 4111 1111 1111 1111."], ["card_number"]),
        (["4-11-11-11-11-11-11-11-1"], ["card_number"]),
        (["The tracking number is 9400 1000 0000 0000 0000 00."], []),
        (["The reference is 1234 5678 9012 34."], []),
        (["The reference is 4111 1111 1111 1111."], ["card_number"]),
        (["The card number please?", "4111 1111 1111"], ["card_number"]),  # the recogniser dropped digits
        (["The card number please?", "4111 1111 1111 1112"], ["card_number"]),  # Luhn fails
        (["And the long number?", "41 11 11 11 11 11 11 11 11 11 11"], ["card_number"]),
        (["Your reference?", "123456789012"], []),
        (["And the three digits on the back?", "It's seven three two."], ["cvv"]),
        (["the security code on the back of your card?", "732"], ["cvv"]),
        (
            ["the expiry date please", "It's zero nine twenty eight, and the security code is seven three two."],
            ["card_expiry", "cvv"],
        ),
        (["Your social security number?", "123-45-6789"], ["ssn"]),
        (["The last four of your social?", "six seven eight nine"], ["ssn"]),
        (["A phone number?", "oh seven seven zero zero, nine zero zero, one two three"], ["phone_number"]),
        (["How can I reach you?", "555 0134"], ["phone_number"]),
        (["What's your mobile?", "plus 44 7700 900 123"], ["phone_number"]),
        (["(555) 010-0134"], ["phone_number"]),
        (["Your account number?", "4479023"], []),
        (["Your order number?", "4479023111"], []),
        (["I have called nine times in 2024."], []),
        (["It costs 218 pounds and 40 pence."], []),
        (["My email is daniel.hargreaves@example.com, thanks."], ["email"]),
        (["The email?", "It's daniel dot hargreaves at example dot com."], ["email"]),
        (["The email?", "It's daniel at example.co.uk."], ["email"]),
        (["Which e-mail?", "Daniel.hargreaves.example.com"], ["email"]),
        (["I was looking at example.com all day."], []),
        (["Meet me at noon dot"], []),
    ],
)
def test_each_kind_is_known_by_form_and_by_what_was_said_before(texts, expected):
    assert kinds(*texts) == expected


def test_the_result_never_holds_the_data():
    texts = [
        "Card number? Email? Phone? Security code?",
        "4111 1111 1111 1111, a.b@example.com, double four 5 0123456 security code 732",
    ]
    turns = [("AB"[at % 2], at * 8.0, at * 8.0 + 6, text) for at, text in enumerate(texts)]
    instances = found(*turns)
    assert len(instances) >= 3
    for each in instances:
        assert set(each) == {"type", "timestamp", "end", "speaker", "masked"}
        assert not re.search(r"\d|four|double|example", each["masked"])
        assert each["end"] > each["timestamp"]


def test_luhn():
    assert luhn("4111111111111111")
    assert luhn("378282246310005")
    assert not luhn("4111111111111112")
