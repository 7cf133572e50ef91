"""What of a call is heard: its sensitive seconds are silent, unless somebody with the right asks for them."""

from datetime import timedelta

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from callcov_portal import tasks
from callcov_portal.models import LogEntry, Muting, Recording
from tests.factories import CompletedFactory, RecordingFactory, SpanFactory
from tests.views.pages import text_of

HTMX = {"HX-Request": "true"}
ORIGINAL, SILENT = b"original" * 100, b"silent" * 100


@pytest.fixture(autouse=True)
def rung(monkeypatch) -> list:
    bells: list = []
    monkeypatch.setattr(tasks, "ring_chore", lambda kind, pk: bells.append(pk) if kind == "muting" else None)
    return bells


@pytest.fixture
def call(db) -> Recording:
    """A call with two silent places and its copy."""
    recording = RecordingFactory(
        file=default_storage.save("a.wav", ContentFile(ORIGINAL)),
        file_name="Call of Monday.wav",
        muted_file=default_storage.save("b.flac", ContentFile(SILENT)),
        muting=Muting.DONE,
        muted_spans="c0ffee",
    )
    analysis = CompletedFactory(recording=recording)
    SpanFactory(analysis=analysis, start=2.0, end=3.0)
    SpanFactory(analysis=analysis, start=2.5, end=4.0, kind="cvv")
    SpanFactory(analysis=CompletedFactory(recording=recording), start=65.0, end=70.0)
    return recording


def get(client, call, query="", **headers):
    return client.get(f"/calls/{call.pk}/audio/{query}", headers={k.replace("_", "-"): v for k, v in headers.items()})


def body(response) -> bytes:
    return response.getvalue()


def player(client, call, query="", headers=HTMX):
    return client.get(f"/calls/{call.pk}/player/{query}", headers=headers)


def acts() -> list[tuple[str, str]]:
    return list(LogEntry.objects.order_by("id").values_list("user__username", "act"))


@pytest.mark.parametrize("browser", ["as_bob", "as_alice", "as_dora"])
def test_everybody_hears_the_copy(request, browser, call):
    response = get(request.getfixturevalue(browser), call)
    assert body(response) == SILENT
    assert response["Content-Type"] == "audio/flac"
    assert response["Content-Disposition"] == 'inline; filename="Call of Monday.muted.flac"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "private, no-cache"
    assert acts() == []


def test_the_copy_comes_in_ranges_and_with_a_tag_of_its_own(as_bob, as_dora, call):
    part = get(as_bob, call, Range="bytes=6-11")
    assert (part.status_code, body(part)) == (206, b"silent")
    assert part["Content-Range"] == f"bytes 6-11/{len(SILENT)}"
    tag = part["ETag"]
    assert get(as_bob, call, If_None_Match=tag).status_code == 304
    whole = get(as_dora, call, "?unmuted=1")
    assert body(whole) == ORIGINAL
    assert whole["ETag"] != tag
    assert get(as_bob, call, Range="bytes=0-1", If_Range=whole["ETag"]).status_code == 200
    assert get(as_bob, call, Range=f"bytes={len(SILENT)}-").status_code == 416


def test_a_call_without_sensitive_seconds_is_heard_as_it_came(as_bob):
    recording = RecordingFactory(file=default_storage.save("a.wav", ContentFile(ORIGINAL)))
    assert body(get(as_bob, recording)) == ORIGINAL
    page = player(as_bob, recording).content.decode()
    assert "silent" not in page
    assert "Hear everything" not in page
    assert f'href="/calls/{recording.pk}/audio/?download=1" download>Download</a>' in page


def test_while_the_copy_is_made_nothing_is_heard_and_the_player_asks_again(as_bob, call):
    Recording.objects.update(muting=Muting.DUE, muting_at=timezone.now())
    response = get(as_bob, call)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "are being made silent" in text_of(response)
    page = player(as_bob, call)
    assert "<audio" not in page.content.decode()
    assert "Being muted" in text_of(page)
    assert 'hx-trigger="every 2s, sound-changed"' in page.content.decode()
    seen = page.content.decode().partition("?seen=")[2].partition('"')[0]
    assert player(as_bob, call, f"?seen={seen}").status_code == 204
    Recording.objects.update(muting=Muting.DONE)
    ready = player(as_bob, call, f"?seen={seen}")
    assert f'src="/calls/{call.pk}/audio/"' in ready.content.decode()
    assert "every 2s" not in ready.content.decode()
    assert ready["HX-Trigger-After-Swap"] == "sound-ready"


def test_the_page_of_a_call_whose_copy_is_being_made_has_no_links_to_sound(as_bob, call):
    Recording.objects.update(muting=Muting.DUE, muting_at=timezone.now())
    page = as_bob.get(f"/calls/{call.pk}/").content.decode()
    assert "/audio/" not in page
    assert f'hx-get="/calls/{call.pk}/player/' in page


def test_a_copy_that_cannot_be_made_leaves_the_original_to_those_with_the_right(as_bob, as_dora, call, rung):
    Recording.objects.update(muting=Muting.FAILED, muting_detail="The file is damaged.")
    refusal = get(as_bob, call)
    assert refusal.status_code == 403
    assert "could not be made" in text_of(refusal)
    for client in (as_bob, as_dora):
        assert "The file is damaged." in text_of(player(client, call))
    assert body(get(as_dora, call, "?unmuted=1")) == ORIGINAL
    again = as_bob.post(f"/calls/{call.pk}/mute/", headers=HTMX)
    assert "Being muted" in text_of(again)
    assert rung == [call.pk]
    assert as_bob.post(f"/calls/{call.pk}/mute/").headers["Location"] == f"/calls/{call.pk}/"
    assert rung == [call.pk]


def test_a_copy_that_is_gone_from_the_storage_can_be_made_again(as_bob, call, rung):
    default_storage.delete(call.muted_name)
    assert get(as_bob, call).status_code == 403
    assert "Try again" in text_of(player(as_bob, call))
    as_bob.post(f"/calls/{call.pk}/mute/")
    assert Recording.objects.get().muting == Muting.DUE


@pytest.mark.parametrize("browser", ["as_bob", "as_alice"])
def test_without_the_right_nobody_hears_everything(request, browser, call):
    client = request.getfixturevalue(browser)
    for response in (
        get(client, call, "?unmuted=1"),
        get(client, call, "?unmuted=1", Range="bytes=0-9"),
        player(client, call, "?unmuted=1"),
        client.get(f"/calls/{call.pk}/?unmuted=1"),
    ):
        assert response.status_code == 403
        assert "Only administrators" in text_of(response)
    assert "Hear everything" not in text_of(player(client, call))
    assert acts() == []


def test_hearing_everything_is_logged_once_however_many_pieces_are_sent(as_dora, call):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for first in range(0, 50, 10):
            assert get(as_dora, call, "?unmuted=1", Range=f"bytes={first}-{first + 9}").status_code == 206
        assert acts() == [("dora", "sensitive data heard")]
        clock.shift(timedelta(minutes=11))
        get(as_dora, call, "?unmuted=1")
        assert len(acts()) == 2
        get(as_dora, call, "?unmuted=1&download=1")
        assert acts()[2:] == [("dora", "sensitive data downloaded")]
        as_dora.head(f"/calls/{call.pk}/audio/?unmuted=1")
        assert len(acts()) == 3
    assert LogEntry.objects.first().recording_number == call.pk


def test_the_player_lists_and_marks_what_is_silent(as_bob, call):
    page = player(as_bob, call)
    assert "2 silent places" in text_of(page)
    assert "0:02 – 0:04 card number, security code" in text_of(page)
    assert "1:05 – 1:10 card number" in text_of(page)
    assert page.content.decode().count("<rect ") == 2
    assert 'x="2.00" y="0" width="2.00"' in page.content.decode()
    assert " style=" not in page.content.decode()


def test_those_with_the_right_switch_between_all_and_silent_and_keep_either(as_dora, call):
    muted = player(as_dora, call).content.decode()
    assert f'hx-get="/calls/{call.pk}/player/?unmuted=1"' in muted
    assert f'href="/calls/{call.pk}/audio/?download=1" download>Download with silent places' in muted
    lifted = player(as_dora, call, "?unmuted=1").content.decode()
    assert f'src="/calls/{call.pk}/audio/?unmuted=1"' in lifted
    assert f'href="/calls/{call.pk}/audio/?unmuted=1&amp;download=1" download>Download all of it' in lifted
    assert "Silence them again" in lifted
    page = as_dora.get(f"/calls/{call.pk}/?unmuted=1").content.decode()  # without JavaScript
    assert f'src="/calls/{call.pk}/audio/?unmuted=1"' in page


def test_a_download_is_offered_as_a_file(as_bob, call):
    assert get(as_bob, call, "?download=1")["Content-Disposition"].startswith("attachment;")


def test_the_player_by_itself_is_for_htmx(as_bob, as_dora, call):
    assert player(as_bob, call, headers={}).headers["Location"] == f"/calls/{call.pk}/"
    assert player(as_dora, call, "?unmuted=1", headers={}).headers["Location"] == f"/calls/{call.pk}/?unmuted=1"


def test_a_link_without_a_copy_has_no_sound_to_download(as_bob):
    linked = RecordingFactory(file="", link="https://example.org/a.wav")
    page = player(as_bob, linked).content.decode()
    assert "No audio here" in page
    assert "Download" not in page


def test_the_link_to_the_original_is_for_those_with_the_right(as_bob, as_dora, call):
    link = "https://files.example/call.wav"
    Recording.objects.update(link=link)
    for client, is_there in ((as_bob, False), (as_dora, True)):
        assert (link in client.get(f"/calls/{call.pk}/").content.decode()) == is_there
    for client, query, is_there in ((as_bob, "", False), (as_dora, "", False), (as_dora, "?unmasked=1", True)):
        assert (link.encode() in client.get(f"/exports/calls.csv{query}").getvalue()) == is_there
    Recording.objects.update(muting=Muting.NONE)
    assert link in as_bob.get(f"/calls/{call.pk}/").content.decode()
    assert link.encode() in as_bob.get("/exports/calls.csv").getvalue()


def test_what_is_gone_was_not_heard(as_dora, call):
    default_storage.delete(call.file.name)
    assert get(as_dora, call, "?unmuted=1").status_code == 404
    assert acts() == []
