"""Adding calls: each file and each link has its own fate."""

from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from callcov_portal import forms, tasks
from callcov_portal.models import Batch, BatchState, CalledAtSource, Recording, State, Way
from callcov_portal.uploads import incoming_folder
from tests.factories import RecordingFactory
from tests.views.sending import FILES, JSON, sound_file

HTMX = {"HX-Request": "true"}
LINKS = "/calls/add/links/"


@pytest.fixture
def rung(monkeypatch) -> list:
    """The analyses for which the bell was rung."""
    bells: list = []
    monkeypatch.setattr(tasks, "ring", bells.append)
    return bells


def test_the_page_offers_files_and_links(as_bob):
    page = as_bob.get("/calls/add/?agent=nora").content.decode()
    assert 'type="file" name="files"' in page
    assert 'name="links"' in page
    assert "up to 500 MB" in page
    assert 'value="nora"' in page


def test_a_file_is_stored_and_the_bell_rings(as_bob, bob, rung):
    data = {
        "agent": " Nora ",
        "contact": "cust-1",
        "called_at": "2026-03-01T10:30",
        "direction": "inbound",
        "files": sound_file(),
    }
    fate = as_bob.post(FILES, data, headers=JSON).json()["fates"][0]
    call = Recording.objects.get()
    assert fate == {
        "name": "call.wav",
        "outcome": "stored",
        "words": "Stored as",
        "url": f"/calls/{call.pk}/",
        "call": f"call #{call.pk}",
    }
    assert (call.agent.identifier, call.contact.identifier, call.direction) == ("Nora", "cust-1", "inbound")
    assert call.called_at == datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
    assert call.uploaded_by == bob
    assert call.current_analysis.state == State.QUEUED
    assert rung == [call.current_analysis.pk]


def test_the_time_is_read_in_the_portals_time_zone(as_bob, settings, rung):
    settings.TIME_ZONE = "America/New_York"
    as_bob.post(FILES, {"agent": "a", "called_at": "2026-03-01T10:30", "files": sound_file()}, headers=JSON)
    assert Recording.objects.get().called_at == datetime(2026, 3, 1, 15, 30, tzinfo=UTC)


def test_the_files_date_is_what_the_time_is_assumed_from(as_bob, rung):
    moment = datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
    data = {"agent": "a", "modified": str(int(moment.timestamp() * 1000)), "files": sound_file("tone.wav")}
    as_bob.post(FILES, data, headers=JSON)
    call = Recording.objects.get()
    assert (call.called_at, call.called_at_source) == (moment, CalledAtSource.FILE_DATE)


@pytest.mark.parametrize("modified", ["", "x", "9" * 30, "-" + "9" * 30, "-62135596800000"])
def test_a_date_that_is_none_is_left_out(as_bob, modified, rung):
    as_bob.post(FILES, {"agent": "a", "modified": modified, "files": sound_file("tone.wav")}, headers=JSON)
    assert Recording.objects.get().called_at_source == CalledAtSource.UPLOAD


def test_the_same_bytes_again_are_a_duplicate_with_a_link(as_bob, rung):
    as_bob.post(FILES, {"agent": "a", "files": sound_file()}, headers=JSON)
    fate = as_bob.post(FILES, {"agent": "b", "files": sound_file("other name.wav")}, headers=JSON).json()["fates"][0]
    call = Recording.objects.get()
    assert (fate["outcome"], fate["url"]) == ("duplicate", f"/calls/{call.pk}/")
    assert len(rung) == 1


@pytest.mark.parametrize("content", [b"", b"This is text, not sound."])
def test_what_is_no_audio_is_refused_with_a_reason_and_leaves_nothing(as_bob, content, rung):
    file = SimpleUploadedFile("renamed.wav", content)
    fate = as_bob.post(FILES, {"agent": "a", "files": file}, headers=JSON).json()["fates"][0]
    assert fate["outcome"] == "refused"
    assert fate["words"].startswith("Refused: ")
    assert not Recording.objects.exists()
    assert not list(incoming_folder().iterdir())
    assert rung == []


def test_a_plain_form_sends_several_files_and_gets_each_ones_fate(as_bob, rung):
    known = sound_file("again.wav", seed=1)
    as_bob.post(FILES, {"agent": "a", "files": known}, headers=JSON)
    files = [sound_file("new.wav", seed=2), sound_file("again.wav", seed=1), SimpleUploadedFile("bad.wav", b"text")]
    response = as_bob.post(FILES, {"agent": "a", "files": files, "links": "https://example.org/kept.wav"})
    page = response.content.decode()
    assert response.status_code == 200
    for words in ("new.wav", "Stored as", "again.wav", "Duplicate of", "bad.wav", "Refused: "):
        assert words in page
    assert "https://example.org/kept.wav</textarea>" in page
    assert Recording.objects.count() == 2


def test_without_an_agent_nothing_is_taken(as_bob, rung):
    answer = as_bob.post(FILES, {"agent": " ", "files": sound_file()}, headers=JSON)
    assert answer.status_code == 422
    assert "which agent" in answer.json()["errors"]["agent"][0]
    page = as_bob.post(FILES, {"agent": "", "files": sound_file()})
    assert page.status_code == 422
    assert "which agent" in page.content.decode()
    assert not Recording.objects.exists()
    assert not list(incoming_folder().iterdir())


def test_without_a_file_the_form_says_so(as_bob):
    response = as_bob.post(FILES, {"agent": "a"})
    assert response.status_code == 422
    assert "Choose at least one file." in response.content.decode()


@pytest.mark.parametrize("when", ["1970-01-01T00:00", "2999-01-01T00:00", "soon"])
def test_a_time_that_cannot_be_is_refused(as_bob, when):
    answer = as_bob.post(FILES, {"agent": "a", "called_at": when, "files": sound_file()}, headers=JSON)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["called_at"]


def test_unknown_as_a_contact_is_no_contact(as_bob, rung):
    as_bob.post(FILES, {"agent": "a", "contact": " Unknown ", "files": sound_file()}, headers=JSON)
    assert Recording.objects.get().contact is None


def test_links_are_written_down_each_with_its_fate(as_bob, rung):
    links = "https://recordings.example.com/a.wav\n\nftp://example.com/b.wav\nhttps://recordings.example.com/a.wav"
    response = as_bob.post(LINKS, {"agent": "a", "links": links}, headers=HTMX)
    page = response.content.decode()
    call = Recording.objects.get()
    assert response.status_code == 200
    assert page.lstrip().startswith('<div id="links">')
    assert f'<a href="/calls/{call.pk}/">call #{call.pk}</a>' in page
    assert "Refused: " in page
    assert "ftp://example.com/b.wav</textarea>" in page  # what was refused stays, to be mended
    assert rung == [call.current_analysis.pk]


def test_links_work_as_a_plain_form_too(as_bob, rung):
    response = as_bob.post(LINKS, {"agent": "a", "links": "https://recordings.example.com/a.wav"})
    page = response.content.decode()
    assert response.status_code == 200
    assert "<html" in page
    assert "Stored as" in page
    assert "a.wav</textarea>" not in page


def test_a_link_to_the_inside_is_refused_before_anything_is_stored(as_bob, rung):
    page = as_bob.post(LINKS, {"agent": "a", "links": "http://169.254.169.254/latest/"}, headers=HTMX).content.decode()
    assert "Refused: " in page
    assert not Recording.objects.exists()


@pytest.mark.parametrize("headers", [HTMX, {}])
def test_links_without_an_agent_or_without_a_link_are_not_taken(as_bob, headers):
    response = as_bob.post(LINKS, {"agent": "", "links": "https://example.org/a.wav"}, headers=headers)
    assert response.status_code == 422
    assert "which agent" in response.content.decode()
    assert "https://example.org/a.wav</textarea>" in response.content.decode()
    assert ('name="pattern"' in response.content.decode()) == (headers == {})
    response = as_bob.post(LINKS, {"agent": "a", "links": " \n"}, headers=headers)
    assert response.status_code == 422
    assert "at least one link" in response.content.decode()
    assert not Recording.objects.exists()


def test_too_many_links_at_once_are_refused(as_bob, monkeypatch):
    monkeypatch.setattr(forms, "MAX_LINKS", 2)
    links = "\n".join(f"https://example.org/{n}.wav" for n in range(3))
    response = as_bob.post(LINKS, {"agent": "a", "links": links}, headers=HTMX)
    assert response.status_code == 422
    assert "At most 2" in response.content.decode()


def test_who_is_signed_out_uploads_nothing(as_charlie):
    assert as_charlie.post(FILES, {"agent": "a", "files": sound_file()}, headers=JSON).status_code == 302
    assert as_charlie.post(LINKS, {"agent": "a", "links": "https://example.org/a.wav"}).status_code == 302
    assert not list(incoming_folder().iterdir())


@pytest.mark.parametrize("path", [FILES, LINKS])
def test_adding_is_a_post(as_bob, path):
    assert as_bob.get(path).status_code == 405


def test_a_call_is_corrected_and_the_change_is_named(as_alice):
    call = RecordingFactory()
    page = as_alice.get(f"/calls/{call.pk}/edit/").content.decode()
    assert f'value="{call.agent.identifier}"' in page
    data = {"agent": "somebody else", "contact": "", "called_at": "2026-03-01T09:00", "direction": "outbound"}
    response = as_alice.post(f"/calls/{call.pk}/edit/", data, follow=True)
    call.refresh_from_db()
    assert response.redirect_chain == [(f"/calls/{call.pk}/", 302)]
    assert (call.agent.identifier, call.contact, call.direction) == ("somebody else", None, "outbound")
    assert call.called_at_source == CalledAtSource.FORM
    assert "→ somebody else" in response.content.decode()


def test_correcting_nothing_says_so(as_alice):
    moment = datetime(2026, 3, 1, 9, 0, 41, tzinfo=UTC)  # a browser shows no seconds
    call = RecordingFactory(called_at=moment, called_at_source=CalledAtSource.FILE_NAME)
    data = {"agent": call.agent.identifier, "contact": call.contact.identifier, "called_at": "2026-03-01T09:00"}
    response = as_alice.post(f"/calls/{call.pk}/edit/", data, follow=True)
    assert "Nothing was changed." in response.content.decode()
    call.refresh_from_db()
    assert (call.called_at, call.called_at_source) == (moment, CalledAtSource.FILE_NAME)


def test_a_correction_without_an_agent_is_refused(as_alice):
    call = RecordingFactory()
    assert as_alice.post(f"/calls/{call.pk}/edit/", {"agent": ""}).status_code == 422


def test_a_reviewer_corrects_own_calls_only(as_bob, bob):
    own, foreign = RecordingFactory(uploaded_by=bob), RecordingFactory()
    assert as_bob.get(f"/calls/{own.pk}/edit/").status_code == 200
    assert as_bob.get(f"/calls/{foreign.pk}/edit/").status_code == 403
    assert as_bob.post(f"/calls/{foreign.pk}/edit/", {"agent": "x"}).status_code == 403


def test_a_call_that_is_not_there_cannot_be_corrected(as_alice):
    assert as_alice.get("/calls/999/edit/").status_code == 404
    assert as_alice.get("/calls/99999999999999999999999/edit/").status_code == 404


def test_the_form_says_in_which_time_zone_the_time_is(as_bob, settings):
    settings.TIME_ZONE = "America/New_York"
    assert "America/New York time." in as_bob.get("/calls/add/").content.decode()


def test_a_plain_form_reads_names_by_a_pattern_and_takes_nothing_while_an_agent_is_missing(as_bob, rung):
    pattern = {"agent": "", "pattern": "{agent}_{contact}"}
    files = [sound_file("nora_c1.wav"), sound_file("x.wav", seed=1)]
    assert as_bob.post(FILES, {**pattern, "files": files}).status_code == 422
    assert not Recording.objects.exists()
    assert as_bob.post(FILES, {**pattern, "files": [sound_file("nora_c1.wav")]}).status_code == 200
    call = Recording.objects.get()
    assert (call.agent.identifier, call.contact.identifier) == ("nora", "c1")


def test_files_and_links_of_plain_forms_are_batches(as_bob, bob, rung):
    as_bob.post(FILES, {"agent": "a", "files": [sound_file("a.wav"), sound_file("b.wav", seed=1), sound_file("a.wav")]})
    as_bob.post(LINKS, {"agent": "a", "links": "https://recordings.example.com/a.wav"})
    files, links = Batch.objects.order_by("created_at")
    assert (files.way, files.user, files.state, files.sums()[:2]) == (Way.FILES, bob, BatchState.CLOSED, (3, 2))
    assert files.sums().duplicates == 1
    assert (links.way, links.state, links.sums()[:2]) == (Way.LINKS, BatchState.CLOSED, (1, 1))
