"""Schedules: each of their days makes one export, across changes of the clocks and deaths of workers."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from callcov_portal.actions import scheduling
from callcov_portal.exports import wish_for
from callcov_portal.models import Every, Export, ExportState, LogEntry, Schedule
from tests.factories import RecordingFactory
from tests.working import work

pytestmark = pytest.mark.django_db


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def slots(every, hour, start, count, weekday=0) -> list[str]:
    schedule, moment, found = Schedule(every=every, weekday=weekday, hour=hour), at(start), []
    for _ in range(count):
        moment = scheduling.slot_after(schedule, moment)
        found.append(f"{moment:%m-%d %H:%M}")
    return found


def test_an_hour_is_that_of_the_portals_zone_on_both_sides_of_a_change(settings):
    settings.TIME_ZONE = "Europe/Berlin"
    assert slots(Every.DAY, 6, "2026-03-28T00:00", 3) == ["03-28 05:00", "03-29 04:00", "03-30 04:00"]
    assert slots(Every.DAY, 6, "2026-10-24T00:00", 3) == ["10-24 04:00", "10-25 05:00", "10-26 05:00"]


def test_an_hour_that_is_left_out_or_repeated_is_there_once(settings):
    settings.TIME_ZONE = "Europe/Berlin"
    assert slots(Every.DAY, 2, "2026-03-28T12:00", 2) == ["03-29 01:00", "03-30 00:00"]
    assert slots(Every.DAY, 2, "2026-10-24T12:00", 2) == ["10-25 00:00", "10-26 01:00"]
    settings.TIME_ZONE = "Asia/Beirut"  # midnight itself is left out
    assert slots(Every.DAY, 0, "2026-03-28T12:00", 2) == ["03-28 22:00", "03-29 21:00"]


def test_a_week_comes_on_its_day(settings):
    settings.TIME_ZONE = "America/New_York"
    assert slots(Every.WEEK, 23, "2026-03-02T00:00", 3, weekday=6) == ["03-02 04:00", "03-09 03:00", "03-16 03:00"]


@pytest.fixture
def daily(alice, settings) -> Schedule:
    settings.TIME_ZONE = "Europe/Berlin"
    with time_machine.travel("2026-03-02T03:00:00Z", tick=False):
        return scheduling.add(wish_for("calls").of("since=2020-01-01&agent=nora"), alice, Every.DAY, 0, 6)


def test_a_schedule_makes_the_export_of_the_day_before(daily, alice):
    assert (daily.filters, daily.next_at) == ("agent=nora", at("2026-03-02T05:00"))
    scheduling.make_due(at("2026-03-02T04:59"))
    assert not Export.objects.exists()
    scheduling.make_due(at("2026-03-02T05:00"))
    export = Export.objects.get()
    assert (export.user, export.schedule, export.day) == (alice, daily, date(2026, 3, 2))
    assert export.filters == "agent=nora&since=2026-03-01&until=2026-03-01"
    assert (export.state, export.unmasked) == (ExportState.WAITING, False)


def test_the_period_are_days_of_the_portals_zone(alice, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    with time_machine.travel("2026-03-30T03:00:00Z", tick=False):
        scheduling.add(wish_for("calls"), alice, Every.WEEK, 0, 6)
    for moment in ("2026-03-22T22:59", "2026-03-22T23:00", "2026-03-29T21:59", "2026-03-29T22:00"):
        RecordingFactory(called_at=at(moment))  # the clocks change in between: the week has 167 hours
    scheduling.make_due(at("2026-03-30T04:00"))
    export = Export.objects.get()
    assert export.filters == "since=2026-03-23&until=2026-03-29"
    work("exporting", export.pk)
    export.refresh_from_db()
    assert export.rows == 2
    assert export.manifest.items() >= {"schedule": export.schedule_id, "day": "2026-03-30"}.items()


def test_two_sweeps_at_once_make_one_export(daily):
    seen_by_both = Schedule.objects.get()
    scheduling.order_of(seen_by_both)
    scheduling.order_of(seen_by_both)
    assert Export.objects.count() == 1


def test_a_death_between_moving_on_and_writing_down_undoes_both(daily, monkeypatch):
    def dies(**_kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(Export.objects, "get_or_create", dies)
        with pytest.raises(KeyboardInterrupt):
            scheduling.make_due(at("2026-03-02T05:00"))
    daily.refresh_from_db()
    assert daily.next_at == at("2026-03-02T05:00")
    scheduling.make_due(at("2026-03-02T05:00"))
    assert Export.objects.count() == 1


def test_days_that_were_missed_are_made_up_for_one_by_one(daily):
    for _ in range(5):
        scheduling.make_due(at("2026-03-04T12:00"))
    assert [str(day) for day in Export.objects.order_by("day").values_list("day", flat=True)] == [
        "2026-03-02",
        "2026-03-03",
        "2026-03-04",
    ]


def test_a_day_that_comes_twice_because_the_zone_was_changed_is_exported_once(daily):
    scheduling.make_due(at("2026-03-02T05:00"))
    Schedule.objects.update(next_at=at("2026-03-02T08:00"))
    scheduling.make_due(at("2026-03-02T08:00"))
    assert Export.objects.count() == 1
    daily.refresh_from_db()
    assert daily.next_at == at("2026-03-03T05:00")


def test_a_schedule_that_cannot_be_read_does_not_stop_the_others(daily, alice, monkeypatch):
    with time_machine.travel("2026-03-02T03:00:00Z", tick=False):
        other = scheduling.add(wish_for("findings"), alice, Every.DAY, 0, 6)
    real = scheduling.order_of

    def order_of(schedule):
        if schedule == daily:
            raise ValueError("broken")
        real(schedule)

    monkeypatch.setattr(scheduling, "order_of", order_of)
    scheduling.make_due(at("2026-03-02T05:00"))
    assert Export.objects.get().schedule == other


def test_whoever_is_deactivated_gets_no_more_exports(daily, alice):
    alice.is_active = False
    alice.save()
    scheduling.make_due(at("2026-03-05T05:00"))
    assert not Export.objects.exists()


def test_only_a_lead_schedules_an_export_of_all_calls(bob):
    with pytest.raises(scheduling.NotAllowed):
        scheduling.add(wish_for("calls").of("since=2026-01-01"), bob, Every.DAY, 0, 6)
    assert scheduling.add(wish_for("calls").of("agent=nora"), bob, Every.DAY, 0, 6).pk


def test_a_schedule_that_ends_leaves_what_it_made(daily, alice):
    scheduling.make_due(at("2026-03-02T05:00"))
    scheduling.remove(daily, alice)
    assert Export.objects.get().schedule is None
    acts = list(LogEntry.objects.order_by("id").values_list("act", "text"))
    assert acts[0] == ("export scheduled", "calls as csv, every day at 6:00: agent=nora")
    assert acts[1][0] == "export schedule ended"


def test_the_next_time_lies_ahead(alice):
    added = scheduling.add(wish_for("calls"), alice, Every.WEEK, 3, 12)
    assert timezone.now() < added.next_at <= timezone.now() + timedelta(days=7)
