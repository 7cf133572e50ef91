"""The group's last will: when the supervisor is gone, end every process group that it left behind.

It reads `+<group>` and `-<group>` lines from standard input. The pipe's other end is open in the supervisor alone, so
its end means that the supervisor is gone, however it went. What is still listed then is killed at once:
nothing is lost by that (the database is the queue), and the next start finds its ports free.
"""

import os
import signal
import sys
from collections.abc import Iterable


def left_behind(lines: Iterable[str]) -> set[int]:
    """Return the process groups that were added and not removed when the lines end; other lines are ignored."""
    groups: set[int] = set()
    for line in lines:
        sign, number = line[:1], line[1:].strip()
        if sign in {"+", "-"} and number.isdecimal() and int(number) > 1:
            (groups.add if sign == "+" else groups.discard)(int(number))
    return groups


def main() -> None:
    """Wait for the end of the supervisor; only that ends the keeper, no signal of a terminal."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for group in left_behind(sys.stdin):
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


if __name__ == "__main__":
    main()
