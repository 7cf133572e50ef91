"""The short way to sound: a server hands it out past all that is there for pages.

To who is not to hear it that makes no difference.
"""

import os
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, default_storage
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from callcov_portal import sessions
from callcov_portal.models import Recording, Role, User
from tests.conftest import person
from tests.views.serving import CONTENT, SIZE, as_served, body, call_with_sound, get


@pytest.fixture
def call(db) -> Recording:
    return call_with_sound()


@pytest.fixture(autouse=True)
def _unknown():
    """Whose a session is has to be found out."""
    sessions.whose.cache_clear()


@pytest.fixture
def passed(monkeypatch) -> list[str]:
    """The addresses that went the long way."""
    seen: list[str] = []
    monkeypatch.setattr(
        "csp.middleware.CSPMiddleware.process_request", lambda _self, request: seen.append(request.path)
    )
    return seen


@pytest.fixture
def served(as_bob) -> Client:
    return as_served(as_bob)


def test_who_may_hear_it_gets_it_straight(served, call, passed):
    assert get(served, call, Range="bytes=0-9").status_code == 206
    assert get(served, call, If_None_Match='"c0ffee"').status_code == 304
    assert served.head(f"/calls/{call.pk}/audio/").status_code == 200
    assert passed == []


def test_the_web_server_has_the_short_way(as_bob, call, passed):
    from callcov_portal.wsgi import application

    assert body(get(as_served(as_bob, application), call, Range="bytes=0-9")) == CONTENT[:10]
    assert passed == []


def test_all_else_goes_the_long_way(served, call, passed):
    ways = [f"/calls/{call.pk}/audio/?download=1", "/calls/", "/calls/12345/audio/"]
    assert [served.get(way).status_code for way in ways] == [200, 200, 404]
    assert served.post(f"/calls/{call.pk}/audio/").status_code == 403
    assert len(passed) == 4


@pytest.mark.parametrize("name", ["a\nb.wav", "a.wav\n", "\x01\x7f.wav", "ü.wav\r\n", "\t"])
def test_a_name_that_is_no_header_keeps_nobody_from_the_sound(as_bob, call, name):
    Recording.objects.update(file_name=name)
    said = [get(client, call)["Content-Disposition"] for client in (as_bob, as_served(as_bob))]
    assert said[0] == said[1]
    assert said[0].startswith("inline")
    assert as_bob.get(f"/calls/{call.pk}/audio/?download=1").status_code == 200


def test_what_nobody_thought_of_is_told_on_the_long_way(served, call, passed):
    Recording.objects.update(file="../elsewhere.wav")
    assert get(served, call).status_code == 400
    assert len(passed) == 1


@pytest.mark.parametrize("key", ["abcdefgh\\000", "", "a", "x" * 200])
def test_a_key_that_is_none_opens_nothing(as_bob, call, key):
    for client in (as_bob, as_served(as_bob)):
        client.cookies["sessionid"] = f'"{key}"'
        assert get(client, call)["Location"].startswith("/login/")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Range": "bytes=0-9"},
        {"Range": "bytes=9-0"},
        {"Range": f"bytes={SIZE}-"},
        {"Range": "bytes=0-9", "If-Range": '"other"'},
        {"If-None-Match": '"c0ffee"'},
        {"Host": "elsewhere.example"},
        {"Host": "testserver:8000"},
        {"Host": "testserver:port"},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["get", "head"])
def test_both_ways_say_the_same(as_bob, call, headers, method):
    plain, served = (
        getattr(client, method)(f"/calls/{call.pk}/audio/", headers=headers) for client in (as_bob, as_served(as_bob))
    )
    assert served.status_code == plain.status_code
    if plain.status_code < 400 or plain.status_code == 416:
        if plain.status_code == 304:  # Django counts the bytes of nothing
            del plain.headers["Content-Length"]
        assert dict(served.headers) == dict(plain.headers)
        assert body(served) == body(plain)


def test_who_must_change_the_password_is_sent_there_first(served, bob, call, passed):
    User.objects.update(must_change_password=True)
    assert get(served, call)["Location"] == "/password/"
    assert passed == [f"/calls/{call.pk}/audio/"]


def test_a_closed_account_hears_no_more(served, bob, call):
    assert get(served, call).status_code == 200
    User.objects.update(is_active=False)
    assert get(served, call)["Location"].startswith("/login/")


def test_who_signed_out_hears_no_more(served, bob, call):
    assert get(served, call).status_code == 200
    Session.objects.all().delete()
    assert get(served, call)["Location"].startswith("/login/")


def test_a_session_that_is_over_opens_nothing(served, bob, call):
    assert get(served, call).status_code == 200
    Session.objects.update(expire_date=timezone.now())
    assert get(served, call)["Location"].startswith("/login/")


def test_a_password_that_changed_ends_other_sessions(served, bob, call):
    assert get(served, call).status_code == 200
    bob.set_password("another one")
    bob.save()
    assert get(served, call)["Location"].startswith("/login/")


def test_a_session_that_became_somebody_elses_is_theirs(served, bob, call, passed):
    assert get(served, call).status_code == 200
    elses = as_served(Client())
    elses.force_login(person("dora", Role.REVIEWER))
    Session.objects.filter(pk=served.cookies["sessionid"].value).update(
        session_data=Session.objects.get(pk=elses.cookies["sessionid"].value).session_data
    )
    bob.delete()
    assert get(served, call).status_code == 200
    assert len(passed) == 1  # nobody is believed to be who they were


def test_what_is_sealed_by_somebody_else_opens_nothing(served, bob, call):
    assert get(served, call).status_code == 200
    Session.objects.update(session_data="rubbish")
    assert get(served, call)["Location"].startswith("/login/")


def test_who_signed_in_by_another_way_is_looked_at_the_long_way(bob, call, passed):
    other = as_served(Client())
    other.force_login(bob)
    session = other.session
    session["_auth_user_backend"] = "somewhere.Else"
    session.save()
    assert get(other, call)["Location"].startswith("/login/")
    assert len(passed) == 1


def test_what_is_not_there_is_said_on_a_page(served, call):
    page = served.get("/calls/12345/audio/")
    assert page.status_code == 404
    assert "There is nothing here" in page.content.decode()
    assert "script-src" in page["Content-Security-Policy"]
    assert served.get(f"/calls/{10**17}/audio/").status_code == 404
    assert served.get(f"/calls/{10**30}/audio/").status_code == 404


@pytest.mark.parametrize(("scheme", "status"), [("https", 206), ("http", 301), ("", 301)])
def test_only_https_is_answered_where_the_portal_has_it(as_bob, call, settings, passed, scheme, status):
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 60
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    answers = [get(client, call, Range="bytes=0-9", X_Forwarded_Proto=scheme) for client in (as_bob, as_served(as_bob))]
    assert [answer.status_code for answer in answers] == [status, status]
    assert answers[0].headers == answers[1].headers
    assert len(passed) == (1 if status == 206 else 0)


def test_a_session_that_changed_is_kept(served, bob, call, settings):
    secret, settings.SECRET_KEY = settings.SECRET_KEY, "another"
    settings.SECRET_KEY_FALLBACKS = [secret]
    before = served.cookies["sessionid"].value
    assert get(served, call).status_code == 200
    assert served.cookies["sessionid"].value != before
    assert get(served, call).status_code == 200


def test_a_database_that_fails_is_told_on_the_long_way(served, call, passed, monkeypatch):
    def broken(*_):
        raise OperationalError("away")

    monkeypatch.setattr("callcov_portal.views.straight.person_and_call", broken)
    assert get(served, call).status_code == 200
    assert len(passed) == 1


def test_what_lies_elsewhere_goes_the_long_way(served, call, passed, monkeypatch):
    store = InMemoryStorage()
    Recording.objects.update(file=store.save("there.wav", ContentFile(CONTENT)))
    monkeypatch.setattr("callcov_portal.storage.default_storage", store)
    assert body(get(served, call, Range="bytes=5-9")) == CONTENT[5:10]
    assert len(passed) == 1


def test_no_file_stays_open(served, call):
    for headers in ({}, {"Range": "bytes=0-9"}, {"Range": f"bytes={SIZE}-"}, {"If-None-Match": '"c0ffee"'}):
        get(served, call, **headers).getvalue()
    served.head(f"/calls/{call.pk}/audio/")
    opened = {Path(f"/proc/self/fd/{each}").resolve() for each in os.listdir("/proc/self/fd")}
    assert Path(default_storage.path(call.file.name)).resolve() not in opened


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_is_too_old_is_closed(served, call):
    get(served, call)
    old, connection.close_at = connection.connection, 0
    assert get(served, call).status_code == 200
    assert connection.connection is not old


def test_once_it_is_known_who_asks_it_takes_one_query(served, call, django_assert_num_queries):
    get(served, call)
    with django_assert_num_queries(1):
        response = get(served, call, Range="bytes=0-9")
    assert body(response) == CONTENT[:10]
