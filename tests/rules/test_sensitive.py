"""Sensitive data is found however it is spoken or written, and never repeated in the result."""

from dataclasses import fields

import pytest

from callcov_portal import rules
from callcov_portal.rules.digits import digit_runs, luhn, words_of
from callcov_portal.rules.sensitive import named_before
from tests.rules.test_rules import Said


def found(*turns):
    """What is found in (speaker, start, end, text)."""
    return rules.sensitive([Said(speaker, text, start, end) for speaker, start, end, text in turns])


def in_turn(*texts):
    """Turns in which agent and contact say these."""
    return [("AB"[at % 2], at * 8.0, at * 8.0 + 6, text) for at, text in enumerate(texts)]


def kinds(*texts):
    return [each.kind for each in found(*in_turn(*texts))]


def masked(*texts):
    """The texts as they may be shown."""
    segments = [Said(speaker, text, start, end) for speaker, start, end, text in in_turn(*texts)]
    return rules.masked_texts(segments, rules.sensitive(segments))


def runs(text):
    return [run.digits for run in digit_runs(words_of([Said("A", text)]))]


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("it is four one one one", ["4111"]),
        ("4-11-11, 1111", ["411111111"]),
        ("double four triple seven", ["44777"]),
        ("double 4 then 5", ["44", "5"]),
        ("oh seven seven zero zero", ["07700"]),
        ("twenty seven nineteen eighty two", ["271982"]),
        ("twenty oh five", ["2005"]),
        ("one two um three and four", ["1234"]),
        ("two hundred and eighteen pounds", []),
        ("$25 and 50%", []),
        ("one thing and two things", ["1", "2"]),
        ("double trouble", []),
        ("B2B and 4th", []),
        ("6011 triple09 o5", ["6011000905"]),  # as recognisers glue them
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
    assert [each.kind for each in instances] == ["card_number"]
    assert (instances[0].start, instances[0].end, instances[0].speaker) == (5, 14, "B")
    assert {segment for segment, _word in instances[0].words} == {1, 3, 5}


def test_a_card_number_read_in_parts_of_two_digits_is_one_number():
    parts = " okay then ".join(["41 11"] * 4)
    assert kinds("Please read me the long number on your card.", parts) == ["card_number"]
    assert kinds("Please read me your house numbers.", parts) == []


def test_an_address_spelt_over_more_than_one_word_begins_with_its_first():
    [each] = found(*in_turn("You can mail it to john dot underscore dot smith at example dot co dot uk thanks"))
    assert each.words == tuple((0, word) for word in range(5, 16))


def test_of_a_long_call_only_the_last_seconds_are_looked_through():
    looked_at = []

    class Watched(list):
        def __getitem__(self, at):
            looked_at.append(at)
            return super().__getitem__(at)

    words = Watched(words_of([Said("A", "well", at, at + 1) for at in range(10_000)]))
    assert named_before(words, 9_000.0).split() == ["well"] * 15
    assert len(looked_at) < 50


def test_who_takes_the_turn_ends_the_others_number():
    turns = [Said("B", "555", 0, 1), Said("A", "I really need to ask first", 1, 2), Said("B", "0134", 2, 3)]
    contact = [word for word in words_of(turns) if word.speaker == "B"]
    assert [run.digits for run in digit_runs(contact)] == ["555", "0134"]
    listening = [Said("B", "555", 0, 1), Said("A", "Yes, go on.", 1, 2), Said("B", "0134", 2, 3)]
    contact = [word for word in words_of(listening) if word.speaker == "B"]
    assert [run.digits for run in digit_runs(contact)] == ["5550134"]


def test_a_long_pause_ends_a_number():
    words = words_of([Said("A", "one two", 0, 2), Said("A", "three", 30, 32)])
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
    pieces = found(
        *in_turn(
            "Card number? Email? Phone? Security code?",
            "4111 1111 1111 1111, a.b@example.com, double four 5 0123456 security code 732",
        )
    )
    assert len(pieces) >= 3
    for each in pieces:
        assert {field.name for field in fields(each)} == {"kind", "speaker", "start", "end", "masked", "words"}
        assert each.masked in rules.MARKS.values()
        assert each.end > each.start


def test_texts_are_shown_with_marks_in_place_of_the_data():
    assert masked("The long number please?", "Sure, it's 4111 1111, 1111 1111. Got it?") == [
        "The long number please?",
        "Sure, it's [card number]. Got it?",
    ]
    assert masked("Nothing  to\nsee here.") == ["Nothing  to\nsee here."]


def test_a_number_in_two_breaths_is_masked_in_both():
    segments = [Said("B", "My card is 4111 1111", 0, 4), Said("B", "1111 1111, all right?", 5, 9)]
    assert rules.masked_texts(segments, rules.sensitive(segments)) == [
        "My card is [card number]",
        "[card number], all right?",
    ]


def test_a_lone_text_is_masked_as_well():
    assert (
        rules.mask("They paid by card 4111 1111 1111 1111 yesterday.") == "They paid by card [card number] yesterday."
    )
    assert rules.mask("Call #12, 3 minutes.") == "Call #12, 3 minutes."
    assert rules.mask("") == ""


@pytest.mark.parametrize(
    "born",
    [
        "the fourteenth of March nineteen eighty two",
        "14th of March 1982",
        "March 14th, 1982",
        "fourteen three eighty two",
        "14-3-82",
        "14/03/1982",
        "oh five slash twelve slash eighty one",
        "June 2nd, 1990",
        "the third of, um, May nineteen seventy nine",
        "first of the first seventy",
        "O5-12-181",  # as recognisers glue them
    ],
)
def test_dates_of_birth_are_masked_however_they_are_said(born):
    asked = masked("And your date of birth?", f"It's {born}.")
    assert asked[1] == "It's [date of birth]." or asked[1] == "It's the [date of birth].", asked


@pytest.mark.parametrize(
    "text",
    [
        "The engineer comes on the fourteenth of March.",
        "Your contract began in June 2022.",
        "That was on March 3rd, 2021.",
        "One second please.",
        "May I take your name?",
    ],
)
def test_other_dates_are_left_alone(text):
    assert masked("How can I help?", text)[1] == text


@pytest.mark.parametrize("text", ["That makes $139.99 today.", "It was 4,000 pounds then.", "About 12 percent, 14%."])
def test_amounts_are_no_date_of_birth_even_where_one_was_asked_for(text):
    assert masked("And your date of birth?", text)[1] == text


def test_a_card_read_with_other_words_between_is_one_card():
    texts = masked(
        "What's the card number?", "four one one one, yeah, one one one one, got that, one one one one one one one one"
    )
    assert texts[1] == "[card number]"


def test_a_card_read_twice_in_one_breath_is_masked():
    assert rules.mask("4111 1111 1111 1111 4111 1111 1111 1111") == "[card number]"
    assert rules.mask("tracking number 00340434161094042557 00340434161094042557").startswith("tracking number 0034")


def test_luhn():
    assert luhn("4111111111111111")
    assert luhn("378282246310005")
    assert not luhn("4111111111111112")
