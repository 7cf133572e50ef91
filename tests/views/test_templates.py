"""What holds for every template, style sheet and script, and for every page."""

import re
from pathlib import Path

import pytest

from tests.factories import CompletedFactory, ProcessingFactory

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = sorted((ROOT / "static").rglob("*.css"))
SCRIPTS = sorted((ROOT / "static").rglob("*.js"))
PYTHON = sorted(path for path in (ROOT / "callcov_portal").rglob("*.py") if "engine" not in path.parts)
TAG = re.compile(r"<[a-z][^<>]*(?:\"[^\"]*\"[^<>]*)*>", re.IGNORECASE)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tags(path: Path) -> list[str]:
    without_logic = re.sub(r"{#.*?#}|{% comment %}.*?{% endcomment %}", "", path.read_text(), flags=re.DOTALL)
    return TAG.findall(without_logic)


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_nothing_is_inline_and_nothing_is_declared_safe(path):
    text = path.read_text()
    assert not re.search(r"\|\s*safe\b|autoescape off|{% safe|\|safeseq", text)
    for tag in tags(path):
        assert not re.search(r"\s(style|on[a-z]+|hx-on[^=]*|hx-vars)\s*=", tag), tag
        assert not re.match(r"<(style|script(?![^>]*\ssrc=))", tag), tag
    assert "https://" not in re.sub(r'placeholder="https://[^"]*"', "", text)  # nothing from elsewhere
    assert "http://" not in text


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_links_and_forms_work_without_javascript(path):
    for tag in tags(path):
        if tag.startswith("<a ") and "hx-get" in tag:
            assert " href=" in tag, tag
        if tag.startswith("<form") and ("hx-post" in tag or "hx-get" in tag):
            assert " action=" in tag, tag
        if tag.startswith("<button") and "hx-post" in tag:
            assert " formaction=" in tag, tag


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_a_partial_extends_nothing_and_a_page_extends_the_base(path):
    text = path.read_text()
    if path.name == "base.html" or "<!doctype" in text:
        return
    assert ("{% extends" in text) == (not path.name.startswith("_"))


@pytest.mark.parametrize("path", [path for path in TEMPLATES if "quality" not in path.parts], ids=name)
def test_evidence_includes_nothing_of_judgement(path):
    assert 'include "quality/' not in path.read_text()


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_a_post_form_carries_the_token(path):
    text = path.read_text()
    assert len(re.findall(r"<form[^>]*method=\"post\"", text)) == text.count("{% csrf_token %}")


@pytest.mark.parametrize("path", STYLES, ids=name)
def test_the_dark_scheme_gives_colours_other_values_and_changes_nothing_else(path):
    for block in re.findall(r"prefers-color-scheme[^{]*{((?:[^{}]*{[^{}]*})*[^{}]*)}", path.read_text()):
        for declarations in re.findall(r"{([^{}]*)}", block):
            changed = [one.strip() for one in declarations.split(";") if one.strip()]
            assert [one for one in changed if not one.startswith("--")] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_scripts_write_text_never_markup(path):
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\.style\b|setAttribute\(\"style"
    )
    assert not re.search(forbidden, path.read_text())


MARKUP = ROOT / "callcov_portal" / "markup.py"  # the one place that does: it escapes all that is put into a piece


@pytest.mark.parametrize("path", [path for path in PYTHON if path != MARKUP], ids=name)
def test_no_code_declares_markup_safe(path):
    assert not re.search(r"mark_safe|SafeString\(", path.read_text())


@pytest.mark.parametrize("url", ["/login/", "/calls/", "/calls/add/", "/password/", "/calls/1/", "/calls/999/"])
def test_every_page_forbids_what_is_not_its_own(as_alice, as_charlie, url):
    CompletedFactory(recording__pk=1)
    response = (as_charlie if url == "/login/" else as_alice).get(url)
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_htmx_is_our_own_and_tamed(as_bob):
    page = as_bob.get("/calls/").content.decode()
    assert '"includeIndicatorStyles": false, "allowEval": false, "selfRequestsOnly": true' in page
    assert re.search(r'<script src="/static/[^"]*htmx-2[^"]*\.js"', page)


@pytest.mark.parametrize("url", ["/calls/", "/calls/add/", "/calls/1/"])
def test_a_page_has_one_heading_and_no_id_twice(as_alice, url):
    ProcessingFactory(recording__pk=1)
    page = as_alice.get(url).content.decode()
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert page.count("<h1") == 1
