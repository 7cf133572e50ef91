"""Who saw or heard sensitive data, and when: each time is written down."""

from datetime import timedelta

from django.utils import timezone

from callcov_portal.models import Analysis, LogEntry, User

SHOWN, READ, HEARD, DOWNLOADED, EXPORTED = (
    "sensitive data shown",
    "sensitive data read as JSON",
    "sensitive data heard",
    "sensitive data downloaded",
    "sensitive data exported",
)
ONE_HEARING = timedelta(minutes=10)
"""A browser asks for a recording's sound in many pieces: within this time they are one hearing."""


def note_shown(user: User, analysis: Analysis) -> None:
    """Write down that a user was shown transcript and findings of an analysis unmasked."""
    note(user, SHOWN, analysis.recording_id, f"transcript and findings of analysis {analysis.pk}")


def note_read(user: User, number: int, analysis: object) -> None:
    """Write down that a user got the API's document of an analysis unmasked."""
    note(user, READ, number, f"document of analysis {analysis}")


def note_kept(user: User, number: int, what: str) -> None:
    """Write down that a user downloaded something of a call unmasked."""
    note(user, DOWNLOADED, number, what)


def note_heard(user: User, number: int, *, as_download: bool) -> None:
    """Write down that a user hears, or downloads, the original sound of a call: once within ten minutes."""
    act = DOWNLOADED if as_download else HEARD
    since = timezone.now() - ONE_HEARING
    mine = LogEntry.objects.filter(user=user, act=act, recording_number=number, at__gte=since)
    if not mine.exists():
        note(user, act, number, "the original sound")


def note_exported(user: User | None, table: str, filters: str) -> None:
    """Write down that a user, or a command, exported a table unmasked, and which calls were chosen."""
    note(user, EXPORTED, None, f"{table}: {filters or 'all calls'}")


def note(user: User | None, act: str, number: int | None, text: str) -> None:
    """Write one line of the log."""
    LogEntry.objects.create(user=user, act=act, recording_number=number, text=text)
