"""What tests of the pages in a real browser do: sign somebody in, open a call, and wait until something is so."""

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from callcov_portal.models import Outcome, Recording, User
from tests.factories import CompletedFactory, FindingFactory, RecordingFactory, SegmentFactory
from tests.sounds import wav_of

EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'><svg onload=alert(3)>"


def sign_in(page: Page, live_server: LiveServer, user: User) -> None:
    """Let the page's browser be one in which that user, and nobody else, is signed in."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])


def long_call(seconds: float = 60.0) -> Recording:
    """Return a call with real sound of that length, two segments and two findings in it."""
    silence = wav_of(bytes(2 * int(8000 * seconds)))
    name = default_storage.save("long.wav", ContentFile(silence))
    call = RecordingFactory(file=name, duration_seconds=seconds)
    analysis = CompletedFactory(recording=call)
    SegmentFactory(analysis=analysis, text="The first words.", start=5.0, end=9.0)
    SegmentFactory(analysis=analysis, text="The second words.", start=30.0, end=35.0)
    FindingFactory(analysis=analysis, title="Nowhere", outcome=Outcome.OMITTED)
    FindingFactory(analysis=analysis, title="Somewhere", outcome=Outcome.MET, start=40.0, end=41.0)
    return call


def open_call(page: Page, call: Recording) -> None:
    page.goto(call.get_absolute_url())
    until(page, "document.getElementById('audio').readyState >= 1")


def position(page: Page) -> float:
    """Return the second at which the player of a call is."""
    return float(page.evaluate("document.getElementById('audio').currentTime"))


def until(page: Page, condition: str) -> None:
    """Wait until an expression is true (the pages' policy forbids Playwright's own way of waiting for one)."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    raise AssertionError(condition)
