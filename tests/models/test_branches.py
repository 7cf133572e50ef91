"""Statements that are put together once: what stands in their places, and that shapes share them."""

from datetime import timedelta

import pytest
from django.db.models import Q

from callcov_portal.models import Recording
from callcov_portal.models.branches import Asked, Branch, Condition, among, equal, fits, in_order, place
from callcov_portal.models.prepared import prepared
from tests.factories import NOON, AgentFactory, ContactFactory, RecordingFactory

pytestmark = pytest.mark.django_db


def test_a_value_stands_wherever_its_place_does_beside_what_was_written_into_the_statement():
    early, late = (RecordingFactory(called_at=NOON + timedelta(hours=hours), state="failed") for hours in (0, 2))
    RecordingFactory(called_at=NOON, state="queued")
    since = Q(called_at__gte=place(0)) | Q(created_at__lt=place(0), pk=place(1))
    rows = Recording.objects.filter(since, state="failed").order_by("pk").values_list("pk", "called_at")
    statement = prepared(rows)
    assert Asked(statement, [NOON + timedelta(hours=1), 0]).rows() == [(late.pk, late.called_at)]
    assert Asked(statement, [NOON, 0]).rows() == [(early.pk, early.called_at), (late.pk, late.called_at)]
    assert Asked(statement, [NOON + timedelta(days=9999), early.pk]).rows() == [(early.pk, early.called_at)]


def test_branches_that_differ_in_values_alone_are_asked_by_one_statement():
    nora, tom = AgentFactory(), AgentFactory()
    of_nora, of_tom = RecordingFactory(agent=nora, state="failed"), RecordingFactory(agent=tom, state="queued")

    def branch(agent: int | None, state: str) -> Branch:
        return Branch((equal("agent", agent), Condition(fits, "state", (state,))))

    in_order.cache_clear()
    assert branch(nora.pk, "failed").keys(9) == [(of_nora.called_at, of_nora.pk)]
    assert branch(tom.pk, "queued").keys(9) == [(of_tom.called_at, of_tom.pk)]
    assert branch(tom.pk, "failed").keys(9) == []
    assert in_order.cache_info().misses == 1
    assert branch(None, "failed").keys(9) == []
    assert in_order.cache_info().misses == 2


def test_nobody_is_somebody_to_choose_beside_others():
    anna = ContactFactory()
    known, unknown = RecordingFactory(contact=anna), RecordingFactory(contact=None)
    RecordingFactory(contact=ContactFactory())
    for values, expected in (((None,), {unknown.pk}), ((anna.pk, None), {known.pk, unknown.pk})):
        for how in (among, fits):
            branch = Branch((Condition(how, "contact", values),))
            assert set(branch.numbers(9)) == expected, (how, values)
            assert branch.count(9) == len(expected)
