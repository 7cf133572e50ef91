"""How many of everything, in two forms: every test run and `make faults` have the short one, `make soak` the long one."""

import os
import sys

SOAK = bool(os.environ.get("SOAK"))


def many(soak: int, short: int) -> int:
    """Return how many of something: in the long form, or in the short one."""
    return soak if SOAK else short


def tell(figures: str) -> None:
    """Say what was measured; `make soak` shows it of tests that passed, too."""
    sys.stdout.write(f"{figures}\n")
