"""A process that does what it is told, and says how much CPU it cost: one for each database and each peer."""

import json
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.engine.serving import ROOT


class Broken(Exception):
    """A process ended, or what it was told to do went wrong; says how."""


class Process:
    """A running `child`; leave its `with` block to end it."""

    def __init__(self, place: str, command: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self.place = place
        self.log = log.open("w")
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(BrokenPipeError):
            self.process.communicate(timeout=120)
        self.log.close()

    def ask(self, **what: Any) -> dict[str, Any]:
        """Send one request and return the answer; raises `Broken`."""
        if self.process.stdin is None or self.process.stdout is None:
            raise Broken(f"{self.place} has no pipes.")
        try:
            self.process.stdin.write(json.dumps(what) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Broken(f"{self.place} ended:\n{Path(self.log.name).read_text()[-2000:]}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Broken(f"{self.place}: {answer['error']}")
        return answer
