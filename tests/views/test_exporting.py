"""The page Exports, and what it makes."""

import csv
import hashlib
import io
import json
import zipfile

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext

from callcov_portal.actions import exporting
from callcov_portal.exports import CALLS, wish_for
from callcov_portal.models import ColumnChoice, Every, Export, ExportState, LogEntry, Recording, Schedule
from callcov_portal.views.exports import recorded
from tests.factories import AgentFactory, CompletedFactory, FindingFactory, RecordingFactory, SegmentFactory
from tests.views.pages import links_of, text_of
from tests.working import work

COLUMNS = ["agent", "call"]


def form(act: str, **fields) -> dict[str, object]:
    return {"act": act, "table": "calls", "format": "csv", "col": COLUMNS, "query": "", **fields}


def made_for(user, form="csv", **options) -> Export:
    export = exporting.order(wish_for("calls", form, **options), user)
    work("exporting", export.pk)
    export.refresh_from_db()
    return export


def test_the_page_offers_tables_formats_and_columns(as_bob):
    page = as_bob.get("/exports/?table=findings&agent=Nora&state=completed")
    words = text_of(page)
    assert page.status_code == 200
    assert "Agent Nora" in words
    assert "State Done" in words
    for label in ("Excel (XLSX)", "JSON Lines", "ZIP, one CSV per agent", "Agent summaries", "Nearest words"):
        assert label in words
    assert "/exports/?table=segments&format=csv&agent=Nora&state=completed" in links_of(page)
    assert "with sensitive data" not in words


def test_the_page_itself_counts_nothing(as_bob):
    RecordingFactory()
    with CaptureQueriesContext(connection) as queries:
        page = as_bob.get("/exports/")
    assert not [query for query in queries if "COUNT(" in query["sql"] and "portal_recording" in query["sql"]]
    assert 'hx-get="/exports/count/?table=calls&amp;format=csv" hx-trigger="load"' in page.content.decode()


@pytest.mark.parametrize(("table", "words"), [("calls", "2 rows"), ("findings", "3 rows"), ("agents", "1 row")])
def test_the_rows_are_counted_exactly_of_what_is_chosen(as_bob, table, words):
    agent = AgentFactory(identifier="nora")
    FindingFactory.create_batch(3, analysis=CompletedFactory(recording=RecordingFactory(agent=agent)))
    RecordingFactory(agent=agent)
    RecordingFactory()
    parameters = {"table": table, "agent": "nora"}
    fragment = as_bob.get("/exports/count/", parameters, headers={"HX-Request": "true"})
    assert text_of(fragment) == words
    assert words in text_of(as_bob.get("/exports/count/", parameters))


def test_a_filter_that_cannot_be_read_is_said_on_the_page(as_bob):
    for path in ("/exports/", "/exports/count/"):
        page = as_bob.get(path, {"since": "yesterday"})
        assert page.status_code == 422
        assert "since: Enter a valid date." in text_of(page)
    assert as_bob.get("/exports/?table=users").status_code == 404


def test_download_leads_to_the_stream_and_keeps_the_columns(as_bob, bob):
    answer = as_bob.post("/exports/", form("download", query="table=calls&agent=nora", mark="1"))
    assert answer["Location"] == "/exports/calls.csv?agent=nora&col=agent&col=call&bom=1"
    assert ColumnChoice.objects.get(user=bob).columns == COLUMNS
    assert answer.status_code == 302
    answer = as_bob.post("/exports/", form("download", format="jsonl"))
    assert answer["Location"] == "/exports/calls.jsonl?col=agent&col=call"
    page = text_of(as_bob.get("/exports/"))
    assert f"2 of {len(CALLS.columns)} chosen" in page
    assert page.index("Agent agent") < page.index("Call call") < page.index("Called at called_at")


def test_the_stream_has_the_columns_in_their_order(as_bob):
    call = RecordingFactory(agent=AgentFactory(identifier="nora"))
    body = as_bob.get("/exports/calls.csv?col=agent&col=call").getvalue().decode()
    assert body == f"agent,call\r\nnora,{call.pk}\r\n"
    body = as_bob.get("/exports/calls.jsonl?col=agent&col=call").getvalue()
    assert json.loads(body) == {"agent": "nora", "call": call.pk}
    assert as_bob.get("/exports/calls.csv?col=password").status_code == 400


def test_a_download_that_came_to_its_end_has_a_manifest(as_bob, bob):
    FindingFactory(analysis=CompletedFactory(rules="d" * 64))
    body = as_bob.get("/exports/findings.csv?state=completed&col=call").getvalue()
    export = Export.objects.get()
    assert (export.user, export.is_streamed, export.state, export.rows) == (bob, True, ExportState.READY, 1)
    answer = as_bob.get(f"/exports/{export.pk}/manifest.json")
    assert answer["Content-Disposition"].endswith('.csv.manifest.json"')
    manifest = json.loads(answer.content)
    expected = {"sha256": hashlib.sha256(body).hexdigest(), "size_bytes": len(body), "rows": 1, "made_by": "bob"}
    chosen = {"columns": ["call"], "filters": "state=completed", "rule_versions": ["d" * 64], "time_zone": "UTC"}
    assert manifest.items() >= (expected | chosen).items()
    assert as_bob.get(f"/exports/{export.pk}/file").status_code == 404


def test_a_download_that_broke_off_has_none(bob):
    RecordingFactory()
    stream = recorded(wish_for("calls"), Recording.objects.all(), bob)
    next(stream)
    next(stream)
    stream.close()  # type: ignore[attr-defined]  # a generator
    assert not Export.objects.exists()


def test_a_download_stays_whole_when_its_manifest_cannot_be_written(as_bob, monkeypatch):
    def broken(*_args):
        raise RuntimeError("the database is away")

    monkeypatch.setattr(exporting, "note_streamed", broken)
    call = RecordingFactory()
    assert f"\r\n{call.pk},".encode() in as_bob.get("/exports/calls.csv").getvalue()


def test_looking_at_the_head_of_a_download_leaves_no_trace(as_bob):
    assert as_bob.head("/exports/calls.csv").status_code == 200
    assert not Export.objects.exists()


@pytest.mark.parametrize(("act", "form_name"), [("make", "csv"), ("download", "xlsx"), ("make", "zip")])
def test_what_does_not_stream_is_made_in_the_background(as_bob, bob, act, form_name):
    RecordingFactory()
    answer = as_bob.post("/exports/", form(act, format=form_name))
    export = Export.objects.get()
    assert (export.user, export.state, export.columns) == (bob, ExportState.WAITING, COLUMNS)
    page = as_bob.get(answer["Location"])
    assert "Waiting" in text_of(page)
    assert 'hx-trigger="every 2s"' in page.content.decode()
    assert work("exporting", export.pk)
    fragment = as_bob.get("/exports/made/", headers={"HX-Request": "true"})
    assert "Ready" in text_of(fragment)
    assert "hx-trigger" not in fragment.content.decode().partition(">")[0]
    file = as_bob.get(f"/exports/{export.pk}/file")
    body = file.getvalue()
    export.refresh_from_db()
    assert (int(file["Content-Length"]), hashlib.sha256(body).hexdigest()) == (len(body), export.sha256)
    assert file["Content-Disposition"] == f'attachment; filename="{export.file_name}"'


def test_a_zip_has_a_file_for_each_agent(as_bob, bob):
    for name in ("nora", "marc"):
        SegmentFactory(analysis=CompletedFactory(recording=RecordingFactory(agent=AgentFactory(identifier=name))))
    body = as_bob.get(f"/exports/{made_for(bob, 'zip').pk}/file").getvalue()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        [marc, nora, _manifest] = archive.namelist()
        assert marc.startswith("marc-")
        [row] = csv.DictReader(io.StringIO(archive.read(nora).decode()))
    assert row["agent"] == "nora"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"col": []}, "No column is chosen."),
        ({"col": ["password"]}, "has no column password"),
        ({"format": "pdf"}, "There is no format pdf"),
        ({"table": "agents", "format": "zip", "col": ["agent"]}, "one row for each agent"),
        ({"query": "since=yesterday"}, "since: Enter a valid date."),
    ],
)
def test_what_cannot_be_made_is_refused_with_the_page(as_bob, fields, why):
    answer = as_bob.post("/exports/", form("make", **fields))
    assert answer.status_code == 422
    assert why in text_of(answer)
    assert not Export.objects.exists()


def test_a_form_that_says_nothing_is_no_error(as_bob):
    assert as_bob.post("/exports/", {}).status_code == 422


def test_a_column_moves_and_stays_where_it_is_put(as_bob, bob):
    columns = ["call", "called_at", "agent"]
    fragment = as_bob.post("/exports/", form("up:agent", col=columns), headers={"HX-Request": "true"})
    assert fragment.content.decode().index('value="agent"') < fragment.content.decode().index('value="called_at"')
    assert ColumnChoice.objects.get(user=bob, table="calls").columns == ["call", "agent", "called_at"]
    answer = as_bob.post("/exports/", form("down:call", col=columns, query="agent=nora"))
    assert answer["Location"] == "/exports/?table=calls&format=csv&agent=nora#columns"
    assert ColumnChoice.objects.get().columns == ["called_at", "call", "agent"]
    as_bob.post("/exports/", form("up:call", col=["call", "agent"]))
    as_bob.post("/exports/", form("down:nonsense", col=["call", "agent"]))
    assert ColumnChoice.objects.get().columns == ["call", "agent"]


def test_a_kept_column_that_is_gone_is_passed_over(as_bob, bob):
    ColumnChoice.objects.create(user=bob, table="calls", columns=["mood", "agent"])
    assert f"1 of {len(CALLS.columns)} chosen" in text_of(as_bob.get("/exports/"))


def test_a_reviewer_sees_their_own_exports_and_a_lead_all(as_bob, bob, as_alice, alice):
    of_bob, of_alice = made_for(bob), made_for(alice)
    assert f"/exports/{of_alice.pk}/file" not in links_of(as_bob.get("/exports/"))
    for path in ("file", "manifest.json"):
        assert as_bob.get(f"/exports/{of_alice.pk}/{path}").status_code == 404
        assert as_alice.get(f"/exports/{of_bob.pk}/{path}").status_code == 200
    assert as_bob.post(f"/exports/{of_alice.pk}/delete/").status_code == 404
    assert as_bob.post(f"/exports/{of_bob.pk}/delete/").status_code == 302
    assert list(Export.objects.all()) == [of_alice]


def test_a_failed_export_says_why_and_can_be_made_again(as_bob, bob):
    export = exporting.order(wish_for("calls").of("since=yesterday"), bob)
    work("exporting", export.pk)
    assert "since: Enter a valid date." in text_of(as_bob.get("/exports/"))
    fragment = as_bob.post(f"/exports/{export.pk}/retry/", headers={"HX-Request": "true"})
    assert "Waiting" in text_of(fragment)
    assert as_bob.post(f"/exports/{export.pk}/retry/").status_code == 302
    assert as_bob.post(f"/exports/{export.pk}/explode/").status_code == 404


def test_what_is_not_ready_has_no_file_and_no_manifest(as_bob, bob):
    export = exporting.order(wish_for("calls"), bob)
    assert as_bob.get(f"/exports/{export.pk}/file").status_code == 404
    assert as_bob.get(f"/exports/{export.pk}/manifest.json").status_code == 404


def test_a_file_that_is_gone_says_so(as_bob, bob, django_capture_on_commit_callbacks):
    from django.core.files.storage import default_storage

    export = made_for(bob)
    default_storage.delete(export.stored_name)
    answer = as_bob.get(f"/exports/{export.pk}/file")
    assert answer.status_code == 404


def test_sensitive_data_is_for_those_with_the_right_and_logged_each_time(as_bob, bob, as_alice, as_dora, dora):
    assert as_bob.post("/exports/", form("make", unmasked="1")).status_code == 403
    assert as_dora.post("/exports/", form("make", unmasked="1")).status_code == 302
    export = Export.objects.get()
    work("exporting", export.pk)
    assert as_alice.get(f"/exports/{export.pk}/file").status_code == 403
    assert "sensitive data" in text_of(as_alice.get("/exports/"))
    assert as_dora.get(f"/exports/{export.pk}/file").status_code == 200
    assert LogEntry.objects.filter(user=dora, act="sensitive data exported").count() == 2
    assert as_dora.post("/exports/", form("download", unmasked="1"))["Location"].endswith("&unmasked=1")


def test_a_schedule_is_kept_shown_and_ended(as_alice, alice, as_bob):
    when = {"every": "week", "weekday": "4", "hour": "7"}
    answer = as_alice.post("/exports/", form("schedule", query="agent=nora", **when))
    assert answer["Location"] == "/exports/#schedules"
    assert [str(message) for message in get_messages(answer.wsgi_request)] == ["Scheduled every Friday at 7:00."]
    schedule = Schedule.objects.get()
    assert (schedule.user, schedule.every, schedule.weekday, schedule.hour) == (alice, Every.WEEK, 4, 7)
    assert "Every Friday at 7:00" in text_of(as_alice.get("/exports/"))
    assert "Every Friday" not in text_of(as_bob.get("/exports/"))
    assert as_bob.post(f"/exports/schedules/{schedule.pk}/end/").status_code == 404
    as_alice.post(f"/exports/schedules/{schedule.pk}/end/")
    assert not Schedule.objects.exists()


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"every": "day", "weekday": "0", "hour": "24"}, "The schedule cannot be read."),
        ({"every": "day", "weekday": "0", "hour": "6"}, "Only a lead schedules an export of all calls."),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_with_the_page(as_bob, fields, why):
    answer = as_bob.post("/exports/", form("schedule", **fields))
    assert answer.status_code == 422
    assert why in text_of(answer)
    assert '<details class="schedule" open>' in answer.content.decode()


def test_a_schedule_never_shows_sensitive_data(as_dora):
    answer = as_dora.post("/exports/", form("schedule", unmasked="1", every="day", weekday="0", hour="6"))
    assert (answer.status_code, Schedule.objects.count()) == (422, 0)


def test_the_page_costs_the_same_however_many_exports_there_are(as_alice, alice, bob):
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            as_alice.get("/exports/")
        return len(seen)

    made_for(alice)
    few = queries()
    for _ in range(9):
        made_for(bob)
    assert queries() == few


def test_the_lists_of_calls_lead_to_the_page_with_their_filters(as_bob, as_dora):
    RecordingFactory(agent=AgentFactory(identifier="nora"))
    for browser in (as_bob, as_dora):
        assert "/exports/?agent=nora" in links_of(browser.get("/calls/?agent=nora"))
