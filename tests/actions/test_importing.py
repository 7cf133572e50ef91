"""A manifest becomes items, is checked, waits for a person and becomes calls; once, whoever dies, and however often it comes."""

import http.server
import threading
from collections import Counter
from datetime import timedelta
from importlib import import_module
from itertools import pairwise

import pytest
import time_machine
from django.apps import apps
from django.core.files.storage import default_storage
from django.utils import timezone

from callcov_portal.actions import batches, chores, hosts, importing, linkchecks, recordings
from callcov_portal.models import (
    Analysis,
    Batch,
    BatchItem,
    BatchState,
    Cause,
    Failure,
    Fate,
    LogEntry,
    Recording,
    Signal,
    Way,
)
from callcov_portal.models.recording import key_of_link
from callcov_portal.reading import manifests
from callcov_portal.uploads import incoming_folder
from tests.sounds import wav
from tests.working import due, work, work_all

LINKS_BY_KEY = "callcov_portal.migrations.0050_links_by_key"
pytestmark = pytest.mark.django_db


@pytest.fixture
def web(settings, monkeypatch):
    """A web server on this machine, allowed by setting: (its address, what it answers by path, what it was asked for)."""
    answers: dict[str, bytes | int | str] = {"/a.wav": wav(), "/b.wav": wav(seed=1), "/long.wav": wav(20)}
    asked: Counter[str] = Counter()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked[self.path] += 1
            answer = answers.get(self.path, 404)
            if isinstance(answer, str):
                self.send_response(302)
                self.send_header("Location", answer)
            elif isinstance(answer, int):
                self.send_response(answer)
            else:
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            if isinstance(answer, bytes):
                self.wfile.write(answer)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        settings.CALLCOV_FETCH_ALLOW = [f"127.0.0.1:{port}"]
        monkeypatch.setattr(hosts, "EVERY", timedelta())
        yield f"http://127.0.0.1:{port}", answers, asked
        server.shutdown()


def manifest(text: str, user, **given) -> Batch:
    path = incoming_folder() / "x.part"
    path.write_text(text)
    with path.open("rb") as file:
        head = manifests.head_of(file)
    found = importing.Manifest(path, "calls.csv", head, manifests.guessed(head), given)
    return importing.open_manifest(found, user)


def checked(text: str, user, **given) -> Batch:
    batch = manifest(text, user, **given)
    work_all("batch")
    batch.refresh_from_db()
    assert batch.state == BatchState.CHECKED
    return batch


def imported(batch: Batch, user) -> Batch:
    assert importing.confirm(batch, user)
    work_all("batch")
    batch.refresh_from_db()
    assert batch.state == BatchState.CLOSED
    return batch


def causes(batch: Batch) -> list[str]:
    return list(batch.items.values_list("cause", flat=True))


def test_rows_become_items_known_by_their_lines_with_what_they_say(alice, web):
    text = f"link,agent,customer,date,direction,duration\n\n{web[0]}/a.wav,nora,c-1,2026-03-02 14:30,in,90\n"
    batch = checked(text, alice)
    item = batch.items.get()
    assert (item.position, item.agent, item.contact, item.direction, item.seconds) == (3, "nora", "c-1", "inbound", 90)
    assert timezone.localtime(item.called_at).isoformat().startswith("2026-03-02T14:30")
    assert (batch.name, batch.way, batch.sums().waiting) == ("calls.csv", Way.MANIFEST, 1)


def test_the_dry_run_says_per_row_what_would_become_of_it_and_stores_and_sends_nothing(alice, web, settings):
    settings.CALLCOV_MAX_UPLOAD_MB = 0.2
    url, answers, _asked = web
    call = recordings.add_link(link=f"{url}/known.wav", details=recordings.CallDetails("nora"), user=alice)
    answers |= {
        "/page.wav": b"<html><body>Sign in</body></html>",
        "/text.wav": b"no such recording\n",
        "/empty.wav": b"",
        "/large.wav": wav(20),
        "/inward.wav": "http://10.0.0.1/a.wav",
        "/round.wav": f"{url}/a.wav",
        "/down.wav": 503,
    }
    names = ["a", "known", "a", "gone", "page", "text", "empty", "large", "inward", "round", "down"]
    rows = [f"{url}/{name}.wav,nora,\n" for name in names]
    rows += [
        f"{url}/b.wav,,\n",
        f"{url}/b.wav,nora,\n",
        f"{url}/b.wav,nora,soon\n",
        "ftp://x/a,nora,\n",
        "http://10.0.0.1/,x,\n",
    ]
    batch = checked("link,agent,date\n" + "".join(rows), alice)
    found = [(item.cause, item.detail) for item in batch.items.all()]
    good = ("", "")
    assert found == [
        good,
        (Failure.DUPLICATE, f"The same link is there already as {call}."),
        (Failure.DUPLICATE, "The same link stands in line 2."),
        (Failure.UNREACHABLE, "The server answered with HTTP 404."),
        (Failure.NOT_AUDIO, "This is not a recording: it is HTML File."),
        (Failure.NOT_AUDIO, "This is not a recording: it is a text."),
        (Failure.NOT_AUDIO, "The file is empty."),
        (Failure.TOO_LARGE, "The file is larger than the 0.2 MB that are allowed."),
        (Failure.BLOCKED, found[8][1]),
        good,
        (Failure.UNREACHABLE, "The server answered with HTTP 503."),
        (Cause.NO_AGENT, batches.NO_AGENT),
        good,
        (Cause.UNREADABLE, "date: “soon” is no time. Write it like 2026-03-02 14:30."),
        (Failure.BLOCKED, "Only http and https links are fetched."),
        (Failure.BLOCKED, found[15][1]),
    ]
    assert "not on the public internet" in found[8][1]
    assert batch.items.get(position=3).duplicate_of == call
    first = batch.items.first()
    assert (first.size_bytes, first.seconds) == (len(wav()), 1.0)
    assert Recording.objects.count() == Analysis.objects.count() == 1
    assert batch.sums().waiting == batch.sums().items == 16


def test_after_the_import_every_row_has_its_fate_and_the_sum_holds(alice, web):
    url, _, asked = web
    rows = [f"{url}/a.wav,nora", f"{url}/a.wav,nora", f"{url}/gone.wav,nora", f"{url}/b.wav,", f"{url}/b.wav,sam"]
    batch = imported(checked("link,agent\n" + "\n".join(rows), alice), alice)
    assert list(batch.items.values_list("fate", flat=True)) == [
        Fate.STORED,
        Fate.DUPLICATE,
        Fate.REFUSED,
        Fate.REFUSED,
        Fate.STORED,
    ]
    assert causes(batch)[2:4] == [Failure.UNREACHABLE, Cause.NO_AGENT]
    assert [call.agent.identifier for call in batch.recordings.order_by("pk")] == ["nora", "sam"]
    sums = batch.sums()
    assert (sums.items, sums.waiting, sums.failed, sums.duplicates) == (5, 2, 2, 1)
    assert (batch.closed_at is not None, batch.due_at) == (True, None)
    assert asked["/a.wav"] == 1
    assert LogEntry.objects.filter(user=alice, text="calls.csv: 5 rows").count() == 1


def test_the_same_manifest_again_adds_nothing(alice, web):
    text = f"link,agent\n{web[0]}/a.wav,nora\n{web[0]}/b.wav,nora\n"
    imported(checked(text, alice), alice)
    again = checked(text, alice)
    assert causes(again) == [Failure.DUPLICATE] * 2
    assert imported(again, alice).sums().duplicates == 2
    assert Recording.objects.count() == 2
    assert sum(web[2].values()) == 2


def test_two_that_were_checked_before_either_was_imported_add_each_link_once(alice, web):
    text = f"link,agent\n{web[0]}/a.wav,nora\n"
    first, second = checked(text, alice), checked(text, alice)
    imported(first, alice)
    item = imported(second, alice).items.get()
    assert (item.fate, item.duplicate_of) == (Fate.DUPLICATE, first.items.get().recording)


def test_import_is_confirmed_once_and_not_before_the_check(alice, web):
    batch = manifest(f"link,agent\n{web[0]}/a.wav,nora\n", alice)
    assert not importing.confirm(batch, alice)
    work_all("batch")
    assert importing.confirm(batch, alice)
    assert not importing.confirm(batch, alice)
    assert not importing.map_columns(batch, manifests.Columns({"link": 0}), {})
    assert not importing.check_again(batch)


def killed(*_args, **_kwargs):
    raise KeyboardInterrupt


def put_due(batch: Batch) -> None:
    """As the lease of a dead worker ends."""
    Batch.objects.filter(pk=batch.pk).update(due_at=timezone.now())


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_reading_costs_no_row_and_doubles_none(alice, web, monkeypatch):
    monkeypatch.setattr(importing, "AT_ONCE", 2)
    batch = manifest("link,agent\n" + "".join(f"{web[0]}/{n}.wav,nora\n" for n in range(7)), alice)
    real, times = BatchItem.objects.bulk_create, []

    def dying(*args, **kwargs):
        times.append(1)
        if len(times) in {1, 3}:
            killed()
        return real(*args, **kwargs)

    monkeypatch.setattr(BatchItem.objects, "bulk_create", dying)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            work("batch", batch.pk)
        put_due(batch)
    assert batch.items.count() == 2
    assert work("batch", batch.pk)
    assert list(batch.items.values_list("position", flat=True)) == [2, 3, 4, 5, 6, 7, 8]


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_checking_leaves_what_was_checked(alice, web, monkeypatch):
    monkeypatch.setattr(linkchecks, "AT_ONCE", 1)
    batch = manifest(f"link,agent\n{web[0]}/a.wav,nora\n{web[0]}/b.wav,nora\n", alice)
    work("batch", batch.pk)
    real = linkchecks.looked_at
    monkeypatch.setattr(linkchecks, "looked_at", lambda items: killed() if web[2] else real(items))
    with pytest.raises(KeyboardInterrupt):
        work("batch", batch.pk)
    assert list(batch.items.values_list("is_checked", flat=True)) == [True, False]
    monkeypatch.setattr(linkchecks, "looked_at", real)
    put_due(batch)
    work_all("batch")
    assert web[2] == {"/a.wav": 1, "/b.wav": 1}


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_importing_makes_no_call_twice(alice, web, monkeypatch):
    batch = checked(f"link,agent\n{web[0]}/a.wav,nora\n{web[0]}/b.wav,nora\n{web[0]}/gone.wav,x\n", alice)
    importing.confirm(batch, alice)
    real = importing.take
    monkeypatch.setattr(importing, "take", lambda item: killed() if item.position == 3 else real(item))
    with pytest.raises(KeyboardInterrupt):
        work("batch", batch.pk)
    assert Recording.objects.count() == 1
    monkeypatch.setattr(importing, "take", real)
    put_due(batch)
    work_all("batch")
    assert [item.fate for item in batch.items.all()] == [Fate.STORED, Fate.STORED, Fate.REFUSED]
    assert Recording.objects.count() == 2


def test_long_work_is_done_in_bits_that_go_on_where_the_last_ended(alice, web, monkeypatch):
    monkeypatch.setattr(importing, "AT_ONCE", 1)
    monkeypatch.setattr(importing, "READING_BIT", -1)
    monkeypatch.setattr(importing, "BIT", -1)
    monkeypatch.setattr(chores, "BIT", -1)
    batch = manifest(f"link,agent\n{web[0]}/a.wav,nora\n{web[0]}/b.wav,nora\n", alice)
    seen = []
    while due("batch"):
        work("batch", batch.pk)
        batch.refresh_from_db()
        seen.append((batch.state, batch.items.count()))
        if batch.state == BatchState.CHECKED and len(seen) < 8:
            importing.confirm(batch, alice)
    assert [count for state, count in seen if state == BatchState.READING] == [1, 2]
    assert sum(state == BatchState.CHECKING for state, _ in seen) == 3
    assert sum(state == BatchState.IMPORTING for state, _ in seen) == 2
    assert batch.state == BatchState.CLOSED


def test_other_columns_read_it_anew_and_what_holds_for_all_fills_the_gaps(alice, web):
    batch = checked(f"link,who\n{web[0]}/a.wav,nora\n,sam\n", alice)
    assert causes(batch) == [Cause.NO_AGENT, Cause.UNREADABLE]
    assert importing.map_columns(batch, manifests.Columns({"link": 0, "contact": 1}), {"agent": "rachel"})
    work_all("batch")
    item = imported(batch, alice).items.first()
    assert (item.recording.agent.identifier, item.recording.contact.identifier) == ("rachel", "nora")
    assert batch.items.count() == 2


def test_without_a_column_of_links_a_person_says_which_it_is(alice, web):
    batch = manifest(f"a,b\nx,{web[0]}/a.wav\n".replace("http", "ftp"), alice)
    assert (batch.state, due("batch")) == (BatchState.READING, [])
    importing.map_columns(batch, manifests.Columns({"link": 1, "agent": 0}), {})
    work_all("batch")
    assert causes(batch) == [Failure.BLOCKED]


def test_what_was_in_trouble_is_checked_again_when_a_person_says_so(alice, web):
    batch = checked(f"link,agent\n{web[0]}/later.wav,nora\n{web[0]}/a.wav,nora\n,x\n", alice)
    web[1]["/later.wav"] = wav(seed=5)
    assert importing.check_again(batch)
    work_all("batch")
    assert causes(batch) == ["", "", Cause.UNREADABLE]
    assert web[2]["/a.wav"] == 1


def test_who_does_not_wait_for_the_check_imports_what_is_not_found_bad(alice, web, monkeypatch):
    monkeypatch.setattr(importing, "BIT", -1)
    monkeypatch.setattr(linkchecks, "AT_ONCE", 1)
    batch = manifest(f"link,agent\n{web[0]}/gone.wav,nora\n{web[0]}/a.wav,nora\n{web[0]}/a.wav,sam\n", alice)
    assert not importing.end_check(batch)
    work("batch", batch.pk)
    work("batch", batch.pk)
    assert importing.end_check(batch)
    fates = imported(batch, alice).items.values_list("fate", flat=True)
    assert list(fates) == [Fate.REFUSED, Fate.STORED, Fate.DUPLICATE]


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_cancelled_batch_stops_wherever_it_is(alice, web, turns):
    batch = manifest(f"link,agent\n{web[0]}/a.wav,nora\n", alice)
    for turn in range(turns):
        work("batch", batch.pk)
        if turn == 1:
            importing.confirm(batch, alice)
    batches.cancel(batch)
    batch.refresh_from_db()
    assert (batch.state, due("batch")) == (BatchState.CLOSED, [])
    assert Recording.objects.count() == (1 if turns == 3 else 0)
    assert not importing.map_columns(batch, manifests.Columns({"link": 0}), {})


def test_who_reads_on_after_a_cancel_or_other_columns_writes_nothing(alice, web, monkeypatch):
    batch = manifest(f"link,agent\n{web[0]}/a.wav,nora\n", alice)
    real = importing.write

    def late(turn, rows):
        batches.cancel(batch)
        real(turn, rows)

    monkeypatch.setattr(importing, "write", late)
    work("batch", batch.pk)
    assert (batch.items.count(), Batch.objects.get().state) == (0, BatchState.CLOSED)


def test_a_manifest_that_breaks_off_or_is_gone_waits_for_a_person_with_the_cause(alice, web):
    broken = manifest("link,agent\n" + f"{web[0]}/a.wav,nora\n" * 4 + "x\0\n", alice)
    gone = manifest(f"link,agent\n{web[0]}/a.wav,nora\n", alice)
    default_storage.delete(gone.manifest.name or "")
    work_all("batch")
    for batch, words in ((broken, "This is no CSV file"), (gone, "No such file")):
        batch.refresh_from_db()
        assert batch.state == BatchState.READING
        assert words in batch.detail


def test_a_row_that_nothing_helps_does_not_stop_the_line(alice, web, monkeypatch):
    batch = checked(f"link,agent\n{web[0]}/a.wav,nora\n{web[0]}/b.wav,sam\n", alice)
    real = batches.take_link
    monkeypatch.setattr(batches, "take_link", lambda item: 1 / 0 if item.agent == "nora" else real(item))
    fates = imported(batch, alice).items.values_list("fate", "detail")
    assert list(fates) == [(Fate.REFUSED, "ZeroDivisionError: division by zero"), (Fate.STORED, "")]


def test_a_link_that_nothing_helps_is_told_and_does_not_stop_the_check(alice, web, monkeypatch):
    monkeypatch.setattr(linkchecks, "judged", lambda *_: 1 / 0)
    assert causes(checked(f"link,agent\n{web[0]}/a.wav,nora\n", alice)) == [Failure.UNREACHABLE]


@time_machine.travel("2026-03-02T12:00:00Z", tick=False)
def test_one_host_is_asked_four_times_a_second_and_others_beside_it(db):
    before = timezone.now()
    places = [hosts.take_place(link) for link in ["http://a.example/1", "http://A.example/2", "http://b.example/"] * 4]
    ours = [place for n, place in enumerate(places) if n % 3 != 2]
    assert [round((b - a).total_seconds(), 2) for a, b in pairwise(ours)] == [0.25] * 7
    assert (places[11] - before).total_seconds() < 1.5
    Signal.objects.filter(name__startswith="host ").update(at=timezone.now() + timedelta(days=1))
    assert hosts.take_place("http://a.example/") <= timezone.now(), "the clock was set back"
    assert hosts.take_place("http://[") <= timezone.now()
    hosts.forget_old(timezone.now() + timedelta(days=2))
    assert not Signal.objects.filter(name__startswith="host ").exists()


def test_links_that_were_there_before_get_their_keys(alice):
    call = recordings.add_link(link="https://f.example/a.wav", details=recordings.CallDetails("nora"), user=alice)
    Recording.objects.update(link_key=None)
    import_module(LINKS_BY_KEY).find_links(apps, None)
    assert Recording.objects.get(link_key=key_of_link("https://f.example/a.wav")) == call
