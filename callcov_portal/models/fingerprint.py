"""What a recording sounds like: kept to recognise the same call in another container, and indexed to find it."""

from collections.abc import Collection, Iterable

from django.db import connection, models
from django.db.models import Q

from callcov_portal.models.chore import Chore
from callcov_portal.models.recording import Recording
from callcov_portal.models.states import REVIVABLE, UNFINISHED, State, Urgency

LENGTH = 2.0  # seconds in a band of length: a call is looked for in its own and in both beside it
COMMON = 100  # calls of a band of length with the same word; in more it says nothing: an announcement
AT_ONCE = 60  # keys that one statement looks up

# A call that failed and was never paid for, or was taken back, is no reason not to send the same sound now.
COUNTS = Q(state__in=[*UNFINISHED, State.COMPLETED]) | Q(state=State.FAILED, failure__in=REVIVABLE)


class Fingerprint(Chore):
    """The sound of a recording. Due while it is to be heard, or heard again, before anything of the call is sent.

    One that could not be made has no places; `detail` says why.
    """

    recording = models.OneToOneField(Recording, on_delete=models.CASCADE, primary_key=True, related_name="fingerprint")
    urgency = models.PositiveSmallIntegerField(choices=Urgency, default=Urgency.PERSON)  # whose turn it is first
    places = models.BinaryField(null=True)  # see `sound.Fingerprint.kept`
    words = models.BinaryField(null=True)  # by which it is to be found once it counts, 4 bytes each
    is_kept = models.BooleanField(default=False)  # a person said that it is a call of its own, whatever it equals

    class Meta:
        indexes = [
            models.Index("urgency", "due_at", condition=Q(due_at__isnull=False), name="fingerprint_due"),
        ]

    def __str__(self) -> str:
        return f"fingerprint of call #{self.pk}"


class SoundWord(models.Model):
    """One word by which a recording is found, together with the band of its length."""

    key = models.BigIntegerField()
    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="+")

    class Meta:
        indexes = [models.Index("key", "recording", name="sound_word_by_key")]

    def __str__(self) -> str:
        return f"word of call #{self.recording_id}"


def key_of(seconds: float, word: int, beside: int = 0) -> int:
    """Return the key of a word in a call of some length, or in the band of length beside that."""
    return ((int(seconds / LENGTH) + beside) << 32) | word


def calls_with(keys: Collection[int], besides: int) -> list[int]:
    """Return the numbers of calls that have the most of these words, the best first; but one, and at most 20.

    What is read does not grow with the number of calls: of a key at most `COMMON` rows, and one more; then it counts for nothing.
    """
    times: dict[int, int] = {}
    ordered = sorted(keys)
    for first in range(0, len(ordered), AT_ONCE):
        for number in found_by(ordered[first : first + AT_ONCE]):
            times[number] = times.get(number, 0) + 1
    times.pop(besides, None)
    return sorted(times, key=lambda number: (-times[number], number))[:20]


def found_by(keys: Collection[int]) -> Iterable[int]:
    """Return the call of each row that one of these keys has."""
    table = SoundWord._meta.db_table
    one = f"SELECT * FROM (SELECT key, recording_id FROM {table} WHERE key = %s LIMIT {COMMON + 1}) AS one_key"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([one] * len(keys)), list(keys))
        rows = cursor.fetchall()
    counts: dict[int, int] = {}
    for key, _ in rows:
        counts[key] = counts.get(key, 0) + 1
    return [number for key, number in rows if counts[key] <= COMMON]
