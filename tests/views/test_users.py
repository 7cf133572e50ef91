"""The page People."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from callcov_portal.models import Role, User
from tests.conftest import PASSWORD, person
from tests.views.pages import text_of

SECRET = re.compile(r'<code class="secret">([^<]+)</code>')


def sign_in(name: str, password: str) -> tuple[Client, int]:
    """Try to sign in like a person; return the browser and the status."""
    browser = Client()
    return browser, browser.post("/login/", {"username": name, "password": password}).status_code


def secret_of(response) -> str:
    [secret] = SECRET.findall(response.content.decode())
    return secret


def test_an_added_user_signs_in_once_with_the_password_shown_and_must_choose_another(as_dora):
    page = as_dora.post("/people/", {"username": "carol", "role": "lead"})
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    browser, status = sign_in("carol", secret_of(page))
    assert status == 302
    assert browser.get("/calls/").headers["Location"] == "/password/"
    new = {
        "old_password": secret_of(page),
        "new_password1": "three green ladders",
        "new_password2": "three green ladders",
    }
    assert browser.post("/password/", new).status_code == 302
    assert browser.get("/calls/").status_code == 200
    assert User.objects.get(username="carol").role == Role.LEAD


def test_the_one_time_password_is_shown_only_once(as_dora):
    secret = secret_of(as_dora.post("/people/", {"username": "carol", "role": "reviewer"}))
    assert secret not in as_dora.get("/people/").content.decode()
    assert secret not in as_dora.get("/status/").content.decode()
    assert "One-time password" in text_of(as_dora.get("/people/"))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"username": "Bob", "role": "lead"}, "There is a user named Bob already."),
        ({"username": "", "role": "lead"}, "Enter the name under which this person signs in."),
        ({"username": "a b", "role": "lead"}, "Enter a valid username."),
        ({"username": "carol", "role": "boss"}, "Select a valid choice."),
    ],
)
def test_a_form_that_is_wrong_comes_back_with_the_reason(as_dora, bob, data, words):
    page = as_dora.post("/people/", data)
    assert page.status_code == 422
    assert words in text_of(page)
    assert User.objects.count() == 2


def test_a_role_is_changed(as_dora, bob):
    assert as_dora.post(f"/people/{bob.pk}/role/", {"role": "lead"}).headers["Location"] == "/people/"
    bob.refresh_from_db()
    assert bob.role == Role.LEAD
    assert "bob has another role now." in text_of(as_dora.get("/people/"))
    assert as_dora.post(f"/people/{bob.pk}/role/", {"role": "boss"}).status_code == 400


def test_a_reset_ends_the_sessions_and_gives_a_password(as_dora, bob, as_bob):
    assert as_bob.get("/calls/").status_code == 200
    secret = secret_of(as_dora.post(f"/people/{bob.pk}/reset/"))
    assert as_bob.get("/calls/").status_code == 302
    assert sign_in("bob", PASSWORD)[1] == 422
    assert sign_in("bob", secret)[1] == 302


def test_deactivating_ends_the_sessions_and_they_do_not_come_back(as_dora, bob, as_bob):
    assert as_dora.post(f"/people/{bob.pk}/deactivate/").status_code == 302
    assert as_bob.get("/calls/").status_code == 302
    assert sign_in("bob", PASSWORD)[1] == 422
    page = text_of(as_dora.get("/people/"))
    assert "bob cannot sign in any more." in page
    assert "Deactivated" in page
    secret = secret_of(as_dora.post(f"/people/{bob.pk}/reactivate/"))
    assert as_bob.get("/calls/").status_code == 302
    assert sign_in("bob", secret)[1] == 302


def test_a_locked_user_is_shown_and_unlocked(as_dora, bob):
    for _ in range(5):
        sign_in("bob", "wrong")
    assert sign_in("bob", PASSWORD)[1] == 429
    assert "Locked" in text_of(as_dora.get("/people/"))
    as_dora.post(f"/people/{bob.pk}/unlock/")
    assert "Locked" not in text_of(as_dora.get("/people/")).replace("Unlock", "")
    assert sign_in("bob", PASSWORD)[1] == 302


@pytest.mark.parametrize("act", ["role", "reset", "deactivate"])
def test_what_would_lock_oneself_out_is_refused_with_a_sentence(as_dora, dora, act):
    page = as_dora.post(f"/people/{dora.pk}/{act}/", {"role": "reviewer"})
    assert page.status_code == 409
    assert "You cannot" in text_of(page)
    dora.refresh_from_db()
    assert dora.is_active
    assert dora.is_administrator
    assert as_dora.get("/people/").status_code == 200


def test_the_page_offers_nothing_for_oneself_but_the_own_password(as_dora, dora):
    assert f"/people/{dora.pk}/".encode() not in as_dora.get("/people/").content


@pytest.mark.parametrize("browser", ["as_alice", "as_bob"])
@pytest.mark.parametrize("act", ["", "role/", "reset/", "deactivate/", "reactivate/", "unlock/"])
def test_leads_and_reviewers_get_a_clear_no(request, browser, act, dora):
    client = request.getfixturevalue(browser)
    address = f"/people/{dora.pk}/{act}" if act else "/people/"
    for response in (client.get(address), client.post(address, {"role": "reviewer", "username": "x"})):
        assert response.status_code == 403
        assert "Only an administrator manages people." in text_of(response)
    dora.refresh_from_db()
    assert dora.check_password(PASSWORD)
    assert User.objects.count() == 2
    assert b'href="/people/"' not in client.get("/calls/").content


def test_strangers_are_asked_to_sign_in(as_charlie, db):
    assert as_charlie.get("/people/").headers["Location"].startswith("/login/")
    assert as_charlie.post("/people/1/reset/").headers["Location"].startswith("/login/")


def test_a_reload_of_an_act_leads_back_to_the_list(as_dora, bob):
    assert as_dora.get(f"/people/{bob.pk}/reset/").headers["Location"] == "/people/"
    bob.refresh_from_db()
    assert bob.check_password(PASSWORD)


def test_unknown_users_and_acts_are_not_found(as_dora, bob):
    assert as_dora.post("/people/999/reset/").status_code == 404
    assert as_dora.post(f"/people/{bob.pk}/promote/").status_code == 404


def test_the_page_costs_the_same_however_many_users_there_are(as_dora):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            as_dora.get("/people/")
        return len(captured)

    before = queries()
    for number in range(5):
        person(f"user{number}", Role.REVIEWER)
    assert queries() == before <= 6
