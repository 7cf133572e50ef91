"""Webhooks: hints that arrive in any order, any number of times, with any body."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from callcov_portal.actions import deliveries, tokens
from callcov_portal.actions.advancing import advance
from callcov_portal.models import Analysis, Delivery, State
from callcov_portal.models.delivery import KEPT_PER_ANALYSIS
from tests.factories import CompletedFactory, ProcessingFactory
from tests.working import again, make_due

pytestmark = pytest.mark.django_db


@pytest.fixture
def processing() -> Analysis:
    return ProcessingFactory(next_attempt_at=timezone.now() + timedelta(minutes=4))


def body(analysis: Analysis, status: str = "completed") -> bytes:
    return json.dumps({"event": f"analysis.{status}", "data": {"id": analysis.external_id, "status": status}}).encode()


def post(client, token: str, content: bytes) -> int:
    return client.post(f"/hooks/callcov/{token}", content, content_type="application/json").status_code


def test_a_delivery_makes_its_analysis_due_now_and_is_kept(client, processing) -> None:
    assert post(client, tokens.make(processing.pk, 1), body(processing)) == 200
    assert again(processing).next_attempt_at <= timezone.now()
    kept = Delivery.objects.get()
    assert (kept.event, kept.external_id, kept.status) == ("analysis.completed", processing.external_id, "completed")


def test_a_bare_analysis_is_understood_as_well(client, processing) -> None:
    post(client, tokens.make(processing.pk, 1), json.dumps({"id": "abc", "status": "failed"}).encode())
    assert Delivery.objects.get().external_id == "abc"


def test_no_result_enters_by_a_webhook(client, processing) -> None:
    forged = {"id": processing.external_id, "status": "completed", "results": {"compliance": {}}}
    post(client, tokens.make(processing.pk, 1), json.dumps(forged).encode())
    assert again(processing).state == State.PROCESSING


def test_a_wrong_token_is_refused_without_a_query_and_leaves_no_row(
    client, processing, django_assert_num_queries
) -> None:
    good = tokens.make(processing.pk, 1)
    wrong = [good[:-1] + ("0" if good[-1] != "0" else "1"), good.replace(".1.", ".2."), "x", f"{processing.pk}.1."]
    for token in wrong:
        with django_assert_num_queries(0):
            assert post(client, token, body(processing)) == 401
    assert not Delivery.objects.exists()


def test_the_token_of_another_analysis_does_not_fit(client, processing) -> None:
    other = ProcessingFactory()
    mixed = tokens.make(processing.pk, 1).replace(str(processing.pk), str(other.pk))
    assert post(client, mixed, body(other)) == 401


def test_the_token_of_an_earlier_submission_is_accepted(client, processing) -> None:
    Analysis.objects.update(submissions=3)
    assert post(client, tokens.make(processing.pk, 2), body(processing)) == 200


def test_a_token_of_a_submission_that_never_was_is_gone(client, processing) -> None:
    assert post(client, tokens.make(processing.pk, 9), body(processing)) == 410


def test_a_deleted_analysis_is_gone(client, processing) -> None:
    token = tokens.make(processing.pk, 1)
    processing.recording.delete()
    assert post(client, token, b"{}") == 410


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"null", b"[]", b"\xff\xfe", b'{"data": 5}', b'{"id": {"a": 1}}', b"[" * 100_000, b"9" * 5000],
    ids=["empty", "cut", "null", "list", "no utf-8", "number", "object id", "deep", "long number"],
)
def test_any_body_is_taken_as_a_hint_and_none_is_an_error(client, processing, content) -> None:
    assert post(client, tokens.make(processing.pk, 1), content) == 200
    assert again(processing).next_attempt_at <= timezone.now()


def test_a_body_of_five_megabytes_is_taken_and_only_its_beginning_kept(client, processing) -> None:
    content = json.dumps({"id": "abc", "status": "completed", "fill": "x" * 5_000_000}).encode()
    assert post(client, tokens.make(processing.pk, 1), content) == 200
    kept = Delivery.objects.get()
    assert (kept.external_id, kept.body_size, len(kept.body)) == ("abc", len(content), 65536)


def test_a_body_above_eight_megabytes_is_refused_before_it_is_read(client, processing) -> None:
    assert post(client, tokens.make(processing.pk, 1), b"x" * (8 * 1024 * 1024 + 1)) == 413
    assert not Delivery.objects.exists()


def test_the_same_delivery_twice_is_counted_and_kept_once(client, processing) -> None:
    for _ in range(3):
        post(client, tokens.make(processing.pk, 1), body(processing))
    assert Delivery.objects.get().times == 3


def test_a_flood_keeps_twenty_rows(client, processing) -> None:
    for n in range(25):
        post(client, tokens.make(processing.pk, 1), b"%d" % n)
    assert Delivery.objects.count() == KEPT_PER_ANALYSIS


def test_nul_and_lone_surrogates_in_a_body_are_stored_without_them(client, processing) -> None:
    assert post(client, tokens.make(processing.pk, 1), b'{"id": "a\\u0000b\\ud800"}\x00') == 200


def test_only_post_is_taken(client, processing) -> None:
    assert client.get(f"/hooks/callcov/{tokens.make(processing.pk, 1)}").status_code == 405


def test_a_delivery_for_a_finished_analysis_changes_nothing(client) -> None:
    done = CompletedFactory()
    assert post(client, tokens.make(done.pk, 1), b'{"id": "x", "status": "processing"}') == 200
    after = again(done)
    assert (after.state, after.next_attempt_at) == (State.COMPLETED, None)


def test_a_webhook_that_comes_before_the_create_answer_is_not_lost(api, queued, monkeypatch) -> None:
    create = api.create_from_file

    def webhook_first(**kwargs):
        snapshot = create(**kwargs)
        api.finish(snapshot.id)
        token = kwargs["webhook_url"].rpartition("/")[2]
        content = json.dumps({"id": snapshot.id, "status": "completed"}).encode()
        named = tokens.read(token)
        assert named
        assert deliveries.accept(named, content)
        return snapshot

    monkeypatch.setattr(api, "create_from_file", webhook_first)
    advance(queued.pk)
    assert again(queued).next_attempt_at <= timezone.now()
    advance(queued.pk)
    assert again(queued).state == State.COMPLETED


def test_without_any_webhook_the_poller_finds_the_result(api, queued) -> None:
    advance(queued.pk)
    api.finish(again(queued).external_id)
    make_due(queued)
    advance(queued.pk)
    assert again(queued).state == State.COMPLETED


def test_a_webhook_takes_two_statements_and_passes_nothing_that_is_for_pages(
    client, processing, django_assert_num_queries
) -> None:
    with django_assert_num_queries(4):  # with the savepoint that stands for its transaction
        response = client.post(f"/hooks/callcov/{tokens.make(processing.pk, 1)}", b"{}", "application/json")
    assert (response.json(), response["X-Content-Type-Options"]) == ({"received": True}, "nosniff")
    assert "Content-Security-Policy" not in response


def test_a_webhook_for_an_address_that_is_not_ours_is_refused(client, processing) -> None:
    token = tokens.make(processing.pk, 1)
    response = client.post(f"/hooks/callcov/{token}", b"{}", "application/json", headers={"Host": "elsewhere.example"})
    assert response.status_code == 400
    assert not Delivery.objects.exists()


def test_news_wakes_what_failed_but_may_still_come_and_nothing_else(client) -> None:
    lost, refused = ProcessingFactory(), ProcessingFactory()
    Analysis.objects.filter(pk=lost.pk).update(state=State.FAILED, failure="lost", next_attempt_at=None)
    Analysis.objects.filter(pk=refused.pk).update(state=State.FAILED, failure="analysis_failed", next_attempt_at=None)
    for one in (lost, refused):
        assert post(client, tokens.make(one.pk, 1), b"{}") == 200
    assert again(lost).next_attempt_at <= timezone.now()
    assert again(refused).next_attempt_at is None
