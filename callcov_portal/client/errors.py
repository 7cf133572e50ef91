"""What can go wrong with the API, told by what may be done about it.

::

    ApiError
    ├── NotSent            the request certainly never arrived: it may be sent again
    │   └── RateLimited    429 on a create: refused before anything was made; wait `retry_after`
    ├── Unsure             a create may have arrived: look for it before sending it again
    ├── Refused            the API understood the request and will not do it
    ├── NotFound           the API does not know this analysis
    ├── Unavailable        a question was not answered; ask again later
    └── Misconfigured      address or key are wrong: nothing will work until a person changes a setting

A create raises `NotSent`, `RateLimited`, `Unsure`, `Refused` or `Misconfigured`; a question (get, list) raises
`NotFound`, `Unavailable`, `Refused` or `Misconfigured`. Nothing else about the network or the answer escapes.
"""

from collections.abc import Mapping


class ApiError(Exception):
    """Base of them all. `message` is a sentence for people; `status` the HTTP status, None without an answer."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class NotSent(ApiError):
    """The request certainly never reached the API: no address, no connection, or turned away at the door."""

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class RateLimited(NotSent):
    """429 on a create. `retry_after`: seconds to wait as the API says (at most 15 minutes), None if it does not."""


class Unsure(ApiError):
    """The create may have arrived and may have been billed: 5xx, a reset, a time-out, an answer without an id."""


class Refused(ApiError):
    """A 4xx that asking again will not change. `fields` maps the name of a field to what is wrong with it."""

    def __init__(self, message: str, *, status: int | None = None, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message, status=status)
        self.fields = dict(fields or {})


class NotFound(ApiError):
    """The API answers 404 for this id."""


class Unavailable(ApiError):
    """No usable answer after all attempts. `retry_after`: seconds to wait as the API says, None if it does not."""

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class Misconfigured(ApiError):
    """The API's address or key cannot be right: 401, 403, a redirect, no list, what cannot be sent."""
