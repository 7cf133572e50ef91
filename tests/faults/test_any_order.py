"""Whatever happens to analyses in whatever order: submit, answer, webhook, poll, crash, a jump of the clock, delete.

A machine of Hypothesis chooses the order; with SHORTEN=1 in the environment it shortens one that breaks a promise.
"""

import contextlib
import itertools
import os
from collections import Counter
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from callcov_portal.actions import analyses, deliveries, gateway, recordings, submitting, sweeping, tokens, turns
from callcov_portal.actions.advancing import advance
from callcov_portal.client.errors import NotSent, RateLimited, Refused, Unavailable, Unsure
from callcov_portal.models import REVIVABLE, Analysis, Failure, Recording, State
from callcov_portal.models.states import TRANSITIONS, UNFINISHED
from tests.factories import UserFactory
from tests.fakes import SEGMENTS, FakeApi
from tests.pacing import MONDAY, queue_up
from tests.soak import many
from tests.working import forget_the_limits

EXAMPLES = many(2_000, 25)
STEPS = 30
SHORTEN = bool(os.environ.get("SHORTEN"))  # look for the shortest order that breaks it: takes a while
MOST_CALLS = 4
FINAL = {(State.COMPLETED, ""), (State.CANCELLED, ""), (State.FAILED, Failure.ANALYSIS_FAILED)}
TROUBLES = {
    "refused": lambda: Refused("No.", status=400),
    "not sent": lambda: NotSent("No connection."),
    "429": lambda: RateLimited("Slow down.", status=429),
    "away": lambda: Unavailable("Busy.", status=503),
    "unsure": lambda: Unsure("The connection broke."),
}


class Killed(BaseException):
    """The process is gone at this line."""


def die(*_args: object, **_kwargs: object) -> None:
    raise Killed


def reachable() -> dict[tuple[str, str], set[tuple[str, str]]]:
    """Return what each standing can become by any number of allowed moves."""
    after: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for before, then in TRANSITIONS:
        after.setdefault(before, set()).add(then)
    for _ in range(len(after)):
        for found in after.values():
            found |= {further for one in list(found) for further in after.get(one, ())}
    return after


REACHABLE = reachable()


class Portal(RuleBasedStateMachine):
    """Some calls, an API in memory, and a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.all = transaction.atomic()
        self.all.__enter__()
        self.clock = time_machine.travel(MONDAY, tick=False)
        self.time = self.clock.start()
        self.api = FakeApi()
        self.patches: list[Any] = [
            patch.object(gateway, "api", lambda: self.api),
            patch.object(turns, "sleep", lambda _s: None),
        ]
        for each in self.patches:
            each.start()
        self.user = UserFactory()
        self.stood: dict[UUID, tuple[str, str]] = {}
        self.tokens: list[tokens.Token] = []

    def teardown(self) -> None:
        for each in self.patches:
            each.stop()
        self.clock.stop()
        transaction.set_rollback(True)
        self.all.__exit__(None, None, None)

    def one(self, which: int) -> Analysis | None:
        """Return one of the analyses there are."""
        there = list(Analysis.objects.order_by("recording_id", "created_at"))
        return there[which % len(there)] if there else None

    def due(self, analysis: Analysis) -> None:
        """Let the limits have room, and an analysis be due."""
        forget_the_limits()
        Analysis.objects.filter(pk=analysis.pk, next_attempt_at__isnull=False).update(next_attempt_at=timezone.now())

    @precondition(lambda self: Recording.objects.count() < MOST_CALLS)
    @rule()
    def a_call_is_added(self) -> None:
        queue_up(1)

    @rule(which=some.integers(0, 9), trouble=some.sampled_from([None, None, "answer lost", *TROUBLES]))
    def its_turn_comes(self, which: int, trouble: str | None) -> None:
        """Whatever is next for it: it is sent, looked for, or asked about."""
        if analysis := self.one(which):
            self.due(analysis)
            self.api.lose_answer = Unsure("The answer was lost.") if trouble == "answer lost" else None
            self.api.trouble = [TROUBLES[trouble]()] if trouble in TROUBLES else []
            advance(analysis.pk)
            self.api.lose_answer, self.api.trouble = None, []

    @rule(which=some.integers(0, 9), where=some.sampled_from(["post", "accept", "never_arrived"]))
    def the_worker_is_killed_in_the_middle(self, which: int, where: str) -> None:
        if analysis := self.one(which):
            self.due(analysis)
            self.api.trouble = [NotSent("No connection.")] if where == "never_arrived" else []
            with patch.object(submitting, where, die), contextlib.suppress(Killed):
                advance(analysis.pk)
            self.api.trouble = []

    @rule(which=some.integers(0, 9), well=some.booleans())
    def the_api_comes_to_an_end(self, which: int, well: bool) -> None:
        working = [one.id for one in self.api.created.values() if one.status == "processing"]
        if working and well:
            self.api.finish(working[which % len(working)])
        elif working:
            self.api.fail(working[which % len(working)], "It could not be understood.")

    @rule(
        which=some.integers(0, 9),
        status=some.sampled_from(["completed", "processing", "failed", "?"]),
        of=some.integers(0, 9),
    )
    def a_webhook_comes(self, which: int, status: str, of: int) -> None:
        """Early, late or again; with its own id, or another's."""
        if analysis := self.one(which):
            ids = [*self.api.created, "unknown"]
            body = f'{{"id": "{ids[of % len(ids)]}", "status": "{status}"}}'.encode()
            self.tokens.append(tokens.Token(analysis.pk, max(analysis.submissions, 1)))
            deliveries.accept(self.tokens[-1], body)

    @precondition(lambda self: self.tokens)
    @rule(which=some.integers(0, 99))
    def an_old_webhook_comes_again(self, which: int) -> None:
        """Also of a call that is deleted."""
        deliveries.accept(self.tokens[which % len(self.tokens)], b"{}")

    @rule()
    def the_sweep_comes(self) -> None:
        forget_the_limits()
        for pk in sweeping.sweep():
            advance(pk)
        if turn := turns.stand():
            turns.send(turn)

    @rule(seconds=some.sampled_from([-3600.0, -5.0, 1.0, 31.0, 90.0, 600.0, 3600.0, 80 * 3600.0]))
    def the_clock_jumps(self, seconds: float) -> None:
        self.time.shift(timedelta(seconds=seconds))

    @rule(which=some.integers(0, 9), act=some.sampled_from(["cancel", "retry"]))
    def a_person_acts(self, which: int, act: str) -> None:
        if analysis := self.one(which):
            with contextlib.suppress(analyses.NotPossible):
                getattr(analyses, act)(analysis, self.user)

    @rule(which=some.integers(0, 29))
    def a_call_is_deleted(self, which: int) -> None:
        if which < MOST_CALLS and (analysis := self.one(which)):
            recordings.delete(analysis.recording, self.user)

    @rule()
    def all_comes_to_an_end(self) -> None:
        """Nothing is stuck: with an API that works, time and the sweep end everything."""
        for _ in range(12):
            for known in [one.id for one in self.api.created.values() if one.status == "processing"]:
                self.api.finish(known)
            self.time.shift(timedelta(minutes=21))
            self.the_sweep_comes()
            self.the_sweep_comes()
            if not Analysis.objects.filter(state__in=UNFINISHED).exists():
                return
        left = list(Analysis.objects.filter(state__in=UNFINISHED).values("state", "detail", "next_attempt_at"))
        assert left == [], left

    @invariant()
    def nothing_is_paid_twice(self) -> None:
        most = Counter(sent["idempotency_key"] for sent in self.api.sent)
        assert not most or max(most.values()) == 1, most

    @invariant()
    def no_state_goes_back(self) -> None:
        now = {pk: (state, failure) for pk, state, failure in Analysis.objects.values_list("pk", "state", "failure")}
        for pk in now.keys() & self.stood.keys():
            before, after = self.stood[pk], now[pk]
            assert before == after or after in REACHABLE.get(before, ()), (before, after)
            assert before == after or before not in FINAL, (before, after)
        self.stood = now

    @invariant()
    def the_rows_agree(self) -> None:
        for analysis in Analysis.objects.select_related("recording"):
            standing = (analysis.state, analysis.failure)
            assert (analysis.recording.state, analysis.recording.failure) == standing
            assert analysis.state not in UNFINISHED or analysis.next_attempt_at is not None
            assert analysis.segments.count() == (len(SEGMENTS) if analysis.state == State.COMPLETED else 0)
            if analysis.state == State.COMPLETED:
                assert self.api.created[str(analysis.external_id)].status == "completed"
            if analysis.state == State.FAILED:
                assert analysis.next_attempt_at is None or analysis.failure in REVIVABLE


@pytest.mark.faults
@pytest.mark.django_db
@pytest.mark.timeout(many(7200, 300))
def test_no_order_of_events_breaks_a_promise() -> None:
    checked = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        Portal,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=checked,
            database=None,
            phases=[Phase.generate, *([Phase.shrink] if SHORTEN else [])],
        ),
    )


def test_the_table_of_what_is_reachable_has_no_way_out_of_an_end() -> None:
    assert [end for end, then in itertools.product(FINAL, TRANSITIONS) if then[0] == end] == []
