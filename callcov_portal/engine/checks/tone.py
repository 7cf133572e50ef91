"""Words of tone: what sounds pleased or displeased. Words alone, no emotion is claimed.

The words and their strength are VADER's (Hutto & Gilbert 2014), without politeness and telephone talk, which it takes
for joy. Measured on labelled call utterances it is right where it says "negative" and misses plain facts that are
complaints ("still does not work"), so it is shown as words and gates nothing.
"""

from functools import cache
from typing import Any

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from callcov_portal.engine.checks.call import ROLES, Call, not_assessed, seconds

LANGUAGES = ("en", "")
NEGATIVE, POSITIVE = -0.25, 0.5
"""From VADER's compound (-1 to 1) on."""
STRONG = 1.0
"""Words weaker than this (of 4) are not shown."""
SAID_ANYWAY = """yes yeah yep yea ok okay sure no please thank thanks welcome like want fine hope pay help helped helping
    security secure good number agree matter matters share interest balance credit certain certainly definite definitely
    care clear well true help hello hi hey bonus free save cancel cancelled problem demand charge charged debt dear kind
    lucky ready safe support supported value warm""".split()  # noqa: SIM905
"""What is said on the telephone without any tone."""


@cache
def analyser() -> SentimentIntensityAnalyzer:
    """VADER without the words that mean nothing on the telephone."""
    made = SentimentIntensityAnalyzer()
    for word in SAID_ANYWAY:
        made.lexicon.pop(word, None)
    return made


def check(call: Call) -> dict[str, Any]:
    """`{agent, contact, instances}`: for each speaker the segments with negative and with positive words, and which."""
    if not call.transcript.segments:
        return {"instances": None, **not_assessed("Nothing was said.")}
    if call.transcript.language not in LANGUAGES:
        return {"instances": None, **not_assessed(f"Words of tone are not known in {call.transcript.language!r}.")}
    found = [each for segment in call.transcript.segments if (each := tone_of(segment.speaker, segment))]
    return {**{role: counts(found, speaker) for speaker, role in ROLES.items()}, "instances": found}


def tone_of(speaker: str, segment: Any) -> dict[str, Any] | None:
    """A segment's tone, None if it has none."""
    compound = float(analyser().polarity_scores(segment.text)["compound"])
    if NEGATIVE < compound < POSITIVE:
        return None
    tone = "negative" if compound <= NEGATIVE else "positive"
    return {
        "timestamp": seconds(segment.start),
        "end": seconds(segment.end),
        "speaker": speaker,
        "tone": tone,
        "words": words_of(segment.text, 1 if tone == "positive" else -1),
    }


def words_of(text: str, sign: int) -> list[str]:
    """The words that make the tone, each once."""
    strength = analyser().lexicon
    bare = [word.strip(".,;:!?\"'").lower() for word in text.split()]
    return list(dict.fromkeys(word for word in bare if strength.get(word, 0.0) * sign >= STRONG))


def counts(found: list[dict[str, Any]], speaker: str) -> dict[str, int]:
    """How many segments of each tone a speaker has."""
    tones = [each["tone"] for each in found if each["speaker"] == speaker]
    return {"negative": tones.count("negative"), "positive": tones.count("positive")}
