"""What the transcript hides, no other text tells."""

import pytest

from callcov_portal import hiding
from callcov_portal.hiding import HIDDEN, Hider, hide_document, hide_quote, hide_results, look, runs
from callcov_portal.rules import StoredSegment, stored

TEXT = "My card is four one one one, 1111 1111 1111. Its security code is 123, thanks."
MASKED = "My card is [card number]. Its security code is [security code], thanks."


@pytest.fixture
def hider() -> Hider:
    return Hider([(TEXT, MASKED)])


def test_the_hidden_words_are_told_from_the_two_texts():
    assert runs(TEXT, MASKED) == [hiding.Run(3, 10, "[card number]"), hiding.Run(14, 15, "[security code]")]
    assert runs("Nothing here.", "Nothing here.") == []
    assert runs("All of it", "[e-mail address]") == [hiding.Run(0, 3, "[e-mail address]")]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (TEXT, MASKED),
        ("is FOUR one one one 1111 1111 1111 right", "is [card number] right"),
        ("4111-1111-1111-1111", "[card number]"),
        ("it is 4111111111111111!", "it is [card number]!"),
        ("one 1111 1111 1111. Its code", "[card number]. Its code"),  # a quote that begins within it
        ("My card is four one one", "My card is [card number]"),  # and one that ends within it
        ("the code 1-2-3", "the code [security code]"),
        ("room 1234 on 5 May", "room 1234 on 5 May"),
        ("Thank you for calling.", "Thank you for calling."),
        ("call me on 555 123 4567", "call me on [phone number]"),  # by our rules alone
        ("", ""),
    ],
)
def test_a_secret_is_hidden_however_it_is_told(hider, told, expected):
    assert hider.hide(told) == expected


def test_every_text_and_long_number_of_a_value_is_hidden(hider):
    value = {"123": [TEXT, None, True, 5, 4111111111111111, 1748899200123], "deep": {"er": ["code 123"]}}
    assert hider.hide_all(value) == {
        "[security code]": [MASKED, None, True, 5, "[card number]", 1748899200123],
        "deep": {"er": ["code [security code]"]},
    }


def test_a_transcript_without_secrets_hides_what_rules_find_in_a_lone_text():
    assert Hider([]).hide("card 4111 1111 1111 1111 ok") == "card [card number] ok"


def test_words_that_are_patterns_do_no_harm():
    odd = Hider([("a (b*[c+ 123 d", "a [security code] d")])
    assert odd.hide("x b c 123 y") == "x [security code] y"


def test_the_quote_of_sensitive_data_is_the_data_itself(hider):
    assert hide_quote(hider, "sensitive_data", "my word is swordfish") == HIDDEN
    assert hide_quote(hider, "sensitive_data", "[card number]") == "[card number]"
    assert hide_quote(hider, "sensitive_data", "") == ""
    assert hide_quote(hider, "prohibited_phrases", "that is stupid") == "that is stupid"


def test_of_instances_of_sensitive_data_only_what_they_say_of_themselves_is_left(hider):
    instances = [
        {"type": "password", "timestamp": 3.5, "value": "swordfish", "parts": ["sword", {"n": 7}], "sure": True},
        "swordfish",
        None,
        {"type": "card_number", "masked": "[card number]"},
    ]
    hidden = hide_results(hider, {"compliance": {"sensitive_data": {"shared": True, "instances": instances}}})
    assert hidden["compliance"]["sensitive_data"] == {
        "shared": True,
        "instances": [
            {"type": "password", "timestamp": 3.5, "value": HIDDEN, "parts": [HIDDEN, {"n": HIDDEN}], "sure": True},
            HIDDEN,
            None,
            {"type": "card_number", "masked": "[card number]"},
        ],
    }


def test_a_document_keeps_what_it_says_of_itself_and_hides_what_was_said(hider):
    raw = {
        "id": "123",
        "status": "completed",
        "call": {"contact_id": "+49 30 1234567890"},
        "audio": {"url": "https://api.example/audio/1", "format": "wav"},
        "transcript": {
            "language": "en",
            "text": f"Hello. {TEXT}",
            "segments": [
                {"speaker": "A", "text": "Hello.", "words": [{"text": "Hello."}]},
                "odd",
                {"speaker": "B", "text": TEXT, "words": [{"text": word} for word in TEXT.split()]},
            ],
        },
        "results": {"summary": "They said 123."},
        "novel": ["4111 1111 1111 1111"],
    }
    assert hide_document(hider, raw, {1: MASKED}) == {
        "id": "123",
        "status": "completed",
        "call": {"contact_id": "+49 30 1234567890"},
        "audio": {"url": HIDDEN, "format": "wav"},
        "transcript": {
            "language": "en",
            "text": f"Hello. {MASKED}",
            "segments": [
                {"speaker": "A", "text": "Hello.", "words": [{"text": "Hello."}]},
                HIDDEN,
                {"speaker": "B", "text": MASKED},
            ],
        },
        "results": {"summary": "They said [security code]."},
        "novel": ["[card number]"],
    }


ODD: list[object] = [None, [], {"sensitive_data": 3}, {"sensitive_data": {"instances": 1}}]
RAW: list[object] = [
    {},
    [],
    "x",
    None,
    {"results": None},
    {"results": []},
    {"transcript": "code 123"},
    {"transcript": {"segments": 5}},
    *({"results": {"compliance": odd}} for odd in ODD),
]


@pytest.mark.parametrize("raw", RAW)
def test_a_document_of_any_shape_is_taken(hider, raw):
    hidden = hide_document(hider, raw, {})
    assert type(hidden) is type(raw)
    assert "123" not in str(hidden)


def a_call() -> list[StoredSegment]:
    return [
        stored("agent", "Your card number please.", 0.0, 2.0, None),
        stored(
            "contact",
            "4111 1111 1111 1111",
            3.0,
            7.0,
            [["4111", 3.0, 4.0, 0.9], ["1111", 4.0, 5.0, 0.9], ["1111", 5.0, 6.0, None], ["1111", 6.0, 7.0, 1]],
        ),
        stored("contact", "and my word is swordfish", 20.0, 25.0, None),
    ]


def instance(**fields) -> dict:
    return {"compliance": {"sensitive_data": {"instances": [fields]}}}


def test_what_our_rules_find_is_masked_with_its_seconds():
    looked = look(a_call(), None)
    assert looked.masked == ["", "[card number]", ""]
    [span] = looked.spans
    assert (span.kind, span.speaker, span.start, span.end) == ("card_number", "contact", 3.0, 7.0)


def test_what_the_api_names_counts_where_we_found_nothing():
    looked = look(a_call(), instance(type="password", timestamp=23.0, end=25.0, speaker="B"))
    assert looked.masked == ["", "[card number]", "and my word is [sensitive data]"]
    assert [(span.kind, span.speaker, span.start, span.end) for span in looked.spans][1] == (
        "password",
        "contact",
        23.0,
        25.0,
    )


def test_an_instance_without_an_end_lasts_until_the_speaker_is_done():
    looked = look(a_call(), instance(timestamp=22.0))
    assert [(span.kind, span.speaker, span.start, span.end) for span in looked.spans][1] == (
        "sensitive_data",
        "contact",
        22.0,
        25.0,
    )
    alone = look(a_call(), instance(timestamp=60.0, end=5))
    assert [(span.speaker, span.start, span.end) for span in alone.spans][1] == ("unknown", 60.0, 65.0)


@pytest.mark.parametrize(
    "results",
    [
        instance(type="card", timestamp=4.0, end=6.5),  # we found it, and know its seconds better
        instance(type="card", timestamp="soon"),
        {"compliance": {"sensitive_data": {"instances": ["x", None]}}},
        {"compliance": []},
        "odd",
    ],
)
def test_no_instance_is_counted_twice_or_without_its_second(results):
    assert len(look(a_call(), results).spans) == 1


def test_equal_spans_have_equal_fingerprints_in_whatever_order():
    assert hiding.fingerprint([(1.0, 2.0), (3.0, 4.0)]) == hiding.fingerprint([(3.0, 4.0), (1.0, 2.0), (1.0, 2.0)])
    assert hiding.fingerprint([(1.0, 2.0)]) != hiding.fingerprint([(1.0, 2.5)])
