"""Errors as people see them."""

from io import BytesIO

import pytest
from django.core.exceptions import BadRequest, PermissionDenied, TooManyFilesSent
from django.db import connection
from django.http import Http404
from django.template import TemplateDoesNotExist
from django.test import Client
from django.urls import path

from callcov_portal import urls
from callcov_portal.uploads import DiskFull, TooLarge
from tests.views.pages import text_of

RAISED = {
    "bad": BadRequest("The list of ids cannot be read."),
    "large": TooLarge("The file is larger than 500 MB, the most that is taken."),
    "disk": DiskFull("The disk has only 3 MB left: make room, then send the file again."),
    "many": TooManyFilesSent("The number of files exceeded settings.DATA_UPLOAD_MAX_NUMBER_FILES."),
    "denied": PermissionDenied(),
    "lead": PermissionDenied("Only a lead can delete a call."),
    "gone": Http404("row 17 of table x"),
    "broken": RuntimeError("a secret detail"),
}


def fail(request, name):
    raise RAISED[name]


class Addresses:
    urlpatterns = [*urls.urlpatterns, path("fail/<str:name>/", fail)]
    handler400 = staticmethod(urls.handler400)
    handler403 = staticmethod(urls.handler403)
    handler404 = staticmethod(urls.handler404)
    handler500 = staticmethod(urls.handler500)


@pytest.fixture(autouse=True)
def addresses(settings) -> None:
    settings.ROOT_URLCONF = Addresses


@pytest.fixture
def browser(as_bob) -> Client:
    as_bob.raise_request_exception = False
    return as_bob


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("bad", 400, "The list of ids cannot be read."),
        ("large", 413, "The file is larger than 500 MB, the most that is taken."),
        ("disk", 507, "The disk has only 3 MB left: make room, then send the file again."),
        ("many", 413, "At most 1000 are taken. Send them in several parts."),
        ("denied", 403, "Your role does not allow this."),
        ("lead", 403, "Only a lead can delete a call."),
        ("gone", 404, "It may have been deleted, or the address has a mistake in it."),
        ("broken", 500, "tell an administrator the time: "),
    ],
)
def test_an_error_says_what_happened_in_the_products_look(browser, name, status, words):
    page = browser.get(f"/fail/{name}/")
    assert page.status_code == status
    assert f"Error {status}" in text_of(page)
    assert words in text_of(page)
    assert b"portal.css" in page.content
    assert b"secret detail" not in page.content
    assert b"table x" not in page.content
    part = browser.get(f"/fail/{name}/", headers={"HX-Request": "true"})
    assert part.status_code == status
    assert words.split(":")[0] in text_of(part)
    assert b"<html" not in part.content


def test_a_request_that_cannot_be_read_shows_none_of_djangos_reasons(browser):
    page = browser.post("/calls/add/links/", b"broken", content_type="multipart/form-data")
    assert page.status_code == 400
    assert "check what you entered and try again" in text_of(page)
    assert "boundary" not in text_of(page)


def test_an_unknown_host_name_is_answered_with_the_setting_that_allows_it(db):
    page = Client(headers={"Host": "evil.example"}).get("/login/")
    assert page.status_code == 400
    assert "CALLCOV_ALLOWED_HOSTS" in text_of(page)


@pytest.mark.django_db
def test_a_failure_of_the_database_still_gets_a_page():
    def away(*_args, **_kwargs):
        raise AssertionError("the page of an error asks the database")

    browser = Client(raise_request_exception=False)
    browser.cookies["sessionid"] = "a" * 32
    with connection.execute_wrapper(away):
        page = browser.get("/calls/")
    assert page.status_code == 500
    assert "Something went wrong on our side" in text_of(page)
    assert b"portal.css" in page.content


def test_a_failure_of_the_templates_still_gets_a_page(browser, monkeypatch):
    def missing(*_args):
        raise TemplateDoesNotExist("errors/page.html")

    monkeypatch.setattr("django.template.loader.render_to_string", missing)
    page = browser.get("/fail/broken/")
    assert page.status_code == 500
    assert "Something went wrong on our side Try again in a moment." in text_of(page)


def test_a_form_without_a_token_is_answered_with_what_to_do(bob):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(bob, backend="django.contrib.auth.backends.ModelBackend")
    page = browser.post("/calls/add/links/", {"links": "https://x.example"})
    assert page.status_code == 403
    assert "That form was out of date Reload the page and try again." in text_of(page)
    part = browser.post("/calls/add/links/", headers={"HX-Request": "true"})
    assert part.status_code == 403
    assert b"<html" not in part.content


def test_a_form_from_an_address_the_server_does_not_expect_names_the_setting(bob):
    browser = Client(enforce_csrf_checks=True, headers={"Origin": "https://elsewhere.example"})
    page = browser.post("/login/", {"username": "bob"})
    assert page.status_code == 403
    assert "CALLCOV_PUBLIC_URL" in text_of(page)


def test_a_stranger_gets_an_error_without_the_portals_navigation(as_charlie, db):
    page = as_charlie.get("/no-such-page/")
    assert page.status_code == 404
    assert b"site-nav" not in page.content


def test_an_upload_above_the_limit_is_answered_with_413_and_leaves_nothing(browser, settings, tmp_path):
    settings.CALLCOV_MAX_UPLOAD_MB = 1
    page = browser.post("/calls/add/files/", {"agent": "nora", "files": BytesIO(b"\0" * 1_500_000)})
    assert page.status_code == 413
    assert "The file is larger than 1 MB, the most that is taken." in text_of(page)
    assert list((tmp_path / "incoming").iterdir()) == []


def test_an_upload_onto_a_full_disk_is_answered_with_507(browser, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 3_000_000}))
    page = browser.post("/calls/add/files/", {"agent": "nora", "files": BytesIO(b"\0" * 1000)})
    assert page.status_code == 507
    assert "The disk has only 3 MB left: make room, then send the file again." in text_of(page)


@pytest.mark.parametrize("url", ["/calls/1/retry/", "/calls/1/review/", "/calls/add/files/", "/logout/"])
def test_an_address_that_only_takes_forms_is_no_blank_page(browser, url):
    response = browser.get(url)
    assert response.status_code == 405
    assert "POST" in response["Allow"]
    assert "There is no page at this address" in text_of(response)


def test_an_address_of_the_api_stays_without_a_page(db):
    assert Client().get("/hooks/callcov/token").content == b""


@pytest.mark.parametrize(
    ("referer", "leads_to"),
    [
        ("http://testserver/calls/7/", "/login/?next=%2Fcalls%2F7%2F"),
        ("http://testserver/calls/7/?analysis=x", "/login/?next=%2Fcalls%2F7%2F%3Fanalysis%3Dx"),
        ("http://elsewhere.example/calls/7/", "/login/?next=%2F"),
        ("", "/login/?next=%2F"),
    ],
)
def test_a_form_that_is_sent_after_the_session_ended_leads_back_to_its_page(db, referer, leads_to):
    response = Client().post("/calls/7/review/", {"verdict": "pass"}, headers={"Referer": referer})
    assert response["Location"] == leads_to


def test_signing_out_asks_for_no_way_back(browser):
    assert browser.post("/logout/", headers={"Referer": "http://testserver/calls/7/"})["Location"] == "/login/"


def test_an_error_is_kept_apart_for_pages_and_fragments(browser):
    assert "HX-Request" in browser.get("/calls/999/")["Vary"]
