"""People, a client for each, and no network beyond this machine."""

import heapq
from collections.abc import Callable, Generator, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from hypothesis import settings as hypothesis_settings
from pytest_socket import socket_allow_hosts
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from callcov_portal.actions import gateway
from callcov_portal.models import Role, User
from tests.fakes import FakeApi
from tests.services import missing_services

if TYPE_CHECKING:
    from tests.s3 import Kept

PASSWORD = "correct horse battery"
hypothesis_settings.register_profile("fuzz", max_examples=1000)  # `make fuzz`


SHARING = ("_in_browser.py", "test_speech_whisper.py", "test_one_group.py", "test_hearing.py")
"""Ends of the names of files whose tests share a browser, a model, a running group or a call that was heard."""


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Those with a database are marked. Those that start processes or a model come evenly among the others.

    They mostly wait, and the quick ones fill the cores meanwhile; all at once, as pytest-django would have them at the end,
    they would wait for each other.
    """
    for item in items:
        if marked(item, "django_db") or {"db", "transactional_db"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("database")
    yield
    shared = [list(some) for _, some in groupby(items, key=lambda item: scope_of(item.nodeid))]
    slow: list[list[pytest.Item]] = []
    quick: list[list[pytest.Item]] = []
    for some in shared:
        (slow if any(marked(item, "group", "speech") for item in some) else quick).append(some)
    items[:] = [item for some in spread(slow, quick) for item in some]


def spread(few: list[list[pytest.Item]], many: list[list[pytest.Item]]) -> list[list[pytest.Item]]:
    """Return both in their order, the few from the first on, evenly over two thirds of the many."""
    places = [(2 * len(many) * number / (3 * len(few)), some) for number, some in enumerate(few)]
    return [some for _, some in heapq.merge(places, enumerate(many), key=lambda pair: pair[0])]


class Scheduling(LoadScopeScheduling):
    """Sends the tests of a file that share something to the same worker, all others one by one.

    By hand: the groups of xdist 3.8 (`--dist loadgroup`) have no effect with pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def scope_of(nodeid: str) -> str:
    """Return what is given to one process as a whole: one test, or the file of those that share something."""
    file = nodeid.partition("::")[0]
    return file if file.endswith(SHARING) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Scheduling(config, log)


def marked(item: pytest.Item, *names: str) -> bool:
    return any(item.get_closest_marker(name) for name in names)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Loopback only, and loud skips: a service that is required and missing is a failure."""
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)
    missing_services(item)


@pytest.fixture(autouse=True)
def plain_static_files(settings) -> None:
    """Templates name static files as they are: there is no collected manifest in a test."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture(autouse=True)
def own_data_folder(settings, tmp_path) -> None:
    """Every test writes into a folder of its own."""
    settings.CALLCOV_DATA_DIR = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "recordings"}},
    }


@pytest.fixture
def api(monkeypatch) -> FakeApi:
    """The API that the portal speaks to, within this process."""
    fake = FakeApi()
    monkeypatch.setattr(gateway, "api", lambda: fake)
    return fake


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    """The address of an S3 on this machine."""
    from tests import s3

    with s3.served() as address:
        yield address


@pytest.fixture
def in_bucket_unaided(s3_address, settings) -> "Kept":
    """The portal keeps its recordings in a bucket of that S3."""
    from tests import s3

    kept = s3.Kept(s3_address)
    settings.CALLCOV_STORAGE_BUCKET, settings.CALLCOV_STORAGE_ENDPOINT = kept.name, s3_address
    settings.STORAGES = {**settings.STORAGES, "default": s3.storage_at(s3_address, kept.name)}
    return kept


@pytest.fixture
def in_bucket(in_bucket_unaided, monkeypatch) -> "Kept":
    """The same, by one session of boto3 for all tests: a new one for each storage takes a quarter of a second."""
    from callcov_portal.bucket import Bucket
    from tests import s3

    monkeypatch.setattr(Bucket, "_create_session", lambda _storage: s3.session())
    return in_bucket_unaided


@pytest.fixture(autouse=True)
def quick_passwords(settings) -> None:
    """Passwords are hashed at once: the real hasher takes half a second for each person of each test."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def silent_bell(settings) -> None:
    """The doorbell rings into memory: no test leaves messages to another."""
    from callcov_portal.celery import app

    app.conf.broker_url = "memory://"
    app.conf.broker_transport_options = {}


def person(name: str, role: Role) -> User:
    return get_user_model().objects.create_user(name, password=PASSWORD, role=role)


@pytest.fixture
def alice(db) -> User:
    """QA lead."""
    return person("alice", Role.LEAD)


@pytest.fixture
def bob(db) -> User:
    """Reviewer."""
    return person("bob", Role.REVIEWER)


@pytest.fixture
def dora(db) -> User:
    """Administrator."""
    return person("dora", Role.ADMINISTRATOR)


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    """Return a browser in which that user is signed in."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in


@pytest.fixture
def as_alice(alice, signed_in) -> Client:
    return signed_in(alice)


@pytest.fixture
def as_bob(bob, signed_in) -> Client:
    return signed_in(bob)


@pytest.fixture
def as_dora(dora, signed_in) -> Client:
    return signed_in(dora)


@pytest.fixture
def as_charlie() -> Client:
    """Nobody: not signed in."""
    return Client()
