"""What is due of a chore is found in an index of what is due alone, however many rows are done."""

import pytest
from django.utils import timezone

from callcov_portal import tasks
from tests.plans import plan_of

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # PostgreSQL chooses by what it counted


@pytest.mark.parametrize("name", sorted(tasks.KINDS))
def test_whoever_looks_for_what_is_due_passes_over_what_is_done(name: str) -> None:
    kind = tasks.KINDS[name]
    sql, parameters = kind.due(timezone.now()).values_list("pk")[:1].query.sql_with_params()
    reads = [step for step in plan_of(sql, parameters) if step.startswith(("SEARCH", "SCAN"))]
    of_a_part = [f" {index.name}" for index in kind.model._meta.indexes if index.condition]
    assert reads
    assert all(any(f"{index} " in f"{read} " for index in of_a_part) for read in reads), reads
