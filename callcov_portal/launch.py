"""Becomes a part of the group: tie its life to the supervisor's, then exec the part.

Run as a file by the supervisor (`launch.py <supervisor's process id> <command …>`), with the standard library
alone, so that a part starts without delay; `die_with_parent` is also called where a part forks by itself.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(parent: int | None = None) -> None:
    """Ask the kernel to kill this process when its parent dies; ends it at once if `parent` is already gone.

    Holds over `exec`. Elsewhere than on Linux nothing happens: there only the keeper ends orphans.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        sys.exit("The supervisor is gone.")


def main() -> None:
    """Become the command of the arguments."""
    die_with_parent(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  the supervisor's own command, no shell wanted


if __name__ == "__main__":
    main()
