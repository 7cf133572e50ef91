"""The list: filters that combine, paging, order."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from callcov_portal.engine.models import State

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def listed(caller, query=""):
    return orjson.loads(b"".join(caller.get(f"/api/v1/analysis/{query}")))


def ids(document):
    return [item["id"] for item in document["data"]]


def test_an_empty_list_has_its_envelope(caller):
    assert listed(caller) == {"object": "list", "data": [], "has_more": False, "total": 0, "limit": 100, "offset": 0}


def test_the_newest_come_first_and_ties_have_an_order(caller, make_job):
    old = make_job(created_at=NOON - timedelta(hours=1))
    twins = [make_job(created_at=NOON) for _ in range(5)]

    expected = [str(pk) for pk in sorted((job.pk for job in twins), key=str, reverse=True)] + [str(old.pk)]
    assert ids(listed(caller)) == expected


def test_pages_follow_each_other_without_gap_or_overlap(caller, make_job):
    for _ in range(7):
        make_job(created_at=NOON)

    pages = [listed(caller, f"?limit=3&offset={offset}") for offset in (0, 3, 6)]

    assert [len(page["data"]) for page in pages] == [3, 3, 1]
    assert [page["has_more"] for page in pages] == [True, True, False]
    assert {page["total"] for page in pages} == {7}
    assert len({pk for page in pages for pk in ids(page)}) == 7


def test_a_page_beyond_the_end_is_empty(caller, make_job):
    make_job()

    page = listed(caller, "?offset=2147483647")

    assert page["data"] == []
    assert page["has_more"] is False


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"a", "b", "c"}),
        ("?status_filter=processing", {"a"}),
        ("?status_filter=completed", {"b"}),
        ("?status_filter=failed", {"c"}),
        ("?status_filter=", {"a", "b", "c"}),
        ("?agent_id=Ann", {"a", "b"}),
        ("?agent_id=ann", set()),
        ("?contact_id=Bert", {"b", "c"}),
        ("?agent_id=Ann&contact_id=Bert", {"b"}),
        ("?agent_id=Ann&contact_id=Bert&status_filter=failed", set()),
        ("?search=ANN", {"a", "b"}),
        ("?search=er", {"b", "c"}),
        ("?search=%C3%BCLLER", {"c"}),
        ("?search=%25", set()),
        ("?search=_", set()),
        ("?search=er&status_filter=completed", {"b"}),
        ("?unknown=1", {"a", "b", "c"}),
    ],
)
def test_filters_combine(caller, make_job, query, expected):
    jobs = {
        "a": make_job(agent_id="Ann", contact_id="Carl"),
        "b": make_job(agent_id="Ann", contact_id="Bert", state=State.COMPLETED),
        "c": make_job(agent_id="Müller", contact_id="Bert", state=State.FAILED),
    }

    assert set(ids(listed(caller, query))) == {str(jobs[name].pk) for name in expected}


@pytest.mark.parametrize("path", ["/api/v1/analysis", "/api/v1/analysis/"])
def test_the_list_has_both_documented_paths(caller, path):
    assert caller.get(path).status_code == 200


def test_a_list_costs_few_queries_however_long(caller, make_job, django_assert_max_num_queries):
    for _ in range(30):
        make_job()

    with django_assert_max_num_queries(9):  # the count of the request (6 with its savepoint), COUNT, the page
        assert len(listed(caller)["data"]) == 30
