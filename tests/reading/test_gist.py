"""The gist of a result is read where its shape is known; any other shape gives nothing and no error."""

import pytest

from callcov_portal.reading import gist

RESULTS = {
    "key_sentences": [
        {"text": "I want to cancel.", "speaker": "B", "start": 6.5, "end": 8},
        {"text": "Of course.", "speaker": "nobody"},
    ],
    "coaching": {
        "recommendations": [
            {"priority": "High", "text": "Say your name.", "timestamp": 3.0, "because": []},
            {"priority": "urgent", "text": "Listen."},
        ],
        "customer_effort_score": 2.5,
    },
    "speakers": {"roles": "voices", "note": "Guessed."},
}


def test_the_gist_is_read():
    assert gist.key_sentences(RESULTS) == [
        gist.KeySentence("I want to cancel.", "contact", 6.5),
        gist.KeySentence("Of course.", "", None),
    ]
    assert gist.advice(RESULTS) == [gist.Advice("Say your name.", "high", 3.0), gist.Advice("Listen.", "", None)]
    assert gist.effort(RESULTS) == 2.5
    assert gist.roles_note(RESULTS) == "Guessed."


@pytest.mark.parametrize(
    "odd", [None, [], "text", 7, {}, [None, "x", {"text": 5}, {"text": " "}], {"text": "x"}, 10**400]
)
def test_odd_shapes_give_nothing(odd):
    results = {
        "key_sentences": odd,
        "speakers": {"note": odd} if not isinstance(odd, str) else odd,
        "coaching": {"recommendations": odd, "customer_effort_score": odd if odd != 7 else 5.1},
    }
    assert gist.key_sentences(results) == gist.advice(results) == []
    assert gist.effort(results) is None
    assert gist.roles_note(results) == ""
    for whole in (odd, {"coaching": odd, "key_sentences": odd, "speakers": odd}):
        assert gist.key_sentences(whole) == gist.advice(whole) == []
        assert gist.effort(whole) is None
