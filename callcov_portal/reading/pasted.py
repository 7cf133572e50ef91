"""A talk typed or pasted as text, read as if it had been spoken."""

import re
from collections.abc import Iterator

from callcov_portal.reading.alignment import Line
from callcov_portal.reading.speakers import AGENT, NAMED

SPEAKER = re.compile(rf"\s*({'|'.join(NAMED)})\s*:\s*(.*)", re.IGNORECASE)
SECONDS_PER_WORD = 0.4  # as people speak; nobody has measured these words
PAUSE = 0.4


def talk_in(text: str) -> list[Line]:
    """Return one line for each line with words: `Agent: …`, `Contact: …`; one that names nobody is the agent's.

    The seconds are made up by the number of words, so that rules about the begin and the end of a call can be tried.
    """
    return list(timed(text))


def timed(text: str) -> Iterator[Line]:
    """Yield the lines, one after the other."""
    now = 0.0
    for line in text.splitlines():
        match = SPEAKER.fullmatch(line)
        speaker, words = (NAMED[match[1].casefold()], match[2].strip()) if match else (AGENT, line.strip())
        if words:
            end = now + SECONDS_PER_WORD * len(words.split())
            yield Line(speaker, words, now, end)
            now = end + PAUSE
