"""Who is signed in, and when that ends."""

from datetime import timedelta

import time_machine
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from callcov_portal.models import User
from callcov_portal.sessions import Accounts, SessionStore
from tests.conftest import PASSWORD


def is_in(browser) -> bool:
    return browser.get("/calls/").status_code == 200


def test_a_session_holds_what_was_put_into_it(db):
    session = SessionStore()
    session["seen"] = [1, {"a": "ü"}]
    session.create()
    again = SessionStore(session.session_key)
    assert (again["seen"], again.session_key) == ([1, {"a": "ü"}], session.session_key)


def test_an_unknown_session_is_empty_and_gives_its_key_up(db):
    session = SessionStore("a" * 32)
    assert dict(session.items()) == {}
    assert session.session_key is None


def test_a_session_that_is_over_lets_nobody_in(as_bob):
    assert is_in(as_bob)
    with time_machine.travel(timezone.now() + timedelta(hours=11, minutes=59)):
        assert is_in(as_bob)
    with time_machine.travel(timezone.now() + timedelta(hours=12, minutes=1)):
        assert not is_in(as_bob)


def test_a_session_whose_text_was_changed_lets_nobody_in(as_bob):
    stored = Session.objects.get()
    stored.session_data = f"{stored.session_data[:-1]}{'a' if stored.session_data[-1] != 'a' else 'b'}"
    stored.save()
    assert not is_in(as_bob)


def test_an_account_that_is_closed_or_gone_is_signed_out_at_once(as_bob, as_alice, bob, alice):
    User.objects.filter(pk=bob.pk).update(is_active=False)
    User.objects.filter(pk=alice.pk).delete()
    assert not is_in(as_bob)
    assert not is_in(as_alice)


def test_whoever_signed_in_by_djangos_own_way_stays_signed_in(as_bob):
    assert as_bob.session[BACKEND_SESSION_KEY] == "callcov_portal.sessions.Accounts"
    assert "django.contrib.auth.backends.ModelBackend" in Session.objects.get().get_decoded().values()
    assert is_in(as_bob)


def test_signing_in_is_by_accounts(bob):
    browser = Client()
    browser.post("/login/", {"username": "bob", "password": PASSWORD})
    assert Session.objects.get().get_decoded()[BACKEND_SESSION_KEY] == "callcov_portal.sessions.Accounts"
    assert is_in(browser)


def test_an_account_is_asked_for_as_a_whole(bob, django_assert_num_queries):
    bob.call_columns = ["agent", "state"]
    bob.save()
    with django_assert_num_queries(1):
        found = Accounts().get_user(bob.pk)
        values = {field.attname: getattr(found, field.attname) for field in User._meta.concrete_fields}
    assert values == User.objects.values().get()
    found.role = "lead"
    found.save()  # it can be kept like any other
    assert User.objects.get().role == "lead"
