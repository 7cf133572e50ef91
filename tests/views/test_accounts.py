"""Signing in and out, and the own password."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from tests.conftest import PASSWORD

NEW = "a longer one than before"


def sign_in(client, name="bob", password=PASSWORD, **extra):
    return client.post("/login/", {"username": name, "password": password, **extra})


def test_signing_in_leads_to_the_page_that_was_wanted(bob):
    client = Client()
    assert sign_in(client, next="/calls/add/")["Location"] == "/calls/add/"
    assert client.get("/calls/").status_code == 200


def test_signing_in_leads_nowhere_else(bob):
    assert sign_in(Client(), next="https://elsewhere.example/")["Location"] == "/"


@pytest.mark.parametrize(
    "wanted", ["//elsewhere.example/", "/\\elsewhere.example", "javascript:alert(1)", "/login/", "\0"]
)
def test_signing_in_leads_neither_out_of_the_portal_nor_round_in_circles(bob, as_bob, wanted):
    assert sign_in(Client(), next=wanted)["Location"] == "/"
    assert as_bob.get("/login/", {"next": wanted})["Location"] == "/"


def test_signing_in_gives_the_session_another_key(bob):
    client = Client()
    client.session["typed"] = "before"
    client.session.save()
    before = client.session.session_key
    sign_in(client)
    assert client.session.session_key != before


def test_signing_in_removes_sessions_that_are_over(bob, as_bob):
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    sign_in(Client())
    assert Session.objects.count() == 1


def test_a_name_too_long_for_anybody_is_refused(db):
    assert sign_in(Client(), name="x" * 300).status_code == 422


@pytest.mark.parametrize("forwarded", ["", "rubbish", "203.0.113.7:5500", "unknown", "203.0.113.7"])
def test_a_failure_is_counted_whatever_a_proxy_forwards(bob, settings, forwarded):
    settings.CALLCOV_TRUSTED_PROXIES = ["127.0.0.0/8"]
    client = Client(headers={"X-Forwarded-For": forwarded})
    for _ in range(5):
        response = sign_in(client, password="wrong")
    assert response.status_code == 429


def test_a_wrong_password_shows_the_form_again(bob):
    response = sign_in(Client(), password="wrong")
    assert response.status_code == 422
    assert 'value="bob"' in response.content.decode()
    assert 'role="alert"' in response.content.decode()


def test_too_many_wrong_passwords_lock(bob):
    client = Client()
    for _ in range(5):
        response = sign_in(client, password="wrong")
    assert response.status_code == 429
    page = response.content.decode()
    assert "Too many wrong passwords" in page
    assert "Wait 15 minutes" in page
    assert sign_in(client).status_code == 429


def test_signing_out_is_a_post_and_ends_the_session(as_bob):
    assert as_bob.get("/logout/").status_code == 405
    assert as_bob.post("/logout/")["Location"] == "/login/"
    assert as_bob.get("/calls/").status_code == 302


def test_who_is_signed_in_does_not_sign_in_again(as_bob):
    assert as_bob.get("/login/").status_code == 302


def change(client, **data):
    return client.post("/password/", {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW, **data})


def test_the_password_is_changed_and_the_session_goes_on(as_bob, bob):
    assert "Old password" in as_bob.get("/password/").content.decode()
    response = change(as_bob)
    bob.refresh_from_db()
    assert response["Location"] == "/"
    assert bob.check_password(NEW)
    assert as_bob.get("/calls/").status_code == 200


def test_other_sessions_end_with_the_old_password(as_bob, bob, signed_in):
    elsewhere = signed_in(bob)
    change(as_bob)
    assert elsewhere.get("/calls/").status_code == 302


@pytest.mark.parametrize(
    "data",
    [
        {"old_password": "wrong"},
        {"new_password2": "another"},
        {"new_password1": "short", "new_password2": "short"},
        {"old_password": "", "new_password1": "", "new_password2": ""},
    ],
)
def test_a_change_that_cannot_be_is_refused(as_bob, bob, data):
    assert change(as_bob, **data).status_code == 422
    bob.refresh_from_db()
    assert bob.check_password(PASSWORD)


def test_a_one_time_password_cannot_be_kept(as_bob, bob):
    bob.must_change_password = True
    bob.save()
    response = change(as_bob, new_password1=PASSWORD, new_password2=PASSWORD)
    assert response.status_code == 422
    assert "That is the password you have." in response.content.decode()
    bob.refresh_from_db()
    assert bob.must_change_password


def test_a_one_time_password_is_changed_before_anything_else(as_bob, bob):
    bob.must_change_password = True
    bob.save()
    assert as_bob.get("/calls/")["Location"] == "/password/"
    change(as_bob)
    bob.refresh_from_db()
    assert bob.must_change_password is False
    assert as_bob.get("/calls/").status_code == 200


def test_only_administrators_see_people(as_alice, as_dora):
    assert 'href="/people/"' not in as_alice.get("/calls/").content.decode()


def test_the_page_says_where_one_is(as_bob):
    page = as_bob.get("/calls/add/").content.decode()
    assert '<a href="/calls/add/" aria-current="page">Add calls</a>' in page
    assert page.count('aria-current="page"') == 1


def test_signing_out_asks_the_browser_to_forget_what_it_kept(as_bob):
    answer = as_bob.post("/logout/")
    assert answer.status_code == 302
    assert answer.headers["Clear-Site-Data"] == '"cache"'
