"""Keeping the patterns by which the names of files are read."""

from callcov_portal.models import FilePattern


def keep(pattern: FilePattern | None, *, team: str, name: str, text: str, position: int) -> FilePattern:
    """Write a new pattern (None), or change one."""
    kept = pattern or FilePattern()
    kept.team, kept.name, kept.pattern, kept.position = team, name, text, position
    kept.save()
    return kept


def forget(pattern: FilePattern) -> None:
    """Remove a pattern; batches that were opened with it keep its text."""
    pattern.delete()


def kept_for() -> dict[str, str]:
    """Return the patterns of each team that has some, "" for all, one a line."""
    kept: dict[str, list[str]] = {}
    for pattern in FilePattern.objects.all():
        kept.setdefault(pattern.team, []).append(pattern.pattern)
    return {team: "\n".join(texts) for team, texts in kept.items()}
