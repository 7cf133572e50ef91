"""What failed, by cause, as pages show it: how many, what to do, and whether it may be retried."""

from dataclasses import dataclass

from callcov_portal.models import BulkJob


@dataclass(frozen=True)
class Failed:
    """What failed for one cause; how many of it can be retried, and how far a retry is, if one is under way."""

    cause: str
    label: str
    count: int
    link: str  # to where all of them are
    what_to_do: str
    retryable: int
    retry_at: str  # where a retry is asked for, "" if none can be retried
    retry: BulkJob | None
    was_taken: bool = True  # False for what was refused before it became a call
