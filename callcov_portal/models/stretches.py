"""What is behind each number of a batch: the items, in an order in which an index gives them, page by page.

A part of the sum is made of stretches: the items of one fate and cause, by their position, and the items that became
calls of one state and failure, by the number of the call. So a page costs the same in a batch of any size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from callcov_portal.models.batch import (
    WHAT_TO_DO_ABOUT_REFUSED,
    BatchItem,
    Cause,
    Standing,
    part_of,
)
from callcov_portal.models.recording import Recording
from callcov_portal.models.states import WHAT_TO_DO, Failure

CALL = "call "
EVERYTHING = ""  # the name of the stretch that is the whole batch


@dataclass(frozen=True)
class Stretch:
    """Items of a batch that stand alike. `key` names it in addresses; `number` of an item is its place in the stretch."""

    batch: UUID
    state: str  # a fate, `call` and a state, or EVERYTHING
    cause: str = ""
    count: int = 0

    @property
    def key(self) -> str:
        return f"{self.state.replace(' ', '-')}.{self.cause}"

    @property
    def of_calls(self) -> bool:
        """Whether its items are calls, and their numbers those of the calls; else they are the positions."""
        return self.state.startswith(CALL)

    @property
    def part(self) -> str:
        """In which part of the sum they count."""
        return part_of(self.state, self.cause)

    @property
    def label(self) -> str:
        """Why they failed, in words; the code where nobody knows it."""
        codes = {choice.value: choice.label for choice in (*Failure, *Cause)}
        return str(codes.get(self.cause, self.cause or "No cause is known"))

    @property
    def what_to_do(self) -> str:
        """What a person can do about them, in one sentence; "" if they did not fail."""
        words = WHAT_TO_DO if self.of_calls else WHAT_TO_DO_ABOUT_REFUSED
        return words.get(self.cause, "") if self.part == "failed" or self.of_calls else ""

    def numbers(self, most: int, bound: int | None, *, is_backwards: bool) -> list[int]:
        """Return the first numbers behind the bound, or backwards the last ones before it, falling."""
        rows, column = self.rows()
        if bound is not None:
            rows = rows.filter(**{f"{column}__{'lt' if is_backwards else 'gt'}": bound})
        order = f"-{column}" if is_backwards else column
        return list(rows.order_by(order).values_list(column, flat=True)[:most])

    def rows(self) -> tuple[QuerySet[Any], str]:
        """Return what is read in order of an index, and by which column."""
        if self.of_calls:
            calls = Recording.objects.filter(batch=self.batch, state=self.state.removeprefix(CALL), failure=self.cause)
            return calls, "pk"
        items = BatchItem.objects.filter(batch=self.batch)
        if self.state != EVERYTHING:
            items = items.filter(fate=self.state, cause=self.cause, recording=None)
        return items, "position"


Place = tuple[str, int]  # the key of a stretch, and a number in it


@dataclass(frozen=True)
class Slice:
    """Some items in their order, with the places of the first and the last where there is more before or behind."""

    items: list[BatchItem]
    first: Place | None
    last: Place | None


def stretches(batch: UUID, standing: Sequence[Standing]) -> list[Stretch]:
    """Return the stretches of a batch, always in the same order."""
    return [Stretch(batch, *one) for one in sorted(standing)]


def read(among: Sequence[Stretch], size: int, *, after: Place | None = None, before: Place | None = None) -> Slice:
    """Return the items behind a place, or before it, or the first of all.

    A place in a stretch that is not there any more is passed over: what is shown begins with the first.
    """
    place, is_backwards = before or after, before is not None
    order = list(reversed(among)) if is_backwards else list(among)
    begin = next((at for at, one in enumerate(order) if place and one.key == place[0]), None)
    if begin is None:
        place, is_backwards, order = None, False, list(among)
    found: list[tuple[Stretch, int]] = []
    for stretch in order[begin or 0 :]:
        bound = place[1] if place and stretch.key == place[0] else None
        numbers = stretch.numbers(size + 1 - len(found), bound, is_backwards=is_backwards)
        found += [(stretch, number) for number in numbers]
        if len(found) > size:
            break
    return sliced(found, size, has_place=place is not None, is_backwards=is_backwards)


def sliced(found: list[tuple[Stretch, int]], size: int, *, has_place: bool, is_backwards: bool) -> Slice:
    """Return the items of what was found, one number more than are shown saying that there are more."""
    shown, is_more = found[:size], len(found) > size
    if is_backwards:
        shown.reverse()
    more_before, more_behind = (is_more, True) if is_backwards else (has_place, is_more)
    places = [(stretch.key, number) for stretch, number in shown]
    return Slice(
        loaded(shown),
        first=places[0] if places and more_before else None,
        last=places[-1] if places and more_behind else None,
    )


SHOWN_WITH = ("recording__agent", "recording__contact", "recording__current_analysis")


def loaded(shown: Sequence[tuple[Stretch, int]]) -> list[BatchItem]:
    """Return the items in their order, with their calls; two queries at most."""
    calls = [number for stretch, number in shown if stretch.of_calls]
    positions = [number for stretch, number in shown if not stretch.of_calls]
    rows = BatchItem.objects.select_related(*SHOWN_WITH)
    found: dict[tuple[bool, int], BatchItem] = {}
    if calls:
        found |= {(True, item.recording_id or 0): item for item in rows.filter(recording__in=calls)}
    if positions:
        found |= {(False, item.position): item for item in rows.filter(batch=shown[0][0].batch, position__in=positions)}
    wanted = [(stretch.of_calls, number) for stretch, number in shown]
    return [found[each] for each in wanted if each in found]
