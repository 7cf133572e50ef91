"""System checks: settings that are valid one by one and make no sense together."""

import ipaddress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks

from callcov_portal.safefetch import Guard


@checks.register()
def settings_make_sense(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Name each contradiction with what to do about it."""
    found: list[checks.CheckMessage] = []
    if not settings.CALLCOV_EMBEDDED and not settings.CALLCOV_API_KEY:
        found.append(checks.Error("CALLCOV_API_URL is set but CALLCOV_API_KEY is not: set the key.", id="portal.E001"))
    if not settings.CALLCOV_EMBEDDED and not settings.CALLCOV_PUBLIC_URL:
        found.append(
            checks.Warning(
                "CALLCOV_PUBLIC_URL is not set: the hosted API cannot reach the webhook, so results come by polling.",
                id="portal.W001",
            )
        )
    found += [checks.Error(problem, id="portal.E002") for problem in unusable_networks()]
    found += [checks.Error(problem, id="portal.E004") for problem in unusable_watch()]
    found += [checks.Error(problem, id="portal.E005") for problem in unusable_storage()]
    if settings.CALLCOV_EMBEDDED:
        found += [checks.Error(problem, id="portal.E003") for problem in unusable_engine()]
    return found


def unusable_engine() -> list[str]:
    """Name what keeps the embedded engine from starting; what it hears with, it checks itself."""
    if settings.CALLCOV_ENGINE_PORT == settings.CALLCOV_PORT:
        return [f"CALLCOV_ENGINE_PORT and CALLCOV_PORT are both {settings.CALLCOV_PORT}: change one of them."]
    return []


def unusable_watch() -> list[str]:
    """Name what keeps a folder from being watched: of the data folder the watch would move away what it keeps."""
    if not settings.CALLCOV_WATCH_FOLDER:
        return []
    folder, data = Path(settings.CALLCOV_WATCH_FOLDER), settings.CALLCOV_DATA_DIR
    if not folder.is_absolute():
        return ["CALLCOV_WATCH_FOLDER is no absolute path: begin it with /."]
    if folder.resolve().is_relative_to(data) or data.is_relative_to(folder.resolve()):
        return [f"CALLCOV_WATCH_FOLDER is or holds the data folder {data}, or lies in it: choose another one."]
    return []


def unusable_storage() -> list[str]:
    """Name what keeps a bucket from being used; whether it answers is said on the page Status."""
    given = [name for name in ("ENDPOINT", "REGION", "KEY", "SECRET", "PREFIX") if of_storage(name)]
    if not settings.CALLCOV_STORAGE_BUCKET:
        return [
            f"CALLCOV_STORAGE_{name} is set but CALLCOV_STORAGE_BUCKET is not: name the bucket." for name in given[:1]
        ]
    problems = []
    if ("KEY" in given) != ("SECRET" in given):
        missing, there = ("SECRET", "KEY") if "KEY" in given else ("KEY", "SECRET")
        problems.append(f"CALLCOV_STORAGE_{there} is set but CALLCOV_STORAGE_{missing} is not: set both or none.")
    if settings.CALLCOV_AUDIO_ACCEL:
        problems.append(
            "CALLCOV_AUDIO_ACCEL is for recordings in a folder, and CALLCOV_STORAGE_BUCKET is set: unset one."
        )
    return problems


def of_storage(name: str) -> str:
    """Return a setting of the storage."""
    return str(getattr(settings, f"CALLCOV_STORAGE_{name}"))


def unusable_networks() -> list[str]:
    """Name the entries of network lists that cannot be read."""
    problems = []
    try:
        Guard(tuple(settings.CALLCOV_FETCH_ALLOW))
    except ValueError as error:
        problems.append(str(error))
    for proxy in settings.CALLCOV_TRUSTED_PROXIES:
        try:
            ipaddress.ip_network(proxy, strict=False)
        except ValueError as error:
            problems.append(f"CALLCOV_TRUSTED_PROXIES: {error}")
    return problems
