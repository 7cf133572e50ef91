"""Bodies: those of requests that end too early, and those of answers that are there as a whole."""

from collections.abc import Callable, Iterable
from typing import Any, BinaryIO, cast

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class BrokenOff(OSError):
    """The connection ended before the body did."""


class WholeBody:
    """A WSGI input that raises `BrokenOff` where a body ends before its Content-Length.

    Servers hand out a broken connection as a plain end of the stream, and a multipart parser takes what has
    come as the whole: half a recording would be stored as if it were all of it.
    """

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self.stream = stream
        self.missing = length

    def read(self, size: int = -1) -> bytes:
        """Read as the stream does; at most what the body still holds."""
        wanted = self.missing if size < 0 else min(size, self.missing)
        return self.counted(self.stream.read(wanted)) if wanted else b""

    def readline(self, size: int = -1) -> bytes:
        """Read a line as the stream does."""
        wanted = self.missing if size < 0 else min(size, self.missing)
        return self.counted(self.stream.readline(wanted)) if wanted else b""

    def counted(self, content: bytes) -> bytes:
        if not content:
            raise BrokenOff(f"The connection broke off {self.missing} bytes before the end of the body.")
        self.missing -= len(content)
        return content


def whole_bodies(application: Application) -> Application:
    """Wrap a WSGI application so that it never takes part of a body for the whole."""

    def wrapped(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or ""
        if length.isdecimal():
            environ["wsgi.input"] = WholeBody(environ["wsgi.input"], int(length))
        return application(environ, start_response)

    return wrapped


def in_one_piece(application: Application) -> Application:
    """Wrap a WSGI application so that an answer that is there as a whole goes to the server as a list.

    granian sends a list at once, with its head; of anything else it asks for one piece after the other.
    """

    def wrapped(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer: Any = application(environ, start_response)
        if getattr(answer, "streaming", True):
            return cast("Iterable[bytes]", answer)
        try:
            return list(answer)
        finally:
            answer.close()

    return wrapped
