"""Why something was not fetched. The text of each is a clear sentence for people."""


class FetchError(Exception):
    """Base of them all."""


class Blocked(FetchError):
    """The URL names something that is not public, or its form, scheme or port is not allowed."""


class Unreachable(FetchError):
    """No address, no connection, no valid certificate, too slow, or an answer of no use; `status` if there was one."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class TooLarge(FetchError):
    """There are more bytes than allowed."""
