"""One part of the group, and the child process that runs it now."""

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from callcov_portal.supervisor.ears import Ear

LAUNCH = Path(__file__).parent.with_name("launch.py")
DEAF_AFTER = 90.0  # seconds of silence
LONGEST_GAP = 15.0  # seconds that one look may add to the silence, so that a frozen supervisor blames nobody
MANY_DEATHS = 5
MANY_DEATHS_WITHIN = 60.0  # seconds
LONGEST_PAUSE = 30.0  # seconds between two starts


@dataclass(frozen=True)
class Part:
    """What is to run: a name for people, the command, additions to the environment, and how to ask it."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    ears: tuple[Ear, ...] = ()
    once: bool = False  # ends by itself, and that is not a death


class Child:
    """A part's process: started, asked, ended with its whole process group, counted when it dies.

    Times are seconds of a monotonic clock. Not thread-safe, except that `look` may run beside the rest.
    """

    def __init__(self, part: Part) -> None:
        self.part = part
        self.process: subprocess.Popen[bytes] | None = None
        self.deaths: deque[float] = deque(maxlen=MANY_DEATHS)
        self.started_at = 0.0
        self.start_again_at: float | None = 0.0  # None: not to be started
        self.heard = False  # at least once since its first start
        self.silence = [0.0 for _ in part.ears]
        self.last_look = 0.0

    def start(self, now: float) -> None:
        """Start the process in a process group of its own; it dies with this process."""
        argv = [sys.executable, "-S", "-P", str(LAUNCH), str(os.getpid()), *self.part.argv]
        self.process = subprocess.Popen(  # noqa: S603  the program's own commands
            argv, env={**os.environ, **self.part.env}, stdin=subprocess.DEVNULL, process_group=0
        )
        self.started_at = self.last_look = now
        self.start_again_at = None
        self.silence = [0.0 for _ in self.part.ears]

    @property
    def running(self) -> bool:
        return self.process is not None

    @property
    def group(self) -> int:
        """The process group's number, which is the number of its leader."""
        assert self.process is not None  # noqa: S101  asked only while running
        return self.process.pid

    def has_ended(self) -> bool:
        """Say whether the leader is dead; it stays unreaped, so that its group's number cannot be given away."""
        return os.waitid(os.P_PID, self.group, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the leader alone: a worker's helpers must live until its task has stopped cleanly."""
        os.kill(self.group, signal.SIGTERM)

    def bury(self) -> int:
        """Kill whatever is left of the group and return the leader's exit status (negative: the signal)."""
        assert self.process is not None  # noqa: S101
        with suppress(ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
            os.killpg(self.group, signal.SIGKILL)
        status = self.process.wait()
        self.process = None
        return status

    def died(self, now: float) -> None:
        """Count a death and plan the next start: half a second later, doubling while deaths follow quickly."""
        if now - self.started_at > MANY_DEATHS_WITHIN:
            self.deaths.clear()
        self.deaths.append(now)
        self.start_again_at = now + min(0.5 * 2 ** (len(self.deaths) - 1), LONGEST_PAUSE)

    def dies_too_often(self, now: float) -> bool:
        return len(self.deaths) == MANY_DEATHS and now - self.deaths[0] <= MANY_DEATHS_WITHIN

    def look(self, now: float) -> None:
        """Ask every ear once and add the time since the last look to the silence of those that hear nothing."""
        gap, self.last_look = min(now - self.last_look, LONGEST_GAP), now
        answers = [ear.ask() for ear in self.part.ears]
        self.silence = [
            before + gap if answer is False else 0.0 for before, answer in zip(self.silence, answers, strict=True)
        ]
        self.heard = self.heard or (bool(answers) and all(answer is True for answer in answers))

    def is_deaf(self) -> bool:
        return any(silence > DEAF_AFTER for silence in self.silence)
