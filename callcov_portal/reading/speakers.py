"""Who is who: the labels of a transcript, read as agent and contact."""

from collections.abc import Iterable

AGENT = "agent"
CONTACT = "contact"
UNKNOWN = "unknown"

# The API's examples show `A`/`B` with the agent first, one guide shows `Agent`; other words are what people would use.
NAMED = {
    "a": AGENT,
    "agent": AGENT,
    "representative": AGENT,
    "advisor": AGENT,
    "b": CONTACT,
    "contact": CONTACT,
    "customer": CONTACT,
    "caller": CONTACT,
    "client": CONTACT,
}


def who_is_who(labels: Iterable[str]) -> dict[str, str]:
    """Return the speaker (`agent`, `contact`, `unknown`) for every label, given in order of first appearance.

    Labels that say who they are decide. Of two that say nothing the first to speak is taken as the agent,
    who usually greets; a third and later one stays unknown.
    """
    ordered = list(dict.fromkeys(labels))
    named = {label: NAMED[label.strip().casefold()] for label in ordered if label.strip().casefold() in NAMED}
    free = [speaker for speaker in (AGENT, CONTACT) if speaker not in named.values()]
    for label in ordered:
        if label not in named:
            named[label] = free.pop(0) if free and label.strip() else UNKNOWN
    return named
