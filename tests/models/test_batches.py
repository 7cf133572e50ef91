"""The sum of a batch: in = waiting + working + done + failed + duplicates + cancelled, whatever happens to its calls."""

import pytest
from django.db import connection

from callcov_portal.models import Batch, BatchItem, Failure, Fate, Recording, State
from callcov_portal.models.batch import PART, Sums
from tests.factories import AnalysisFactory, BatchFactory, BatchItemFactory, RecordingFactory
from tests.plans import plan_of

pytestmark = pytest.mark.django_db


def call_in(batch: Batch, state: State, failure: str = "") -> Recording:
    recording = RecordingFactory(batch=batch)
    AnalysisFactory(recording=recording, state=state, failure=failure)
    BatchItemFactory(batch=batch, fate=Fate.STORED, recording=recording)
    return recording


@pytest.fixture
def batch() -> Batch:
    """A batch with an item in every place, among others' calls."""
    batch = BatchFactory()
    for fate in (Fate.WAITING, Fate.DUPLICATE, Fate.REFUSED, Fate.CANCELLED):
        BatchItemFactory(batch=batch, fate=fate)
    for state in (State.QUEUED, State.SENDING, State.PROCESSING, State.COMPLETED, State.CANCELLED):
        call_in(batch, state)
    call_in(batch, State.FAILED, Failure.REFUSED)
    call_in(batch, State.FAILED, Failure.DUPLICATE)
    call_in(BatchFactory(), State.COMPLETED)
    AnalysisFactory()
    return batch


def test_every_item_counts_in_one_place_and_the_places_add_up(batch) -> None:
    assert batch.sums() == Sums(items=11, waiting=2, working=2, done=1, failed=2, duplicates=2, cancelled=2)
    items, *parts = batch.sums()
    assert items == sum(parts) == batch.items.count()


def test_a_deleted_call_stays_in_the_sum_as_cancelled(batch) -> None:
    Recording.objects.filter(batch=batch, state=State.COMPLETED).update(current_analysis=None)
    Recording.objects.filter(batch=batch, state=State.COMPLETED).delete()
    items, *parts = batch.sums()
    assert (items, sum(parts), batch.sums().done, batch.sums().cancelled) == (11, 11, 0, 3)


def test_an_empty_batch_has_nothing_in_it() -> None:
    assert BatchFactory().sums() == Sums(0, 0, 0, 0, 0, 0, 0)


def test_every_fate_and_every_state_has_its_place() -> None:
    assert set(PART) == {*Fate} | {f"call {state}" for state in State}


def test_the_sum_is_read_from_indexes_alone(batch, django_assert_num_queries) -> None:
    with django_assert_num_queries(1) as asked:
        batch.sums()
    if connection.vendor == "sqlite":
        plan = [step for step in plan_of(asked[0]["sql"]) if " portal_" in step]
        assert plan
        assert [step for step in plan if "USING COVERING INDEX" not in step] == []


def test_an_item_is_settled_once() -> None:
    item = BatchItemFactory()
    assert BatchItem.objects.settle(item.pk, Fate.CANCELLED)
    assert not BatchItem.objects.settle(item.pk, Fate.REFUSED, cause=Failure.NOT_AUDIO)
    item.refresh_from_db()
    assert (item.fate, item.cause) == (Fate.CANCELLED, "")
