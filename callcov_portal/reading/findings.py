"""The findings in a result: documented compliance checks first, then whatever else is flagged."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from callcov_portal.reading.alignment import Line, line_at
from callcov_portal.reading.generic import number, seconds_of, title
from callcov_portal.reading.ruled import FOUND, MET, NOT_ASSESSED, OMITTED, VIOLATED, Found, text_of
from callcov_portal.reading.speakers import NAMED

QUOTE_KEYS = ("quote", "masked", "phrase", "text", "match", "matched_text", "value")


TITLES = {
    "identity_verification": "Agent identifies themselves",
    "mandatory_disclosures": "Mandatory disclosures",
    "purpose_declaration": "Purpose of the call",
    "prohibited_phrases": "Prohibited phrases",
    "sensitive_data": "Sensitive data",
}


def findings(results: Any, lines: Sequence[Line], ruled: Sequence[Found] = ()) -> list[Found]:
    """Return every finding of a result, with quotes: `ruled` first, then what the other objects say of other checks.

    A check that is absent gives no finding; one whose leaves are missing or of the wrong type is *not
    assessed*, never *omitted*. Where the result gives a second but no words, the words spoken there are
    quoted and marked as found by us. Never raises on unknown keys, nulls or wrong types.
    """
    if not isinstance(results, dict):
        return []
    others = [*compliance(results.get("compliance")), *flagged_elsewhere(results)]
    found = [*ruled, *(finding for finding in others if not is_covered(finding, ruled))]
    return [with_quote(finding, lines) for finding in found]


def is_covered(finding: Found, ruled: Sequence[Found]) -> bool:
    """Say whether findings with more evidence speak of the same check."""
    if finding.check_id == "mandatory_disclosures":
        return any(better.check_id.startswith("disclosure.") for better in ruled)
    return any(better.check_id == finding.check_id for better in ruled)


def compliance(checks: Any) -> Iterator[Found]:
    """Read the five documented objects, then unknown ones beside them.

    Our engine adds `assessed: false` with a `reason` where a result could not be had; the documented leaves
    beside it then say nothing.
    """
    if not isinstance(checks, dict):
        return
    readers = {
        "identity_verification": identity,
        "mandatory_disclosures": disclosures,
        "purpose_declaration": purpose,
        "prohibited_phrases": prohibited,
        "sensitive_data": sensitive,
    }
    for key, reader in readers.items():
        check = checks.get(key)
        if isinstance(check, dict) and check.get("assessed") is False:
            yield Found(key, TITLES[key], NOT_ASSESSED, text_of(check.get("reason")))
        elif isinstance(check, dict):
            yield from reader(check)
    for key, check in checks.items():
        if key not in readers:
            yield from flagged(f"compliance.{key}", check)


def identity(check: dict[str, Any]) -> Iterator[Found]:
    """The agent says who they are within the first 15 s (Requirement 1)."""
    verified, late = check.get("verified"), check.get("flagged")
    outcome, why = NOT_ASSESSED, ""
    if verified is False:
        outcome, why = OMITTED, "The agent did not say who they are."
    elif verified is True and late is True:
        outcome, why = VIOLATED, "Said later than 15 s into the call."
    elif verified is True:
        outcome = MET
    yield placed(Found("identity_verification", TITLES["identity_verification"], outcome, why), check)


def disclosures(check: dict[str, Any]) -> Iterator[Found]:
    """Every mandatory disclosure is read (Requirement 2): one finding for each that is named."""
    matched, missing = names(check.get("matched_disclosures")), names(check.get("missing_disclosures"))
    for name in matched:
        place = evidence_for(check, name)
        yield placed(Found(f"disclosure.{name}"[:80], f"Disclosure: {title(name)}"[:200], MET), place)
    for name in missing:
        why = "Not read in this call."
        yield Found(f"disclosure.{name}"[:80], f"Disclosure: {title(name)}"[:200], OMITTED, why)
    if not matched and not missing:
        outcome = judged(check.get("read"), yes=MET, no=OMITTED)
        yield placed(Found("mandatory_disclosures", TITLES["mandatory_disclosures"], outcome), check)


def purpose(check: dict[str, Any]) -> Iterator[Found]:
    """The purpose is stated within the agent's first 4 interactions (Requirement 3)."""
    disclosed, late, turn = check.get("disclosed"), check.get("flagged"), number(check.get("interaction_number"))
    outcome, why = NOT_ASSESSED, ""
    if disclosed is False:
        outcome, why = OMITTED, "The agent did not say what the call is about."
    elif disclosed is True and late is True:
        outcome, why = VIOLATED, "Said later than the agent's fourth interaction."
    elif disclosed is True:
        outcome, why = MET, f"In the agent's interaction {turn:.0f}." if turn is not None else ""
    yield placed(Found("purpose_declaration", TITLES["purpose_declaration"], outcome, why), check)


def prohibited(check: dict[str, Any]) -> Iterator[Found]:
    """No prohibited phrase is used (Requirement 4)."""
    yield from instances("prohibited_phrases", check, "used", "None was used.")


def sensitive(check: dict[str, Any]) -> Iterator[Found]:
    """No sensitive data is spoken."""
    yield from instances("sensitive_data", check, "shared", "None was spoken.")


def instances(check_id: str, check: dict[str, Any], flag: str, none: str) -> Iterator[Found]:
    """One violation for each instance; the shape of an instance is documented nowhere."""
    items, name = check.get("instances"), TITLES[check_id]
    for item in items if isinstance(items, list) else []:
        named = item if isinstance(item, dict) else {}
        why = text_of(named.get("title")) or title(text_of(named.get("type")))
        yield placed(Found(check_id, name, VIOLATED, why), item if isinstance(item, dict) else {"quote": item})
    if not items:
        outcome = judged(check.get(flag), yes=VIOLATED, no=MET)
        yield placed(Found(check_id, name, outcome, none if outcome == MET else ""), check)


def flagged_elsewhere(results: dict[str, Any]) -> Iterator[Found]:
    """Objects outside `compliance` that carry a boolean `flagged`."""
    for section, checks in results.items():
        if section == "compliance" or not isinstance(checks, dict):
            continue
        for key, check in checks.items():
            yield from flagged(f"{section}.{key}", check)


def flagged(check_id: str, check: Any) -> Iterator[Found]:
    """An undocumented object with a boolean `flagged`: flagged is a violation, not flagged is met.

    Our engine adds `given: false` where something was flagged because it was not said: an omission; and
    `assessed: false` where nobody could tell.
    """
    if isinstance(check, dict) and isinstance(check.get("flagged"), bool):
        missing = OMITTED if check.get("given") is False else VIOLATED
        outcome = missing if check["flagged"] else MET
        if check.get("assessed") is False:
            outcome = NOT_ASSESSED
        name = title(check_id.partition(".")[2])[:200]
        why = text_of(check.get("reason")) or ("Nothing like it was heard." if outcome == OMITTED else "")
        yield placed(Found(check_id[:80], name, outcome, why), check)


def placed(finding: Found, place: dict[str, Any]) -> Found:
    """Return the finding with the words, speaker and seconds that the result gives for it."""
    quote = next((place[key] for key in QUOTE_KEYS if isinstance(place.get(key), str) and place[key].strip()), "")
    speaker = place.get("speaker")
    start = seconds_of(place)
    end = number(place.get("end"))
    return replace(
        finding,
        quote=quote,
        speaker=NAMED.get(speaker.strip().casefold(), "") if isinstance(speaker, str) else "",
        start=start,
        end=end if start is not None and end is not None and end >= start else None,
        confidence=number(place.get("confidence")),
    )


def evidence_for(check: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what our engine lists beside the names: an object of `evidence` whose `rule` is the name."""
    listed = check.get("evidence")
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, dict) and item.get("rule") == name:
            return item
    return {}


def judged(value: Any, *, yes: str, no: str) -> str:
    """Return the outcome that a boolean stands for; anything but true and false is not assessed."""
    if value is True:
        return yes
    return no if value is False else NOT_ASSESSED


def names(value: Any) -> list[str]:
    """Return the strings of a list, each once; anything else is none."""
    items = value if isinstance(value, list) else []
    return list(dict.fromkeys(item.strip() for item in items if isinstance(item, str) and item.strip()))


def with_quote(finding: Found, lines: Sequence[Line]) -> Found:
    """Return the finding with the words spoken at its second, marked as found by us, unless it has words."""
    if finding.quote or finding.start is None or finding.outcome not in {MET, VIOLATED}:
        return finding
    line = line_at(lines, finding.start)
    if line is None:
        return finding
    end = finding.end if finding.end is not None else line.end
    return replace(finding, quote=line.text, quote_origin=FOUND, speaker=finding.speaker or line.speaker, end=end)
