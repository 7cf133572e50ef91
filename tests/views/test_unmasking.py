"""Sensitive data is hidden everywhere, and shown to those with the right when they ask for it, which is logged."""

import csv
import io
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from callcov_portal.models import Analysis, LogEntry, Origin, Outcome, Recording, Speaker
from tests.factories import (
    CompletedFactory,
    DocumentFactory,
    FindingFactory,
    RecordingFactory,
    SegmentFactory,
    SpanFactory,
)
from tests.views.pages import text_of

HTMX = {"HX-Request": "true"}
CARD = "4111 1111 1111 1111"
SECRETS = (CARD, "1111 1111", "swordfish", "4111111111111111")
RESULTS = {
    "summary": f"The card {CARD} was charged.",
    "compliance": {
        "sensitive_data": {"shared": True, "instances": [{"type": "password", "timestamp": 9.0, "value": "swordfish"}]}
    },
    "novel": {"note": "Reads 4111111111111111 twice.", "flagged": True},
}


@pytest.fixture
def analysis(db) -> Analysis:
    """A call in which a card number was said, and told again in every place where words can stand."""
    found = CompletedFactory()
    SegmentFactory(analysis=found, position=0, text="Your card number, please?", start=0.5, end=2.0)
    text, masked = f"It is {CARD}, thanks.", "It is [card number], thanks."
    SegmentFactory(analysis=found, position=1, speaker=Speaker.CONTACT, text=text, masked=masked, start=2.0, end=6.0)
    SpanFactory(analysis=found, start=2.5, end=5.5)
    place = {"quote": f"again {CARD}", "speaker": "contact", "start": 2.0, "end": 6.0}
    FindingFactory(
        analysis=found,
        position=0,
        outcome=Outcome.OMITTED,
        quote="1111 1111 1111, thanks.",  # begins within the number
        explanation=f"Said {CARD}.",
        also=[place],
        searched={"start": 0.0, "end": 9.0, "nearest": {**place, "phrase": "card", "likeness": 60.0}},
        start=2.0,
    )
    FindingFactory(analysis=found, position=1, check_id="sensitive_data", quote="swordfish", quote_origin=Origin.FOUND)
    segments = [{"speaker": "A", "text": "Your card number, please?"}, {"speaker": "B", "text": text}]
    DocumentFactory(
        analysis=found, raw={"id": "x", "transcript": {"text": text, "segments": segments}, "results": RESULTS}
    )
    return found


def secrets_in(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def logged() -> list[tuple[str, str, int | None, str]]:
    rows = LogEntry.objects.order_by("at", "id").values_list("user__username", "act", "recording_number", "text")
    return list(rows)


def unmask(client, analysis: Analysis, headers=None, **data):
    sent = {"analysis": str(analysis.pk), **data}
    return client.post(f"/calls/{analysis.recording_id}/unmask/", sent, headers=headers or {})


@pytest.mark.parametrize("browser", ["as_bob", "as_alice", "as_dora"])
def test_the_page_hides_it_from_everybody_in_every_place(request, browser, analysis):
    response = request.getfixturevalue(browser).get(f"/calls/{analysis.recording_id}/")
    page = response.content.decode()
    assert secrets_in(page) == []
    assert "It is •••• hidden: card number , thanks." in text_of(response)
    assert page.count('class="masked"') >= 4
    assert logged() == []


def test_htmx_and_an_older_analysis_get_it_hidden_too(as_dora, analysis):
    CompletedFactory(recording=analysis.recording)
    address = f"/calls/{analysis.recording_id}/?analysis={analysis.pk}"
    for headers in ({}, HTMX):
        page = as_dora.get(address, headers=headers).content.decode()
        assert "card number" in page
        assert secrets_in(page) == []


def test_texts_from_outside_are_no_markup_in_a_masked_line_either(as_bob, as_dora):
    evil = "<script>alert(1)</script>"
    segment = SegmentFactory(text=f"{evil} {CARD}", masked=f"{evil} [card number]")
    for page in (as_bob.get(f"/calls/{segment.analysis.recording_id}/"), unmask(as_dora, segment.analysis)):
        assert "alert(1)" in page.content.decode()
        assert "<script>alert" not in page.content.decode()


def test_those_with_the_right_are_shown_it_once_and_that_is_logged(as_dora, dora, analysis):
    address = f"/calls/{analysis.recording_id}/"
    assert "Show sensitive data" in as_dora.get(address).content.decode()
    response = unmask(as_dora, analysis, HTMX)
    page = response.content.decode()
    assert secrets_in(page) == list(SECRETS)
    assert f'<mark class="unmasked" title="card number">{CARD},</mark>' in page
    assert 'id="results"' in page
    assert "<audio" not in page
    assert "Sensitive data is shown" in page
    assert "no-store" in response["Cache-Control"]
    assert [entry[:3] for entry in logged()] == [("dora", "sensitive data shown", analysis.recording_id)]
    assert CARD not in logged()[0][3]
    assert secrets_in(as_dora.get(address).content.decode()) == []  # the next view is masked again


def test_without_javascript_it_comes_as_a_page(as_dora, analysis):
    page = unmask(as_dora, analysis).content.decode()
    assert "<html" in page
    assert CARD in page
    assert len(logged()) == 1


@pytest.mark.parametrize("browser", ["as_bob", "as_alice"])
def test_without_the_right_there_is_no_button_and_a_clear_no(request, browser, analysis):
    client = request.getfixturevalue(browser)
    page = client.get(f"/calls/{analysis.recording_id}/").content.decode()
    assert "Show sensitive data" not in page
    assert "unmasked=1" not in page
    assert "Sensitive data is hidden" in page
    for response in (
        unmask(client, analysis),
        unmask(client, analysis, HTMX),
        client.get(f"/calls/{analysis.recording_id}/raw.json?unmasked=1"),
        client.get("/exports/segments.csv?unmasked=1"),
        client.get("/exports/findings.csv?unmasked=1"),
    ):
        assert response.status_code == 403
        assert "Only administrators, and those to whom one gave the right" in text_of(response)
    assert logged() == []


def test_who_was_given_the_right_may_and_who_lost_it_may_not(as_dora, as_bob, bob, analysis):
    assert as_dora.post(f"/people/{bob.pk}/allow-unmasking/").headers["Location"] == "/people/"
    assert "bob may see and hear sensitive data now." in text_of(as_dora.get("/people/"))
    assert CARD in unmask(as_bob, analysis).content.decode()
    assert as_dora.post(f"/people/{bob.pk}/forbid-unmasking/").status_code == 302
    assert unmask(as_bob, analysis).status_code == 403
    acts = [(name, act) for name, act, _, _ in logged()]
    assert acts == [("dora", "unmasking allowed"), ("bob", "sensitive data shown"), ("dora", "unmasking forbidden")]


def test_the_same_right_given_twice_is_logged_once_and_no_deactivated_user_gets_it(as_dora, bob):
    for act in ("allow", "allow", "forbid", "forbid"):
        as_dora.post(f"/people/{bob.pk}/{act}-unmasking/")
    assert [act for _, act, _, _ in logged()] == ["unmasking allowed", "unmasking forbidden"]
    as_dora.post(f"/people/{bob.pk}/deactivate/")
    assert as_dora.post(f"/people/{bob.pk}/allow-unmasking/").status_code == 409


def test_only_an_administrator_gives_the_right(as_alice, bob):
    assert as_alice.post(f"/people/{bob.pk}/allow-unmasking/").status_code == 403
    bob.refresh_from_db()
    assert not bob.may_unmask


def test_the_analysis_of_another_call_is_not_shown(as_dora, analysis):
    other = RecordingFactory()
    response = as_dora.post(f"/calls/{other.pk}/unmask/", {"analysis": str(analysis.pk)})
    assert response.status_code == 404
    assert as_dora.get(f"/calls/{analysis.recording_id}/unmask/").status_code == 405
    assert logged() == []


def test_the_raw_document_is_masked_unless_it_is_asked_for_and_then_logged(as_dora, as_bob, analysis):
    address = f"/calls/{analysis.recording_id}/raw.json"
    for client in (as_bob, as_dora):
        response = client.get(address)
        assert secrets_in(response.content.decode()) == []
        assert response.json()["transcript"]["segments"][1]["text"] == "It is [card number], thanks."
        assert response.json()["transcript"]["segments"][0]["text"] == "Your card number, please?"
        assert "no-store" in response["Cache-Control"]
    assert logged() == []
    assert as_dora.get(f"{address}?unmasked=1").json()["results"] == RESULTS
    assert [entry[:3] for entry in logged()] == [("dora", "sensitive data read as JSON", analysis.recording_id)]


def rows(response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode(), newline="")))


def test_exports_are_masked_unless_it_is_asked_for_and_then_logged(as_dora, as_bob, analysis):
    for client in (as_bob, as_dora):
        segments, findings = (rows(client.get(f"/exports/{name}.csv")) for name in ("segments", "findings"))
        assert secrets_in(json.dumps([segments, findings])) == []
        assert [row["text"] for row in segments] == ["Your card number, please?", "It is [card number], thanks."]
        assert findings[0]["quote"] == "[card number], thanks."
        assert findings[0]["explanation"] == "Said [card number]."
        assert findings[1]["quote"] == "[sensitive data]"
    assert logged() == []
    agent = analysis.recording.agent.identifier
    segments, findings = (
        rows(as_dora.get(f"/exports/{name}.csv?unmasked=1&agent={agent}")) for name in ("segments", "findings")
    )
    assert segments[1]["text"] == f"It is {CARD}, thanks."
    assert findings[0]["explanation"] == f"Said {CARD}."
    assert [entry[1:] for entry in logged()] == [
        ("sensitive data exported", None, f"segments: agent={agent}"),
        ("sensitive data exported", None, f"findings: agent={agent}"),
    ]


def test_asking_for_the_head_of_an_export_is_no_export(as_dora, analysis):
    assert as_dora.head("/exports/segments.csv?unmasked=1").status_code == 200
    assert logged() == []
    as_dora.get("/exports/segments.csv?unmasked=1")
    assert logged()[0][3] == "segments: all calls"


def test_the_secrets_of_one_call_hide_nothing_in_the_export_of_another(as_bob, analysis):
    other = CompletedFactory()
    FindingFactory(analysis=other, quote="thanks. 1111 1111 1111, thanks.")
    quotes = {row["analysis"]: row["quote"] for row in rows(as_bob.get("/exports/findings.csv"))}
    assert quotes[str(other.pk)] != quotes[str(analysis.pk)]


def test_the_choice_is_offered_beside_the_exports_to_those_with_the_right(as_dora, as_bob, analysis):
    agent = analysis.recording.agent.identifier
    page = as_dora.get(f"/calls/?agent={agent}").content.decode()
    assert '<input type="checkbox" name="unmasked" value="1">' in page
    assert f'<input type="hidden" name="agent" value="{agent}">' in page
    assert 'formaction="/exports/segments.csv"' in page
    plain = as_bob.get(f"/calls/?agent={agent}").content.decode()
    assert "unmasked" not in plain
    assert f'href="/exports/segments.csv?agent={agent}"' in plain


def test_the_page_asks_the_database_no_more_for_many_masked_segments(as_bob, analysis):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            as_bob.get(f"/calls/{analysis.recording_id}/")
        return len(captured)

    few = queries()
    for position in range(2, 40):
        SegmentFactory(analysis=analysis, position=position, text=CARD, masked="[card number]")
        SpanFactory(analysis=analysis, start=position)
        FindingFactory(analysis=analysis, position=position, quote=CARD)
    assert queries() == few


def test_a_call_page_that_hides_nothing_offers_nothing(as_dora):
    segment = SegmentFactory(text="Good morning.")
    page = as_dora.get(f"/calls/{segment.analysis.recording_id}/").content.decode()
    assert "sensitive data" not in page.lower().replace("with sensitive data", "")
    assert Recording.objects.get().muting == ""
