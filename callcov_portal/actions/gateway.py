"""The API as our settings name it, and what its answers tell all workers."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from callcov_portal.actions import pace
from callcov_portal.client.api import Api
from callcov_portal.client.errors import ApiError, Misconfigured, NotSent, RateLimited, Unavailable, Unsure
from callcov_portal.models import Signal

ANSWER = "api_answer"  # the last time the API answered at all
TROUBLE = "api_trouble"  # why it does not work, since when; gone when it works again
MISCONFIGURED_PAUSE = 30.0
TO_THE_SECOND = timedelta(seconds=1)


def api() -> Api:
    """Return a client for the API that the settings name."""
    return Api(settings.CALLCOV_API_URL, settings.CALLCOV_API_KEY, read_timeout=60.0)


@contextmanager
def speaking(*buckets: str) -> Iterator[Api]:
    """Take a place in each bucket of the limits, hand out the client, and write down how the API took it.

    Raises `pace.TooSoon` before anything is sent; passes every `ApiError` on. A 429 or a refused key makes all
    workers pause: the API's wish and a wrong key concern every analysis alike.
    """
    if buckets:
        pace.take(*buckets)
    try:
        client = api()
        yield client
    except (RateLimited, Misconfigured) as error:
        wait = error.retry_after if isinstance(error, RateLimited) else MISCONFIGURED_PAUSE
        pace.pause(wait or 60.0, str(error))
        note_trouble(error)
        raise
    except Unsure as error:
        note_trouble(error)
        raise
    except (NotSent, Unavailable) as error:
        wait = error.retry_after or (60.0 if error.status == 429 else None)
        if isinstance(error, Unavailable) and wait:
            pace.pause(wait, str(error))
        note_trouble(error)
        raise
    except ApiError:
        note_answer()
        raise
    else:
        note_answer()
        pause_if_spent(client)


def pause_if_spent(client: Api) -> None:
    """Obey `X-RateLimit-Remaining: 0` until the reset that comes with it."""
    rate = client.last_rate
    if rate and rate.remaining == 0 and rate.reset:
        pace.pause(rate.reset - timezone.now().timestamp(), "The API's limit is used up.")


def note_answer() -> None:
    """Write down that the API answered just now, to the second; trouble is over."""
    now = timezone.now()
    signals = Signal.objects.filter(name__in=[ANSWER, TROUBLE]).values_list("name", "at", "text")
    told = {name: (at, text) for name, at, text in signals}  # reading waits for no other writer
    at, text = told.get(ANSWER, (None, ""))
    if at is None or abs(now - at) >= TO_THE_SECOND or text != settings.CALLCOV_API_URL:
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
