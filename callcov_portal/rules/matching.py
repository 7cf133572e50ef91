"""Finding phrases in what was said, in spite of recognition errors. Pure functions."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from rapidfuzz import fuzz, process

from callcov_portal.rules.loading import WILDCARD
from callcov_portal.rules.values import Match, Rule, SpokenSegment

ALIKE = 84.0
"""From this likeness (0 to 100) on, a phrase counts as said. Measured: below, other sentences begin to match."""
ALIKE_SHORT = 92.0
"""The same for phrases of one or two words, which chance hits more easily."""
ALIKE_FEWER = 90.0
"""The same for a stretch with fewer words than the phrase: two words may be heard as one, none may be missing."""
ALIKE_ACCUSED = 96.0
"""The same for what is prohibited: a wrong accusation is worse than a missed one, and "what the bill" is 85 alike to an oath."""
SHORT = 2
FEWER, MORE = 1, 2  # a recogniser drops or adds words: windows from n - 1 to n + 2 words
GAP_WORDS = 3  # what a wildcard may stand for
SAME_BREATH = 2.0  # seconds between two segments of one speaker, across which a phrase may run
LISTENING = frozenset(["mhm", "mm", "mmm", "hm", "hmm", "uh", "huh", "um", "ah", "aha", "oh"])
AROUND = 1  # words between a match and the `unless` phrase that excuses it


@dataclass(frozen=True, slots=True)
class Token:
    """A word as matched, and where it was said."""

    plain: str
    text: str
    start: float
    end: float
    segment: int
    interaction: int


@dataclass(frozen=True, slots=True)
class Hit:
    """Tokens `first` up to, not including, `last` of a run."""

    first: int
    last: int
    score: float


class Run:
    """What one speaker said in one breath, as tokens."""

    def __init__(self, speaker: str, tokens: list[Token]) -> None:
        self.speaker, self.tokens = speaker, tokens
        self._windows: dict[int, list[str]] = {}

    def windows(self, size: int) -> list[str]:
        """Every stretch of `size` tokens, joined."""
        if size not in self._windows:
            plain = [token.plain for token in self.tokens]
            self._windows[size] = [" ".join(plain[at : at + size]) for at in range(len(plain) - size + 1)]
        return self._windows[size]

    def hits(self, part: str, strictest: float = 0.0) -> list[Hit]:
        """Where `part`, a phrase without wildcards, is said; `strictest` is the likeness it needs at least."""
        wanted = plain(part)
        count = len(wanted.split())
        least = max(strictest, ALIKE_SHORT if count <= SHORT else ALIKE)
        found = []
        for size in range(max(1, count - FEWER), count + MORE + 1):
            cutoff = max(least, ALIKE_FEWER) if size < count else least
            for _text, score, at in process.extract_iter(
                wanted, self.windows(size), scorer=fuzz.ratio, score_cutoff=cutoff
            ):
                found.append(Hit(at, at + size, score))
        return best_apart(found)

    def hits_of(self, phrase: str, strictest: float = 0.0) -> list[Hit]:
        """Where `phrase` is said, wildcards filled with one to three words."""
        first, *others = phrase.split(WILDCARD)
        chains = self.hits(first, strictest)
        for part in others:
            following = self.hits(part, strictest)
            chains = [
                Hit(chain.first, hit.last, min(chain.score, hit.score))
                for chain in chains
                for hit in following
                if 1 <= hit.first - chain.last <= GAP_WORDS
            ]
        return best_apart(chains)


class Talk:
    """A call's segments, prepared once for any number of rules."""

    def __init__(self, segments: Sequence[SpokenSegment], duration: float = 0.0) -> None:
        """`duration` in seconds; without it the call is taken to end with its last word."""
        self.segments = segments
        self.duration = max([duration, *(segment.end for segment in segments)])

    @cached_property
    def runs(self) -> list[Run]:
        """Tokens by speaker and breath, in order."""
        runs: list[Run] = []
        latest: dict[str, Run] = {}
        for number, (segment, interaction) in enumerate(zip(self.segments, interactions(self.segments), strict=True)):
            tokens = list(tokens_of(segment, number, interaction))
            if not tokens:
                continue
            run = latest.get(segment.speaker)
            if run is None or segment.start - run.tokens[-1].end > SAME_BREATH:
                run = latest[segment.speaker] = Run(segment.speaker, [])
                runs.append(run)
            run.tokens += tokens
        return runs

    def find(self, rule: Rule) -> tuple[Match, ...]:
        """Every place where one of the rule's phrases is said, by the right speaker, in the right part, in order of time."""
        found = [match for run in self.runs if speaks(run.speaker, rule) for match in matches(run, rule)]
        return tuple(sorted((match for match in found if self._in_place(match)), key=lambda match: match.start))

    def first(self, rules: Iterable[Rule]) -> Match | None:
        """The earliest match of any of the rules."""
        return min((match for rule in rules for match in self.find(rule)), key=lambda match: match.start, default=None)

    def _in_place(self, match: Match) -> bool:
        where = match.rule.position
        # However short the call, its end is not its beginning: a greeting thanks for the call as a closing does.
        end = min(where.last_seconds or 0.0, self.duration / 2)
        return (
            (where.first_seconds is None or match.start <= where.first_seconds)
            and (where.last_seconds is None or match.end >= self.duration - end)
            and (where.first_interactions is None or match.interaction <= where.first_interactions)
        )


def matches(run: Run, rule: Rule) -> list[Match]:
    """The rule's phrases in one run, the best where several overlap, without those that `unless` fits at least as well."""
    strictest = ALIKE_ACCUSED if rule.check == "prohibited" else 0.0
    hits = {hit: phrase for phrase in rule.phrases for hit in run.hits_of(phrase, strictest)}
    excuses = [hit for phrase in rule.unless for hit in run.hits_of(phrase)]
    return [
        match_at(run, rule, hits[hit], hit)
        for hit in best_apart(list(hits), prefer_longer=True)
        if not any(touches(excuse, hit) and excuse.score >= hit.score for excuse in excuses)
    ]


def touches(excuse: Hit, hit: Hit) -> bool:
    """Whether they overlap or are only a few words apart."""
    return excuse.first <= hit.last + AROUND and excuse.last >= hit.first - AROUND


def match_at(run: Run, rule: Rule, phrase: str, hit: Hit) -> Match:
    """A hit with its words and times."""
    said = run.tokens[hit.first : hit.last]
    texts = [text for text, _same in groupby((token.text, token.start) for token in said)]  # "on-hold" is two tokens
    return Match(
        rule=rule,
        phrase=phrase,
        quote=" ".join(text for text, _start in texts),
        speaker=run.speaker,
        start=said[0].start,
        end=said[-1].end,
        score=round(hit.score, 1),
        segment=said[0].segment,
        interaction=said[0].interaction,
    )


def best_apart(hits: list[Hit], *, prefer_longer: bool = False) -> list[Hit]:
    """The best hits that do not overlap, in order; of equals the shorter, or the longer."""
    kept: list[Hit] = []
    sign = -1 if prefer_longer else 1
    for hit in sorted(hits, key=lambda hit: (-hit.score, sign * (hit.last - hit.first), hit.first)):
        if all(hit.last <= other.first or hit.first >= other.last for other in kept):
            kept.append(hit)
    return sorted(kept, key=lambda hit: hit.first)


def speaks(speaker: str, rule: Rule) -> bool:
    """Whether the rule is about this speaker."""
    return rule.speaker == "any" or (rule.speaker == "agent") == (speaker == "A")


def interactions(segments: Sequence[SpokenSegment]) -> list[int]:
    """For each segment, the number of its speaker's interaction: it rises when the other one has spoken between.

    Who only says "mhm", or is done before the other one is, has not taken the turn.
    """
    numbers: list[int] = []
    counts: dict[str, int] = {}
    previous, spoken_until = None, 0.0
    for segment in segments:
        listens = segment.end < spoken_until or set(plain(segment.text).split()) <= LISTENING
        if segment.speaker != previous and not (previous and listens):
            counts[segment.speaker] = counts.get(segment.speaker, 0) + 1
            previous, spoken_until = segment.speaker, segment.end
        elif segment.speaker == previous:
            spoken_until = max(spoken_until, segment.end)
        numbers.append(counts.setdefault(segment.speaker, 1))
    return numbers


def tokens_of(segment: SpokenSegment, number: int, interaction: int) -> Iterable[Token]:
    """The segment's words without punctuation; a transcript without word times gets them by the words' lengths."""
    if segment.words:
        timed = [(word.text, word.start, word.end) for word in segment.words]
    else:
        timed = share_out(segment.text.split(), segment.start, segment.end)
    for text, start, end in timed:
        for part in plain(text).split():
            yield Token(part, text, start, end, number, interaction)


def share_out(texts: list[str], start: float, end: float) -> list[tuple[str, float, float]]:
    """Words over a stretch of time, each as long as its letters."""
    total, spoken, timed = sum(map(len, texts)) or 1, 0, []
    for text in texts:
        begin, spoken = spoken, spoken + len(text)
        timed.append((text, start + (end - start) * begin / total, start + (end - start) * spoken / total))
    return timed


def plain(text: str) -> str:
    """Lower case, no punctuation, one space: `That's “fine”.` → `thats fine`."""
    return " ".join(re.findall(r"\w+", re.sub(r"['’`]", "", text.lower()).replace("_", " ")))
