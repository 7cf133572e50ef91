"""Counting again: calls from before there were counts, and the proof that the sums by week are right."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from callcov_portal.actions.summing import CALL_COUNTS, CHECK_COUNTS
from callcov_portal.actions.tallying import counted, findings_of, retally, share_of
from callcov_portal.models import AgentWeek, CallCheck, CallTally, CheckWeek, Recording, Signal, State

TALLIED = (
    "tallied"  # text: the highest number that is counted; "all" when nothing is left from before there were counts
)
ALL = "all"
AT_ONCE = 200

AGENT_WEEKS = (
    f"SELECT agent_id, week, COUNT(*), {', '.join(f'SUM({name})' for name in CALL_COUNTS[1:])} "  # noqa: S608
    f"FROM {CallTally._meta.db_table} GROUP BY agent_id, week"
)
CHECK_WEEKS = (
    "SELECT found.agent_id, tally.week, found.check_ref_id, "  # noqa: S608
    + ", ".join(f"SUM(CASE WHEN found.outcome = '{outcome}' THEN 1 ELSE 0 END)" for outcome in CHECK_COUNTS)
    + f" FROM {CallCheck._meta.db_table} found JOIN {CallTally._meta.db_table} tally"
    " ON tally.recording_id = found.recording_id GROUP BY found.agent_id, tally.week, found.check_ref_id"
)
# Table, columns, what they should hold, and which rows say nothing.
SUMS = (
    (AgentWeek._meta.db_table, ("agent_id", "week", *CALL_COUNTS), AGENT_WEEKS, "calls = 0"),
    (
        CheckWeek._meta.db_table,
        ("agent_id", "week", "check_ref_id", *CHECK_COUNTS),
        CHECK_WEEKS,
        " AND ".join(f"{name} = 0" for name in CHECK_COUNTS),
    ),
)


@dataclass(frozen=True)
class Recount:
    """What a recount came to: how many calls, the numbers of those counted wrongly, how many sums by week differ."""

    calls: int
    wrong: list[int]
    sums: int

    @property
    def is_equal(self) -> bool:
        return not self.wrong and not self.sums


def catch_up(at_once: int = AT_ONCE) -> int:
    """Count some of the calls from before there were counts, and return how many; 0 when there are none left.

    Stopped in between, it goes on where it was; counted twice, a call still counts once.
    """
    signal, _ = Signal.objects.get_or_create(name=TALLIED, defaults={"at": timezone.now(), "text": "0"})
    if signal.text == ALL:
        return 0
    numbers = list(
        Recording.objects.filter(pk__gt=int(signal.text)).order_by("pk").values_list("pk", flat=True)[:at_once]
    )
    for number in numbers:
        retally(number)
    reached = str(numbers[-1]) if len(numbers) == at_once else ALL
    Signal.objects.filter(name=TALLIED).update(text=reached, at=timezone.now())
    return len(numbers)


def recount() -> Recount:
    """Count everything again from the findings, compare, and change nothing. Reads every call: minutes for a million."""
    calls, wrong = 0, []
    for recording in all_recordings():
        calls += 1
        if not is_counted_rightly(recording):
            wrong.append(recording.pk)
    return Recount(calls, wrong, differing_sums())


def mend() -> None:
    """Count every call again, and write the sums by week anew. What was right stays as it is."""
    for recording in all_recordings():
        retally(recording.pk)
    rebuild()


def all_recordings() -> Iterator[Recording]:
    """Yield every recording, a batch at a time."""
    last = 0
    while batch := list(Recording.objects.filter(pk__gt=last).order_by("pk")[:AT_ONCE]):
        yield from batch
        last = batch[-1].pk


def is_counted_rightly(recording: Recording) -> bool:
    """Say whether what was counted of a call is what its findings come to."""
    analysis = recording.current_analysis_id if recording.state == State.COMPLETED else None
    return counted(recording.pk) == share_of(recording, findings_of(analysis), is_analysed=analysis is not None)


@transaction.atomic
def rebuild() -> None:
    """Write the sums by week anew from what was counted of each call; seconds for a million calls."""
    with connection.cursor() as cursor:
        for table, columns, right, _ in SUMS:
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608
            cursor.execute(f"INSERT INTO {table} ({', '.join(columns)}) {right}")


def differing_sums() -> int:
    """Return how many sums by week are not what was counted of the calls; rows of noughts say the same as none."""
    found = 0
    with connection.cursor() as cursor:
        for table, columns, right, empty in SUMS:
            there = f"SELECT {', '.join(columns)} FROM {table} WHERE NOT ({empty})"  # noqa: S608
            for one, other in ((right, there), (there, right)):
                cursor.execute(f"SELECT COUNT(*) FROM (SELECT * FROM ({one}) a EXCEPT SELECT * FROM ({other}) b) c")  # noqa: S608
                found += cursor.fetchone()[0]
    return found
