"""`manage.py serve`: run the portal, in one foreground process with its parts as children."""

import fcntl
import os
import socket
import time
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from callcov_portal.supervisor import parts
from callcov_portal.supervisor.child import Part
from callcov_portal.supervisor.group import GaveUp, Group

PATIENCE = 5.0  # seconds in which the parts of a killed supervisor have given back their ports


class Command(BaseCommand):
    """Run web server, worker, beat, unless CALLCOV_API_URL names another API the engine, and a watch if a folder is set."""

    help = (
        "Run the whole portal in the foreground: web server, worker with beat, engine and engine worker. "
        "Ctrl-C stops all of it. A part that dies or stops answering is restarted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--only", metavar="PARTS", help=f"run only these parts, separated by commas: {', '.join(parts.NAMES)}"
        )
        parser.add_argument("--no-setup", action="store_true", help="do not run `setup` first")
        parser.add_argument("--demo", action="store_true", help="also add the example calls and have them analysed")

    def handle(self, *args: Any, **options: Any) -> None:
        names = chosen(options["only"])
        if options["demo"] and "web" not in names:
            raise CommandError("--demo needs the web part: leave --only out or add web to it.")
        if not options["no_setup"]:
            call_command("setup", stdout=self.stdout)
        connections.close_all()
        group = parts.build(names) + ([parts.demo()] if options["demo"] else [])
        with ExitStack() as locks:
            for part in group:
                locks.enter_context(lock_of(part.name))
            check_ports(names)
            self.run(group, names)

    def run(self, group: list[Part], names: tuple[str, ...]) -> None:
        """Run until a signal comes; CommandError (exit status 1) names what made the group give up."""
        self.tell(f"Starting {', '.join(part.name for part in group)} …")
        try:
            Group(group, say=self.tell, on_ready=lambda: self.tell(welcome(names))).run()
        except GaveUp as error:
            raise CommandError(str(error)) from error
        self.tell("Stopped.")

    def tell(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def chosen(only: str | None) -> tuple[str, ...]:
    """Return the parts to run; raises CommandError for a name that is none."""
    if only is None:
        return tuple(name for name in parts.NAMES if is_wanted(name))
    names = tuple(name.strip() for name in only.split(",") if name.strip())
    unknown = [name for name in names if name not in parts.NAMES]
    if unknown or not names:
        what = f"There is no part {unknown[0]!r}" if unknown else "--only names no part"
        raise CommandError(f"{what}; choose from {', '.join(parts.NAMES)}.")
    if not settings.CALLCOV_EMBEDDED and (engine := [name for name in names if name in parts.ENGINE_NAMES]):
        raise CommandError(f"{engine[0]} cannot run: CALLCOV_API_URL names another API, so the embedded one is off.")
    if "watch" in names and not settings.CALLCOV_WATCH_FOLDER:
        raise CommandError("watch cannot run: set CALLCOV_WATCH_FOLDER to the folder.")
    return names


def is_wanted(name: str) -> bool:
    """Say whether a part runs unless somebody says otherwise."""
    if name == "watch":
        return bool(settings.CALLCOV_WATCH_FOLDER)
    return settings.CALLCOV_EMBEDDED or name not in parts.ENGINE_NAMES


def lock_of(name: str) -> Any:
    """Hold the lock of this part on this host; the kernel gives it back however the process ends."""
    path: Path = settings.CALLCOV_DATA_DIR / "run" / f"{name}@{socket.gethostname()}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        owner = file.read().strip()
        file.close()
        raise CommandError(
            f"Process {owner} already runs {name} on the data folder {settings.CALLCOV_DATA_DIR}. "
            "Stop it first, or set CALLCOV_DATA_DIR to another folder."
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def check_ports(names: tuple[str, ...]) -> None:
    """Raise CommandError when a port is taken, and still is after PATIENCE seconds."""
    wanted = {
        "web": (settings.CALLCOV_BIND, settings.CALLCOV_PORT, "CALLCOV_PORT"),
        "engine": ("127.0.0.1", settings.CALLCOV_ENGINE_PORT, "CALLCOV_ENGINE_PORT"),
    }
    deadline = time.monotonic() + PATIENCE
    for name in wanted.keys() & set(names):
        bind, port, setting = wanted[name]
        while (problem := why_not(bind, port)) is not None:
            if time.monotonic() > deadline:
                raise CommandError(f"{name} cannot start on {bind}:{port}: {problem}. {setting} chooses another port.")
            time.sleep(0.2)


def why_not(bind: str, port: int) -> str | None:
    """Say why nothing can listen there, or None when it can."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Like the server's own socket; a port that somebody listens on is refused all the same.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind.strip("[]"), port))
        except socket.gaierror:
            return "this machine has no such address, see CALLCOV_BIND"
        except OSError as error:
            return os.strerror(error.errno).lower() if error.errno else str(error)
    return None


def welcome(names: tuple[str, ...]) -> str:
    """Return what a person wants to know when everything answers."""
    engine = f"{'on, at' if 'engine' in names else 'expected at'} {settings.CALLCOV_API_URL}"
    if not settings.CALLCOV_EMBEDDED:
        engine = f"off (API: {settings.CALLCOV_API_URL})"
    if "web" not in names:
        return f"Running {', '.join(names)}. Ctrl-C stops."
    host = parts.reachable(settings.CALLCOV_BIND)
    address = settings.CALLCOV_PUBLIC_URL or f"http://{f'[{host}]' if ':' in host else host}:{settings.CALLCOV_PORT}"
    return "\n".join(
        [
            f"\n  Open {address}/",
            f"  Embedded engine: {engine}",
            "  Ctrl-C stops.\n",
        ]
    )
