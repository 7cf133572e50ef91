"""What there are very many of is not counted again for each page: it is believed for a while."""

import time
from collections.abc import Hashable

SECONDS = 60.0
MOST = 1000


class Believed:
    """What this process found lately to be many; so much may be said a minute too long."""

    def __init__(self) -> None:
        self.until: dict[Hashable, float] = {}

    def __contains__(self, what: Hashable) -> bool:
        return self.until.get(what, 0.0) > time.monotonic()

    def add(self, what: Hashable) -> None:
        """Believe it from now on."""
        if len(self.until) >= MOST:
            self.until.clear()
        self.until[what] = time.monotonic() + SECONDS
