"""The supervisor: starts the parts, restarts the dead and the deaf, stops all, and leaves nobody behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from callcov_portal.supervisor.child import MANY_DEATHS, MANY_DEATHS_WITHIN, Child, Part

KEEPER = Path(__file__).with_name("keeper.py")
STOP_SECONDS = 10.0
LOOK_EVERY = 10.0  # seconds between two questions to a part that was heard
LOOK_AT_START = 0.5  # … and to one that has not been heard yet


class GaveUp(Exception):
    """The group cannot go on; the text names the part and the cause."""


class Group:
    """Runs parts until it is told to stop. Use it from the main thread: children die with the thread that starts them.

    `say` gets one line of text per event. `run` handles SIGTERM, SIGINT and SIGHUP: the first stops cleanly
    within `stop_seconds`, the second at once.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        say: Callable[[str], None],
        on_ready: Callable[[], None] = lambda: None,
        stop_seconds: float = STOP_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.children = [Child(part) for part in parts]
        self.say, self.on_ready, self.stop_seconds, self.clock = say, on_ready, stop_seconds, clock
        self.stops_asked = 0
        self.ready = False
        self.keeper: subprocess.Popen[bytes] | None = None
        self.over = threading.Event()
        self.listener: threading.Thread | None = None

    def run(self) -> None:
        """Run the group until a signal stops it; raises GaveUp, with everything stopped, when it cannot go on."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # a parent that ignores it would take our children's ends away
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = {number: signal.signal(number, self._asked_to_stop) for number in numbers}
        try:
            while not self.stops_asked:
                self.tick()
                time.sleep(0.1)
        finally:
            self.stop()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _asked_to_stop(self, *_: object) -> None:
        self.stops_asked += 1

    def tick(self) -> None:
        """Do everything that is due now. Raises GaveUp."""
        self._watch_keeper()
        if self.listener is None or not self.listener.is_alive():
            self.listener = threading.Thread(target=self._listen, name="listener", daemon=True)
            self.listener.start()
        for child in self.children:
            if child.running:
                self._watch(child)
            elif child.start_again_at is not None and child.start_again_at <= self.clock():
                self._start(child)
        if os.getpid() == 1:
            self._reap_strangers()
        if not self.ready and all(child.heard for child in self.children if child.part.ears):
            self.ready = True
            self.on_ready()

    def _start(self, child: Child) -> None:
        child.start(self.clock())
        self._will(f"+{child.group}")

    def _watch(self, child: Child) -> None:
        now = self.clock()
        if child.has_ended():
            self._will(f"-{child.group}")
            self._ended(child, child.bury(), now)
        elif child.is_deaf():
            self.say(f"{child.part.name} does not answer any more; it is restarted.")
            self._end([child])
            child.died(now)

    def _ended(self, child: Child, status: int, now: float) -> None:
        name, how = child.part.name, in_words(status)
        if child.part.once:
            if status:
                self.say(f"{name} {how}; see the lines above.")
            return
        if status > 0 and child.part.ears and not child.heard:
            raise GaveUp(f"{name} could not start: it {how}. The lines above say why.")
        child.died(now)
        if child.dies_too_often(now):
            raise GaveUp(
                f"{name} died {MANY_DEATHS} times within {MANY_DEATHS_WITHIN:.0f} seconds, last time it {how}. "
                "The lines above say why."
            )
        self.say(f"{name} {how}; it is restarted.")

    def stop(self) -> None:
        """Stop every part: SIGTERM, then SIGKILL after `stop_seconds` or a second request. May be called twice."""
        self.over.set()
        self._end(self.children)
        if self.keeper is not None:
            assert self.keeper.stdin is not None  # noqa: S101  opened as a pipe
            self.keeper.stdin.close()
            self.keeper.wait()
            self.keeper = None

    def _end(self, children: Iterable[Child]) -> None:
        left = [child for child in children if child.running]
        for child in left:
            child.ask_to_stop()
        deadline = self.clock() + self.stop_seconds
        while left and self.clock() < deadline and self.stops_asked < 2:
            time.sleep(0.05)
            left = [child for child in left if not child.has_ended()]
        for child in children:
            if child.running:
                if child in left:
                    self.say(f"{child.part.name} did not stop in time; it was killed.")
                self._will(f"-{child.group}")
                child.bury()

    def _watch_keeper(self) -> None:
        if self.keeper is not None:
            if self.keeper.poll() is None:
                return
            assert self.keeper.stdin is not None  # noqa: S101
            self.keeper.stdin.close()
        argv = [sys.executable, "-S", "-P", str(KEEPER)]
        self.keeper = subprocess.Popen(argv, stdin=subprocess.PIPE, bufsize=0, start_new_session=True)  # noqa: S603
        for child in self.children:
            if child.running:
                self._will(f"+{child.group}")

    def _will(self, line: str) -> None:
        if self.keeper is None or self.keeper.stdin is None:
            return
        with suppress(BrokenPipeError):  # the next tick starts another keeper and tells it everything
            self.keeper.stdin.write(f"{line}\n".encode())

    def _listen(self) -> None:
        """Ask every running part in its time; in a thread, because a question may take seconds."""
        while not self.over.wait(LOOK_AT_START / 2):
            for child in self.children:
                pause = LOOK_EVERY if child.heard else LOOK_AT_START
                if child.running and child.part.ears and self.clock() - child.last_look >= pause:
                    child.look(self.clock())

    def _reap_strangers(self) -> None:
        """As process 1 of a container, bury orphans that nobody else will."""
        own = {child.group for child in self.children if child.running}
        own |= {self.keeper.pid} if self.keeper else set()
        while (info := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and info.si_pid not in own:
            os.waitpid(info.si_pid, os.WNOHANG)


def in_words(status: int) -> str:
    """Say how a process ended."""
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with exit status {status}"
