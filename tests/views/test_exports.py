"""Downloads."""

import csv
import io

import pytest
import time_machine

from callcov_portal.models import State
from tests.factories import (
    AgentFactory,
    AnalysisFactory,
    CompletedFactory,
    FindingFactory,
    RecordingFactory,
    SegmentFactory,
)


def rows(response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"), newline="")))


def test_a_download_is_streamed_and_has_a_dated_name(as_bob, settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    with time_machine.travel("2026-03-02T20:00:00Z", tick=False):
        response = as_bob.get("/exports/calls.csv")
    assert response.status_code == 200
    assert response.streaming
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="calls-2026-03-03.csv"'
    assert response["Cache-Control"] == "no-store"


def test_a_download_holds_the_calls_that_the_filters_choose(as_bob):
    chosen = RecordingFactory(agent=AgentFactory(identifier="Nora"))
    CompletedFactory(recording=chosen)
    AnalysisFactory(recording=RecordingFactory(agent=chosen.agent))
    CompletedFactory()
    found = rows(as_bob.get("/exports/calls.csv", {"agent": "nora", "state": State.COMPLETED}))
    assert [row["call"] for row in found] == [str(chosen.pk)]


@pytest.mark.parametrize(("table", "count"), [("calls", 2), ("findings", 1), ("segments", 1)])
def test_every_table_can_be_had_for_one_agent(as_bob, table, count):
    agent = AgentFactory()
    analysis = CompletedFactory(recording=RecordingFactory(agent=agent))
    RecordingFactory(agent=agent)
    for one in (analysis, CompletedFactory()):
        FindingFactory(analysis=one)
        SegmentFactory(analysis=one)
    found = rows(as_bob.get(f"/exports/{table}.csv", {"agent": agent.identifier}))
    assert [row["agent"] for row in found] == [agent.identifier] * count


def test_a_filter_that_cannot_be_read_is_refused_instead_of_giving_everything(as_bob):
    RecordingFactory()
    response = as_bob.get("/exports/calls.csv", {"since": "yesterday"})
    assert response.status_code == 400
    assert b"since: Enter a valid date." in response.content


def test_there_are_no_other_tables(as_bob):
    assert as_bob.get("/exports/users.csv").status_code == 404


def test_excel_gets_a_byte_order_mark(as_bob):
    assert as_bob.get("/exports/calls.csv?bom=1").getvalue().startswith(b"\xef\xbb\xbfcall,")
    assert as_bob.get("/exports/calls.csv").getvalue().startswith(b"call,")


def test_a_stranger_gets_nothing(as_charlie, db):
    assert as_charlie.get("/exports/calls.csv").headers["Location"].startswith("/login/")


def test_a_download_is_only_read(as_bob):
    assert as_bob.post("/exports/calls.csv").status_code == 405
    head = as_bob.head("/exports/calls.csv")
    assert (head.status_code, head.getvalue()) == (200, b"")
