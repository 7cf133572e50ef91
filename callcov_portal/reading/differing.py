"""How two sets of findings of one call differ, check by check."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from callcov_portal.reading.ruled import HEARD, MET, NOT_ASSESSED, OMITTED, VIOLATED

WORDS = {VIOLATED: "violated", OMITTED: "omitted", HEARD: "heard", MET: "met", NOT_ASSESSED: "not assessed"}
WORST_FIRST = tuple(WORDS)


class Finding(Protocol):
    """A finding, kept or not."""

    @property
    def check_id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def outcome(self) -> str: ...


@dataclass(frozen=True)
class Change:
    """One check that comes out differently: what it came to before and comes to then, in words ("" for nothing)."""

    check_id: str
    title: str
    before: str
    after: str


def differences(before: Iterable[Finding], after: Iterable[Finding]) -> list[Change]:
    """Return the checks that came out differently, in the order of the checks."""
    old, new = outcomes(before), outcomes(after)
    return [
        Change(check, (new.get(check) or old[check])[0], word(old, check), word(new, check))
        for check in dict.fromkeys([*new, *old])
        if word(old, check) != word(new, check)
    ]


def word(found: dict[str, tuple[str, str]], check: str) -> str:
    """Return what a check came to, "" if it was not made."""
    return found[check][1] if check in found else ""


def outcomes(findings: Iterable[Finding]) -> dict[str, tuple[str, str]]:
    """Return title and outcomes in words for every check: `2 violated`, `met`."""
    by_check: dict[str, list[Finding]] = {}
    for finding in findings:
        by_check.setdefault(finding.check_id, []).append(finding)
    return {check: (titled(found), counted(found)) for check, found in by_check.items()}


def titled(found: Sequence[Finding]) -> str:
    """Return the title of what weighs most."""
    return min(found, key=lambda finding: WORST_FIRST.index(finding.outcome)).title


def counted(found: Sequence[Finding]) -> str:
    """Return the outcomes of one check in words, the worst first."""
    counts = Counter(finding.outcome for finding in found)
    return ", ".join(
        f"{counts[outcome]} × {word}" if counts[outcome] > 1 else word
        for outcome, word in WORDS.items()
        if counts[outcome]
    )
