"""The API as our settings name it, and what its answers tell all workers."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from callcov_portal.actions import pace
from callcov_portal.client.api import Api
from callcov_portal.client.errors import ApiError, Misconfigured, NotSent, RateLimited, Unavailable, Unsure
from callcov_portal.client.types import RateLimit
from callcov_portal.models import Signal
from callcov_portal.models.overview import signals

ANSWER = "api_answer"  # the last time the API answered at all
TROUBLE = "api_trouble"  # why it does not work, since when; gone when it works again
MISCONFIGURED_PAUSE = 30.0
LIMITED_PAUSE = 60.0  # after a 429 that does not say how long
UNREACHABLE_PAUSE = 5.0  # an API that is away is tried again so often, by whoever comes first
TO_THE_SECOND = timedelta(seconds=1)


def api() -> Api:
    """Return a client for the API that the settings name."""
    return Api(settings.CALLCOV_API_URL, settings.CALLCOV_API_KEY, read_timeout=60.0, on_repeat=pace.note_repeat)


@contextmanager
def speaking(*buckets: str) -> Iterator[Api]:
    """Take a place in each bucket of the limits, hand out the client, and write down how the API took it.

    Raises `pace.TooSoon` before anything is sent; passes every `ApiError` on. A 429 or a refused key makes all
    workers pause: the API's wish and a wrong key concern every analysis alike. So does an API that cannot be reached.
    """
    if buckets:
        pace.take(*buckets)
    client = None
    try:
        client = api()
        yield client
    except ApiError as error:
        if means_trouble(error):
            pause_for(error, client)
            note_trouble(error)
        else:
            note_answer()
        raise
    else:
        note_answer()
        pause_if_spent(client)


@contextmanager
def submitting(place: pace.Place) -> Iterator[Api]:
    """Hand out the client for one submission, for which a place was taken; otherwise as `speaking`."""
    try:
        with speaking() as client:
            yield client
    finally:
        pace.note_answered(place)


def means_trouble(error: ApiError) -> bool:
    """Say whether the error tells of the API itself, and not of what was asked."""
    return isinstance(error, (NotSent, Misconfigured, Unsure, Unavailable))


def pause_for(error: ApiError, client: Api | None) -> None:
    """Make all workers wait where the trouble would meet each of them."""
    told = error.retry_after if isinstance(error, (NotSent, Unavailable)) else None
    if isinstance(error, Misconfigured):
        pace.pause(MISCONFIGURED_PAUSE, str(error))
    elif error.status == 429:
        about = bucket_of(client.last_rate if client else None) if isinstance(error, RateLimited) else ""
        pace.pause(told or LIMITED_PAUSE, str(error), about)
    elif told and isinstance(error, Unavailable):
        pace.pause(told, str(error))
    elif error.status is None and not isinstance(error, Unsure):
        pace.pause(UNREACHABLE_PAUSE, str(error))


def pause_if_spent(client: Api) -> None:
    """Obey `X-RateLimit-Remaining: 0` until the reset that comes with it.

    Not where our own log knows of it: that has kept everybody waiting already, and until the very moment.
    """
    rate = client.last_rate
    if rate and rate.remaining == 0 and rate.reset and not pace.is_spent(bucket := bucket_of(rate) or pace.REQUEST):
        about = bucket if bucket == pace.SUBMISSION else ""
        pace.pause(rate.reset - timezone.now().timestamp(), "The API's limit is used up.", about)


def bucket_of(rate: RateLimit | None) -> str:
    """Return which limit an answer tells of by its size: that of submissions, or "" for that of all requests."""
    largest = pace.limit_of(pace.SUBMISSION)
    is_smaller = largest < pace.limit_of(pace.REQUEST)
    return pace.SUBMISSION if rate and rate.limit and is_smaller and rate.limit <= largest else ""


def note_answer() -> None:
    """Write down that the API answered just now, to the second; trouble is over."""
    now = timezone.now()
    told = signals(ANSWER, TROUBLE)  # reading waits for no other writer
    last = told.get(ANSWER)
    if last is None or abs(now - last.at) >= TO_THE_SECOND or last.text != settings.CALLCOV_API_URL:
        Signal.objects.update_or_create(name=ANSWER, defaults={"at": now, "text": settings.CALLCOV_API_URL})
    if TROUBLE in told:
        Signal.objects.filter(name=TROUBLE).delete()


def note_trouble(error: ApiError) -> None:
    """Write down why the API does not work; `at` stays the time at which the trouble began."""
    trouble, created = Signal.objects.get_or_create(
        name=TROUBLE, defaults={"at": timezone.now(), "text": str(error)[:500]}
    )
    if not created and trouble.text != str(error)[:500]:
        Signal.objects.filter(name=TROUBLE).update(text=str(error)[:500])
