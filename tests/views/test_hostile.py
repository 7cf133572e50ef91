"""Whatever stands in a query, the answer is a page: no parameter of any address ends in an error of ours."""

from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from tests.factories import AnalysisFactory, CompletedFactory, DocumentFactory, FindingFactory, SegmentFactory

ODD = (
    "",
    "\0",
    "a\0b",
    "-1",
    "9" * 18,
    "9" * 19,
    "9" * 300,
    "٣",
    "²",
    "%",
    "\\",
    "'\"<script>",
    "İ" * 200,
    "a" * 60_000,
    "//elsewhere.example",
    "\r\nSet-Cookie: a=b",
    "0001-01-01",
    "0001-01-02",
    "9999-12-30",
    "9999-12-31",
    "2026-02-30",
    "0001-01-01T00:00:00+14:00_1",
    "9999-12-31T23:59:59-14:00_1",
    "2026-03-02T12:00:00+00:00_-1",
    "violated",
    "completed",
    "no",
    "unknown",
)
NAMES = (
    *("text", "state", "failure", "reviewed", "agent", "contact", "check", "outcome", "since", "until"),
    *("before", "after", "page", "sort", "ids", "seen", "silent", "analysis", "bom", "next"),
)
PATHS = (
    *("/calls/", "/calls/{n}/", "/calls/{n}/state/", "/calls/{n}/raw.json", "/calls/rows/", "/calls/add/"),
    *("/calls/known/agents/", "/calls/known/contacts/", "/agents/", "/agents/{g}/", "/contacts/", "/contacts/{c}/"),
    *("/exports/calls.csv", "/exports/findings.csv", "/exports/segments.csv", "/status/", "/people/", "/login/"),
    *("/calls/99999999999999999999/", "/agents/99999999999999999999/"),
)


@pytest.fixture
def visit(as_dora):
    """Return a function that says how a path with a query string is answered."""
    analysis = CompletedFactory()
    FindingFactory(analysis=analysis, outcome="violated")
    SegmentFactory(analysis=analysis)
    DocumentFactory(analysis=analysis)
    AnalysisFactory()
    call = analysis.recording
    places = {"n": call.pk, "g": call.agent_id, "c": call.contact_id}

    def answer(path: str, query: str, **headers) -> int:
        response = as_dora.get(path.format(**places), QUERY_STRING=query, headers=headers)
        assert b"".join(response) or response.status_code in {204, 302}  # a streamed answer is read to its end
        return response.status_code

    return answer


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
@pytest.mark.parametrize("name", ["since", "until", "before", "after"])
def test_no_day_or_place_in_the_list_is_beyond_time(visit, settings, zone, name):
    settings.TIME_ZONE = zone
    for value in (value for value in ODD if "-" in value):
        for path in ("/calls/", "/exports/calls.csv"):
            assert visit(path, urlencode({name: value})) in {200, 400, 422}


@pytest.mark.parametrize(
    ("path", "name"),
    [("/calls/", "text"), ("/calls/", "check"), ("/calls/known/agents/", "agent"), ("/agents/", "text")],
)
def test_no_text_to_search_for_is_an_error(visit, path, name):
    for value in ODD:
        assert visit(path, urlencode({name: value})) in {200, 422}


def test_no_parameter_of_any_address_is_an_error(visit):
    pairs = strategies.tuples(
        strategies.sampled_from(NAMES),
        strategies.one_of(strategies.sampled_from(ODD), strategies.binary(max_size=8)),
    )

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(strategies.sampled_from(PATHS), strategies.lists(pairs, max_size=4), strategies.booleans())
    def odd(path, found, is_htmx):
        query = "&".join(f"{name}={quote(value)}" for name, value in found)
        headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver/calls/?{query}"} if is_htmx else {}
        assert visit(path, query, **headers) in {200, 204, 302, 400, 404, 422}

    odd()


@pytest.mark.parametrize("path", ["/calls/", "/agents/", "/login/"])
def test_more_parameters_than_anybody_needs_are_refused(visit, path):
    assert visit(path, "&".join(["text=a"] * 1500)) == 400
