"""The table of states, walked pair by pair."""

import itertools

import pytest

from callcov_portal.models import Analysis, Failure, State
from callcov_portal.models.states import TRANSITIONS, WHAT_TO_DO
from tests.factories import AnalysisFactory

STANDINGS = [
    *((state, "") for state in State if state != State.FAILED),
    *((State.FAILED, failure) for failure in Failure),
]


def allowed(before: tuple[State, str], after: tuple[State, str]) -> bool:
    return (before, after) in TRANSITIONS


@pytest.mark.django_db
def test_a_move_succeeds_exactly_where_the_table_has_it() -> None:
    analysis = AnalysisFactory()
    for before, after in itertools.product(STANDINGS, STANDINGS):
        Analysis.objects.filter(pk=analysis.pk).update(state=before[0], failure=before[1])
        moved = Analysis.objects.move(analysis.pk, *after)
        analysis.refresh_from_db()
        assert moved == allowed(before, after), (before, after)
        assert (analysis.state, analysis.failure) == (after if moved else before)


@pytest.mark.parametrize("end", [State.COMPLETED, State.CANCELLED])
def test_nothing_leaves_a_good_end(end) -> None:
    assert not [pair for pair in TRANSITIONS if pair[0][0] == end]


def test_results_enter_only_by_completed_and_only_from_what_was_sent() -> None:
    sources = {before[0] for before, after in TRANSITIONS if after[0] == State.COMPLETED}
    assert sources == {State.SENDING, State.PROCESSING, State.FAILED}


def test_every_failure_says_what_to_do() -> None:
    assert set(WHAT_TO_DO) == set(Failure)


@pytest.mark.django_db
def test_of_two_claims_one_wins() -> None:
    analysis = AnalysisFactory()
    seen = analysis.next_attempt_at
    first = Analysis.objects.claim(analysis.pk, seen, seen.replace(year=2090))
    second = Analysis.objects.claim(analysis.pk, seen, seen.replace(year=2091))
    assert (first, second) == (True, False)
