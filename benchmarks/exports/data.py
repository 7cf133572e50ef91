"""A database of calls as large as one likes, without sound: what an export reads."""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

AT_ONCE = 20_000
FINDINGS = ("met", "met", "violated")
SEGMENTS = 2


def prepare(folder: Path) -> None:
    """Let this process work on the data folder; has to come before anything of Django."""
    os.environ["CALLCOV_DATA_DIR"] = str(folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = "callcov_portal.settings"
    import django

    django.setup()


def fill(calls: int) -> None:
    """Write the tables, and calls with completed analyses, findings and segments, unless they are there."""
    from django.core.management import call_command

    from callcov_portal.models import Agent, Contact, Recording, User

    call_command("migrate", verbosity=0)
    there = Recording.objects.count()
    if there == 0:
        User.objects.create_user("bench")
        Agent.objects.bulk_create(
            Agent(identifier=f"agent-{n}", key=f"agent-{n}", name=f"Agent {n}") for n in range(200)
        )
        Contact.objects.bulk_create(Contact(identifier=f"+49 30 {n}", key=f"+49 30 {n}") for n in range(2000))
    for first in range(there, calls, AT_ONCE):
        write(range(first, min(first + AT_ONCE, calls)))


def write(numbers: range) -> None:
    """Write some calls and all that belongs to them."""
    from django.db.models import OuterRef, Subquery

    from callcov_portal.models import Analysis, Finding, Recording, Segment

    recordings = Recording.objects.bulk_create(recording(number) for number in numbers)
    analyses = Analysis.objects.bulk_create(analysis(one) for one in recordings)
    its = Analysis.objects.filter(recording=OuterRef("pk")).values("pk")
    Recording.objects.filter(current_analysis=None).update(current_analysis=Subquery(its))
    Finding.objects.bulk_create(finding(its, at) for its in analyses for at in range(len(FINDINGS)))
    Segment.objects.bulk_create(segment(its, at) for its in analyses for at in range(SEGMENTS))


def recording(number: int) -> "Recording":  # type: ignore[name-defined]  # noqa: F821
    """Return one call."""
    from callcov_portal.models import Recording

    return Recording(
        agent_id=1 + number % 200,
        contact_id=1 + number % 2000,
        called_at=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=37 * number),
        called_at_source="form",
        direction="inbound",
        file=f"2024/01/{number}.wav",
        file_name=f"call {number}, part 1.wav",
        sha256=hashlib.sha256(str(number).encode()).hexdigest(),
        size_bytes=16_000 * (number % 600),
        format="wav",
        mime="audio/wav",
        duration_seconds=number % 600 + 0.25,
        channels=2,
        uploaded_by_id=1,
        verdict=("pass", "coach", "")[number % 3],
    )


def analysis(one: "Recording") -> "Analysis":  # type: ignore[name-defined]  # noqa: F821
    """Return its analysis."""
    from callcov_portal.models import Analysis, State

    when = one.called_at + timedelta(hours=1)
    name = f"an_{one.sha256[:20]}"
    return Analysis(
        recording=one,
        state=State.COMPLETED,
        external_id=name,
        sent_at=when,
        finished_at=when,
        language="en",
        rules="a" * 64,
    )


def finding(of: "Analysis", at: int) -> "Finding":  # type: ignore[name-defined]  # noqa: F821
    """Return one of its findings."""
    from callcov_portal.models import Finding

    return Finding(
        analysis=of, position=at, check_id=f"check_{at}", title="Check", outcome=FINDINGS[at], quote="Thank you."
    )


def segment(of: "Analysis", at: int) -> "Segment":  # type: ignore[name-defined]  # noqa: F821
    """Return one of its segments."""
    from callcov_portal.models import Segment

    text = "Thank you for calling, how can I help you today? " * 2
    return Segment(analysis=of, position=at, label="A", speaker="agent", text=text, start=at, end=at + 1.0)
