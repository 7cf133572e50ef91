"""One act on many calls: asked for on the list, confirmed on its page, followed there."""

import re

import pytest

from callcov_portal.actions import bulk
from callcov_portal.models import BulkAct, BulkJob, BulkState, Failure, Recording, State
from callcov_portal.models.selection import Selection
from tests.factories import AgentFactory, AnalysisFactory, CompletedFactory, RecordingFactory
from tests.views.pages import text_of
from tests.working import work

HTMX = {"HX-Request": "true"}


def failed() -> Recording:
    return AnalysisFactory(state=State.FAILED, failure=Failure.UNREACHABLE, next_attempt_at=None).recording


def worked(job: BulkJob) -> None:
    while work("bulk", job.pk):
        pass


def test_selected_calls_are_retried_after_they_are_confirmed(as_bob):
    meant, other = failed(), failed()
    response = as_bob.post("/calls/bulk/", {"act": "retry", "call": [meant.pk], "query": "state=failed"})
    page = as_bob.get(response["Location"])
    assert "Retry: 1 call" in text_of(page)
    assert as_bob.post(response["Location"])["Location"] == response["Location"]
    job = BulkJob.objects.get()
    worked(job)
    meant.refresh_from_db()
    other.refresh_from_db()
    assert (meant.state, other.state) == (State.QUEUED, State.FAILED)
    words = text_of(as_bob.get(response["Location"]))
    assert "Finished : 1 of 1" in words
    assert "1 done" in words


def test_all_that_match_are_meant_with_their_exact_number(as_alice):
    for _ in range(3):
        failed()
    CompletedFactory()
    url = as_alice.post("/calls/bulk/", {"act": "delete", "all": "1", "query": "state=failed"})["Location"]
    failed()
    words = text_of(as_alice.get(url))
    assert "Exactly 3 calls go" in words
    as_alice.post(url)
    as_alice.post(url)
    worked(BulkJob.objects.get())
    assert Recording.objects.count() == 2


def test_details_are_corrected_by_a_form_that_needs_something(as_alice):
    call = RecordingFactory(agent=AgentFactory(identifier="old"))
    url = as_alice.post("/calls/bulk/", {"act": "correct", "call": [call.pk]})["Location"]
    assert "What is left empty stays" in text_of(as_alice.get(url))
    for wrong, sentence in [
        ({}, "Nothing is entered"),
        ({"day": "2026-03-01", "hours": "1"}, "not both"),
        ({"day": "1970-01-01"}, "check the date"),
        ({"hours": "1e12"}, "less than or equal"),
    ]:
        response = as_alice.post(url, wrong)
        assert response.status_code == 422
        assert sentence in text_of(response)
    as_alice.post(url, {"agent": "new"})
    worked(BulkJob.objects.get())
    call.refresh_from_db()
    assert call.agent.identifier == "new"


def test_selected_calls_are_exported(as_bob):
    call, _other = RecordingFactory(), RecordingFactory()
    response = as_bob.post("/calls/bulk/", {"act": "export", "call": [call.pk]}, follow=True)
    lines = b"".join(response.streaming_content).decode().splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(f"{call.pk},")


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"act": "dance", "all": "1"},
        {"act": "retry"},
        {"act": "retry", "call": ["x"]},
        {"act": "retry", "call": ["999"]},
        {"act": "retry", "all": "1", "query": "state=melted"},
        {"act": "delete", "all": "1"},
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence_and_nothing_is_written_down(as_bob, sent):
    RecordingFactory()
    response = as_bob.post("/calls/bulk/", sent)
    assert response.status_code == 422
    assert "Nothing was done" in text_of(response)
    assert not BulkJob.objects.exists()


def test_each_act_says_before_it_is_confirmed_what_it_does(as_alice, alice):
    RecordingFactory()
    said = {}
    for act in BulkAct:
        job = bulk.ask(alice, act, Selection())
        page = as_alice.get(f"/calls/bulk/{job.pk}/").content.decode()
        (said[act],) = re.findall(r"<p>((?:Of|For|Exactly|What) .*?)</p>", page, re.DOTALL)
    assert len(set(said.values())) == len(BulkAct)
    assert {act for act in said if "may be billed" in said[act]} == {BulkAct.AGAIN, BulkAct.KEEP}


def test_a_job_is_its_askers_and_a_leads_business(as_bob, as_alice, as_dora, alice):
    RecordingFactory()
    job = bulk.ask(alice, BulkAct.AGAIN, Selection())
    assert as_bob.get(f"/calls/bulk/{job.pk}/").status_code == 404
    assert as_bob.post(f"/calls/bulk/{job.pk}/").status_code == 404
    assert as_dora.get(f"/calls/bulk/{job.pk}/").status_code == 200


def test_progress_is_asked_for_until_it_is_finished_and_says_what_was_not_possible(as_alice, alice):
    call = RecordingFactory()
    job = bulk.ask(alice, BulkAct.RETRY, Selection())
    bulk.confirm(job, alice)
    page = as_alice.get(f"/calls/bulk/{job.pk}/", headers=HTMX).content.decode()
    assert page.lstrip().startswith("<section")
    assert "every 2s" in page
    worked(job)
    response = as_alice.get(f"/calls/bulk/{job.pk}/", headers=HTMX)
    assert "every 2s" not in response.content.decode()
    assert "1 × It was never analysed. #" in text_of(response)
    assert f'href="/calls/{call.pk}/"' in response.content.decode()
    job.refresh_from_db()
    assert job.state == BulkState.FINISHED


def test_the_list_offers_what_can_be_done_and_deleting_to_leads_alone(as_bob, as_alice):
    call = RecordingFactory()
    page = as_bob.get("/calls/?reviewed=no").content.decode()
    assert f'name="call" value="{call.pk}" form="bulk" aria-label="Select call #{call.pk}"' in page
    assert 'name="query" value="reviewed=no"' in page
    assert 'value="delete"' not in page
    assert 'value="delete"' in as_alice.get("/calls/").content.decode()
