"""Taking in a batch: every item becomes one thing, once."""

from datetime import UTC, datetime

import pytest
from django.core.files.storage import default_storage

from callcov_portal.actions import batches, tallying
from callcov_portal.models import Analysis, Batch, BatchItem, BatchState, Cause, Failure, Fate, Recording, Way
from tests.factories import BatchFactory, BatchItemFactory
from tests.sounds import wav_file

pytestmark = pytest.mark.django_db


def take(tmp_path, item: BatchItem, seed: int = 0) -> BatchItem:
    return batches.take_file(item, *wav_file(tmp_path, "incoming.part", seed=seed))


def test_a_file_becomes_a_call_of_its_batch(tmp_path, alice) -> None:
    batch = batches.open_batch(Way.FILES, alice, "march", agent="rachel", contact="c-1")
    (item,) = batches.add_items(batch, [BatchItem(name="march/2026-03-02_14-30-05 x.wav")])
    item = take(tmp_path, item)
    call = item.recording
    assert (item.fate, call.batch, call.uploaded_by) == (Fate.STORED, batch, alice)
    assert (call.agent.identifier, call.contact.identifier, call.file_name) == (
        "rachel",
        "c-1",
        "2026-03-02_14-30-05 x.wav",
    )
    assert batch.sums()[:2] == (1, 1)


def test_what_an_item_says_itself_goes_before_what_holds_for_the_batch(tmp_path) -> None:
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)
    batch = BatchFactory(contact="everybody", direction="inbound")
    item = take(tmp_path, BatchItemFactory(batch=batch, agent="sam", called_at=at))
    call = item.recording
    assert (call.agent.identifier, call.contact.identifier, call.called_at, call.direction) == (
        "sam",
        "everybody",
        at,
        "inbound",
    )


@pytest.mark.django_db(transaction=True)
def test_an_item_becomes_a_call_once_whoever_comes_twice(tmp_path) -> None:
    item = take(tmp_path, BatchItemFactory())
    again = BatchItem.objects.get(pk=item.pk)
    again.fate = Fate.WAITING  # as somebody holds it who read it before
    again = take(tmp_path, again, seed=7)
    assert (Recording.objects.count(), again.recording) == (1, item.recording)
    assert len(list_of_stored()) == 1


def list_of_stored() -> list[str]:
    def below(folder: str) -> list[str]:
        folders, files = default_storage.listdir(folder)
        return [name for one in folders for name in below(f"{folder}/{one}".strip("/"))] + files

    return below("")


@pytest.mark.django_db(transaction=True)
def test_an_item_cancelled_meanwhile_becomes_no_call(tmp_path) -> None:
    item = BatchItemFactory()
    batches.cancel(item.batch)
    assert take(tmp_path, item).fate == Fate.CANCELLED
    assert (Recording.objects.count(), Analysis.objects.count(), list_of_stored()) == (0, 0, [])


def test_the_same_bytes_are_a_duplicate_that_names_the_call(tmp_path) -> None:
    first = take(tmp_path, BatchItemFactory())
    second = take(tmp_path, BatchItemFactory(batch=first.batch))
    assert (second.fate, second.duplicate_of, second.recording) == (Fate.DUPLICATE, first.recording, None)
    assert first.batch.sums().duplicates == 1


def test_what_is_no_audio_is_refused_with_its_cause(tmp_path) -> None:
    path = tmp_path / "x.part"
    path.write_text("hello")
    item = batches.take_file(BatchItemFactory(), path, "0" * 64, 5)
    assert (item.fate, item.cause) == (Fate.REFUSED, Failure.NOT_AUDIO)
    assert item.detail


def test_without_an_agent_it_is_refused_saying_what_to_do(tmp_path) -> None:
    item = take(tmp_path, BatchItemFactory(batch__agent=""))
    assert (item.fate, item.cause, item.detail) == (Fate.REFUSED, Cause.NO_AGENT, batches.NO_AGENT)


def test_a_link_becomes_a_call_whose_copy_is_fetched_later() -> None:
    item = batches.take_link(BatchItemFactory(link="https://files.example/a.mp3"))
    assert (item.fate, item.recording.link, item.recording.batch) == (Fate.STORED, item.link, item.batch)


def test_a_link_to_an_address_that_is_not_allowed_is_refused() -> None:
    item = batches.take_link(BatchItemFactory(link="ftp://files.example/a.mp3"))
    assert (item.fate, item.cause) == (Fate.REFUSED, Failure.BLOCKED)


def test_items_come_behind_those_that_are_there() -> None:
    batch = BatchFactory()
    batches.add_items(batch, [BatchItem(name="a"), BatchItem(name="b")])
    batches.add_items(batch, [BatchItem(name="c")])
    assert list(batch.items.values_list("position", "name")) == [(1, "a"), (2, "b"), (3, "c")]


def test_a_cancelled_batch_lets_go_what_waits_and_keeps_what_became_calls(tmp_path) -> None:
    stored = take(tmp_path, BatchItemFactory())
    BatchItemFactory(batch=stored.batch)
    assert batches.cancel(stored.batch) == 1
    assert batches.cancel(stored.batch) == 0
    batch = Batch.objects.get()
    assert (batch.state, batch.sums().waiting, batch.sums().cancelled) == (BatchState.CLOSED, 1, 1)


def test_a_call_whose_row_cannot_be_written_leaves_its_item_waiting(tmp_path, monkeypatch) -> None:
    def dies(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(tallying, "retally", dies)
    item = BatchItemFactory()
    with pytest.raises(RuntimeError):
        take(tmp_path, item)
    item.refresh_from_db()
    assert (item.fate, Recording.objects.count()) == (Fate.WAITING, 0)
