"""What is asked for: how many calls, of how many people, over how long."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

SOURCE = "demo data"  # stands where the API's address stands that an analysis was sent to
MOST_CONTACTS = 50_000


@dataclass(frozen=True)
class Plan:
    """`calls` calls of `agents` agents in the `months` before `until`; weeks and hours are those of `zone`.

    With `has_words` off there are no transcripts and no documents: for measuring pages that show none, in a quarter of
    the room.
    """

    calls: int
    agents: int
    months: int
    seed: int
    until: datetime
    zone: tzinfo
    has_words: bool = True

    @property
    def contacts(self) -> int:
        """How many people call: two calls each, of 50,000 people at most."""
        return min(MOST_CONTACTS, max(1, self.calls // 2))

    @property
    def weeks(self) -> int:
        """Over how many weeks the calls are spread."""
        return max(1, round(self.months * 52.18 / 12))
