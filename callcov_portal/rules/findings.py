"""What a rule set finds in a call: every result with its evidence. Pure: equal input, equal output."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from callcov_portal.rules.matching import Talk, speaks
from callcov_portal.rules.misses import Miss, nearest
from callcov_portal.rules.values import BY_RULE, NEVER, REQUIRED, Match, Rule, RuleSet, SpokenSegment
from callcov_portal.rules.words import SAME_BREATH

MET, VIOLATED, OMITTED, NOT_ASSESSED = "met", "violated", "omitted", "not_assessed"


COMMON = {"prohibited": "Prohibited phrases"}


@dataclass(frozen=True, slots=True)
class Searched:
    """Of an omission: the seconds in which the words would have counted, and what came nearest."""

    start: float
    end: float
    nearest: Miss | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One result. Without a `match` there is no place: something was not said, or could not be assessed."""

    rule: Rule
    """The rule that matched; of an omission the first of those that could have."""
    outcome: str
    """met, violated, omitted or not_assessed. A signal that was heard is `met`: what it describes was said."""
    explanation: str = ""
    match: Match | None = None
    also: tuple[Match, ...] = ()
    """Further places that say the same."""
    searched: Searched | None = None

    @property
    def check_id(self) -> str:
        """The check's name in results."""
        return self.rule.check_id

    @property
    def title(self) -> str:
        """The rule's title; where nobody did any of what several rules forbid, what these have in common."""
        alone = self.match or self.kind != NEVER or self.rule.check in BY_RULE
        return self.rule.title if alone else COMMON.get(self.rule.check, self.rule.title)

    @property
    def kind(self) -> str:
        """One of `values.EXPECTATIONS`."""
        return self.rule.kind


def findings(
    ruleset: RuleSet, segments: Sequence[SpokenSegment], *, language: str = "", duration: float = 0.0
) -> list[Finding]:
    """Check a call by a rule set: the findings in the order of the rules.

    A required check gives one finding, met, violated (said too late), omitted or not assessed. What must never be said
    gives a violation for each place, or one finding that says that nothing was. What is optional or a signal gives a
    finding for each rule that was heard, and none otherwise. Where nothing can be told (nothing was said, another
    language, the speaker was not heard) nobody is accused: required checks and what must never be said are not
    assessed, with the reason. `language` is ISO 639-1, "" if unknown; `duration` in seconds.
    """
    talk = Talk(segments, duration)
    found: list[Finding] = []
    for rules in checks_of(ruleset):
        known = [rule for rule in rules if ruleset.knows(rule, language)]
        if reason := why_not(talk, known, language):
            if rules[0].kind in {REQUIRED, NEVER}:
                found.append(Finding(rules[0], NOT_ASSESSED, reason))
        else:
            found += judged(talk, known)
    return found


def checks_of(ruleset: RuleSet) -> Iterator[list[Rule]]:
    """Rules that are judged as one: those of a check that expect the same, except where each rule stands alone."""
    order: dict[tuple[str, str, str], list[Rule]] = {}
    for rule in ruleset.rules:
        alone = rule.check in BY_RULE or rule.kind not in {REQUIRED, NEVER}
        order.setdefault((rule.check, rule.kind, rule.id if alone else ""), []).append(rule)
    yield from order.values()


def why_not(talk: Talk, known: Sequence[Rule], language: str) -> str:
    """Why these rules cannot be judged in this call, "" if they can."""
    if not talk.segments:
        return "Nothing was said."
    if not known:
        return f"No rule for this knows the language {language!r}."
    if not any(speaks(segment.speaker, rule) for segment in talk.segments for rule in known):
        wanted = sorted({rule.speaker for rule in known})
        return f"Nothing was heard of the {' or the '.join(wanted)}."
    return ""


def judged(talk: Talk, rules: Sequence[Rule]) -> list[Finding]:
    """What rules that are judged as one come to."""
    matches = sorted((match for rule in rules for match in talk.find(rule)), key=lambda match: match.start)
    if rules[0].kind == NEVER:
        said = [
            Finding(each[0].rule, VIOLATED, match=each[0], also=tuple(each[1:])) for each in at_once(apart(matches))
        ]
        return said or [Finding(rules[0], MET, "Nothing of the kind was said.")]
    if matches:
        first, *others = apart(matches)
        late = too_late(first)
        return [Finding(first.rule, VIOLATED if late else MET, late, first, tuple(others))]
    return [omitted(talk, rules)] if rules[0].kind == REQUIRED else []


def apart(matches: Sequence[Match]) -> list[Match]:
    """Matches that overlap in time are one: the likeliest."""
    kept: list[Match] = []
    for match in matches:
        if kept and kept[-1].speaker == match.speaker and match.start < kept[-1].end:
            kept[-1] = max(kept[-1], match, key=lambda each: (each.score, each.end - each.start))
        else:
            kept.append(match)
    return kept


def at_once(matches: Sequence[Match]) -> list[list[Match]]:
    """Matches of one rule in one breath are one: "I guarantee it, one hundred percent"."""
    groups: list[list[Match]] = []
    for match in matches:
        last = groups[-1][-1] if groups else None
        if last and last.rule is match.rule and last.speaker == match.speaker and match.start - last.end <= SAME_BREATH:
            groups[-1].append(match)
        else:
            groups.append([match])
    return groups


def too_late(match: Match) -> str:
    """Why a match comes too late, "" if it does not."""
    deadline = match.rule.deadline
    if deadline and deadline.seconds is not None and match.start > deadline.seconds:
        return f"Said {match.start - deadline.seconds:.0f} s later than {deadline.seconds:g} s into the call."
    if deadline and deadline.interactions is not None and match.interaction > deadline.interactions:
        return f"Said in interaction {match.interaction}, later than in the first {deadline.interactions}."
    return ""


def omitted(talk: Talk, rules: Sequence[Rule]) -> Finding:
    """Something required was not said in the window in which it counts."""
    windows = [talk.window(rule) for rule in rules]
    searched = Searched(min(begin for begin, _ in windows), max(end for _, end in windows), nearest(talk, rules))
    return Finding(rules[0], OMITTED, "Nothing like it was heard.", searched=searched)
