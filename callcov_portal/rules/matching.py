"""Finding phrases in what was said, in spite of recognition errors. Pure functions."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from rapidfuzz import fuzz, process

from callcov_portal.rules.together import hits_together
from callcov_portal.rules.values import Match, Rule, SpokenSegment, Together
from callcov_portal.rules.words import Speech, Token, plain, speeches_of

WILDCARD = "*"
ALIKE = 84.0
"""From this likeness (0 to 100) on, a phrase counts as said. Measured: below, other sentences begin to match."""
ALIKE_SHORT = 92.0
"""The same for phrases of one or two words or of few letters, which chance hits more easily: "I want out", "I want to"."""
ALIKE_FEWER = 90.0
"""The same for a stretch with fewer words than the phrase: two words may be heard as one, none may be missing."""
ALIKE_ACCUSED = 97.0
"""The same for what is prohibited: a wrong accusation is worse than a missed one, and "what the bill" is 85 alike to an oath."""
SHORT, SHORT_LETTERS = 2, 15
FEWER, MORE = 1, 2  # a recogniser drops or adds words: windows from n - 1 to n + 2 words
GAP_WORDS = 3  # what a wildcard may stand for
AROUND = 1  # words between a match and the `unless` phrase that excuses it


@dataclass(frozen=True, slots=True)
class Hit:
    """Tokens `first` up to, not including, `last` of a speech."""

    first: int
    last: int
    score: float


class Talk:
    """A call's segments, prepared once for any number of rules."""

    def __init__(self, segments: Sequence[SpokenSegment], duration: float = 0.0) -> None:
        """`duration` in seconds; without it the call is taken to end with its last word."""
        self.segments = segments
        self.duration = max([duration, *(segment.end for segment in segments)])

    @cached_property
    def speeches(self) -> list[Speech]:
        """What each speaker said."""
        return speeches_of(self.segments)

    def find(self, rule: Rule) -> tuple[Match, ...]:
        """Every place where the rule's words are said, by the right speaker, in the right part, in order of time."""
        return tuple(match for match in self.find_anywhere(rule) if self.in_place(match))

    def find_anywhere(self, rule: Rule) -> tuple[Match, ...]:
        """The same, wherever in the call it is."""
        found = [match for speech in self.speeches if speaks(speech.speaker, rule) for match in matches(speech, rule)]
        return tuple(sorted(found, key=lambda match: match.start))

    def first(self, rules: Iterable[Rule]) -> Match | None:
        """The earliest match of any of the rules."""
        return min((match for rule in rules for match in self.find(rule)), key=lambda match: match.start, default=None)

    def window(self, rule: Rule) -> tuple[float, float]:
        """The seconds of the call in which the rule's words count, from and to."""
        where, last = rule.position, len(self.segments) - 1
        ends = [self.duration]
        if where.first_seconds is not None:
            ends.append(where.first_seconds)
        if where.first_segments is not None and self.segments:
            ends.append(self.segments[min(where.first_segments - 1, last)].end)
        begins = [0.0]
        if where.last_seconds is not None:
            begins.append(self.duration - self._last(where.last_seconds))
        if where.last_segments is not None and self.segments:
            begins.append(self.segments[max(0, last + 1 - where.last_segments)].start)
        return max(begins), min(ends)

    def in_place(self, match: Match) -> bool:
        """Whether a match lies where its rule says that it counts."""
        where = match.rule.position
        return (
            (where.first_seconds is None or match.start <= where.first_seconds)
            and (where.last_seconds is None or match.end >= self.duration - self._last(where.last_seconds))
            and (where.first_interactions is None or match.interaction <= where.first_interactions)
            and (where.first_segments is None or match.segment < where.first_segments)
            and (where.last_segments is None or match.segment >= len(self.segments) - where.last_segments)
        )

    def _last(self, seconds: float) -> float:
        """However short the call, its end is not its beginning: a greeting thanks for the call as a closing does."""
        return min(seconds, self.duration / 2)


def matches(speech: Speech, rule: Rule) -> list[Match]:
    """The rule's words in one speech, the best where several overlap, without those that `unless` fits at least as well."""
    strictest = ALIKE_ACCUSED if rule.check == "prohibited" else 0.0
    found = {hit: phrase for phrase, hits in hits_of(speech, rule.phrases, strictest).items() for hit in hits}
    for words in rule.together:
        for hit in best_apart([Hit(*place) for place in hits_together(speech, words)]):
            if hit.score >= strictest:
                found.setdefault(hit, described(words))
    excuses = [hit for hits in hits_of(speech, rule.unless).values() for hit in hits] if found else []
    return [
        match_at(speech, rule, found[hit], hit)
        for hit in best_apart(list(found), prefer_longer=True)
        if not any(touches(excuse, hit) and excuse.score >= hit.score for excuse in excuses)
    ]


def described(words: Together) -> str:
    """Words together as one text: `record*|monitor* & call|line`."""
    return " & ".join("|".join(alternatives) for alternatives in words.words)


def hits_of(speech: Speech, phrases: Sequence[str], strictest: float = 0.0) -> dict[str, list[Hit]]:
    """Where each phrase is said, wildcards filled with one to three words; `strictest` is the likeness it needs at least."""
    parts = {phrase: [plain(part) for part in phrase.split(WILDCARD)] for phrase in phrases}
    found = hits_of_parts(speech, list(dict.fromkeys(part for split in parts.values() for part in split)), strictest)
    return {phrase: chained([found.get(part, []) for part in split]) for phrase, split in parts.items()}


def chained(parts: Sequence[Sequence[Hit]]) -> list[Hit]:
    """Hits of a phrase's parts that follow each other with one to three words between."""
    first, *others = parts
    chains = list(first)
    for following in others:
        chains = [
            Hit(chain.first, hit.last, min(chain.score, hit.score))
            for chain in chains
            for hit in following
            if 1 <= hit.first - chain.last <= GAP_WORDS
        ]
    return best_apart(chains)


def hits_of_parts(speech: Speech, parts: Sequence[str], strictest: float) -> dict[str, list[Hit]]:
    """Where each of these plain texts is said; all are compared at once with all stretches of as many words."""
    by_size: dict[int, list[str]] = {}
    for part in parts:
        count = part.count(" ") + 1
        for size in range(max(1, count - FEWER), count + MORE + 1):
            by_size.setdefault(size, []).append(part)
    found: dict[str, list[Hit]] = {}
    for size, wanted in by_size.items():
        for part, hit in alike_stretches(speech, size, wanted):
            if hit.score >= max(strictest, cutoff(part, size)):
                found.setdefault(part, []).append(hit)
    return {part: best_apart(hits) for part, hits in found.items()}


def alike_stretches(speech: Speech, size: int, wanted: Sequence[str]) -> Iterator[tuple[str, Hit]]:
    """Stretches of `size` words that are alike at all to one of `wanted`."""
    stretches = speech.windows(size)
    if stretches:
        scores = process.cdist(wanted, stretches, scorer=fuzz.ratio, score_cutoff=ALIKE)
        for number, at in zip(*scores.nonzero(), strict=True):
            yield wanted[number], Hit(int(at), int(at) + size, float(scores[number, at]))


def cutoff(part: str, size: int) -> float:
    """How alike a stretch of `size` words must be to count as `part`."""
    count = part.count(" ") + 1
    least = ALIKE_SHORT if count <= SHORT or len(part) < SHORT_LETTERS else ALIKE
    return max(least, ALIKE_FEWER) if size < count else least


def touches(excuse: Hit, hit: Hit) -> bool:
    """Whether they overlap or are only a few words apart."""
    return excuse.first <= hit.last + AROUND and excuse.last >= hit.first - AROUND


def match_at(speech: Speech, rule: Rule, phrase: str, hit: Hit) -> Match:
    """A hit with its words and times."""
    said = speech.tokens[hit.first : hit.last]
    return Match(
        rule=rule,
        phrase=phrase,
        quote=quote(said),
        speaker=speech.speaker,
        start=said[0].start,
        end=said[-1].end,
        score=round(hit.score, 1),
        confidence=confidence(said, hit.score),
        segment=said[0].segment,
        interaction=said[0].interaction,
    )


def quote(said: Sequence[Token]) -> str:
    """The words as they were said."""
    texts = [text for text, _same in groupby((token.text, token.segment, token.word) for token in said)]
    return " ".join(text for text, _segment, _word in texts)  # "on-hold" is two tokens


def confidence(said: Sequence[Token], score: float) -> float | None:
    """Likeness times the recogniser's mean confidence, 0 to 1; None where the recogniser said nothing of it."""
    known = [token.confidence for token in said if token.confidence is not None]
    return round(score / 100 * sum(known) / len(known), 3) if known else None


def best_apart(hits: list[Hit], *, prefer_longer: bool = False) -> list[Hit]:
    """The best hits that do not overlap, in order; of equals the shorter, or the longer."""
    kept: list[Hit] = []  # in order, so that only its neighbours can be in a hit's way
    sign = -1 if prefer_longer else 1
    for hit in sorted(hits, key=lambda hit: (-hit.score, sign * (hit.last - hit.first), hit.first)):
        at = bisect_left(kept, hit.first, key=lambda other: other.first)
        before, after = kept[at - 1 : at] if at else [], kept[at : at + 1]
        if all(other.last <= hit.first for other in before) and all(hit.last <= other.first for other in after):
            kept.insert(at, hit)
    return kept


def speaks(speaker: str, rule: Rule) -> bool:
    """Whether the rule is about this speaker."""
    return rule.speaker == "any" or (rule.speaker == "agent") == (speaker == "A")
