"""The list of calls beside the least that could be done for it: one statement, and its rows written by f-strings."""

from datetime import UTC, datetime
from html import escape
from typing import Any

from benchmarks.pages.answering import Doing
from benchmarks.pages.values import LARGE, SERVERS, Line, Measure

NAME = "floor"
FLOOR = Measure(LARGE, "floor of the list")
LINES = (
    Line(
        "list of calls, whole page with sign-in and filters: to raw SQL and f-strings",
        Measure(LARGE, "list agent and state"),
        FLOOR,
        6,
    ),
    Line("list of calls, htmx fragment: to raw SQL and f-strings", Measure(LARGE, "list fragment"), FLOOR, 6),
)
STATEMENT = """
    SELECT r.id, r.state, r.failure, r.called_at, a.id, a.name, a.identifier, c.id, c.name, c.identifier, r.duration_seconds,
           r.met, r.violated, r.omitted, r.heard, r.verdict, r.reviewed_at, r.file_name, r.is_demo
    FROM portal_recording r JOIN portal_agent a ON a.id = r.agent_id LEFT JOIN portal_contact c ON c.id = r.contact_id
    WHERE r.agent_id = (SELECT id FROM portal_agent WHERE key = %s) AND r.state = 'completed'
    ORDER BY r.called_at DESC, r.id DESC LIMIT 51
"""


def page_of(rows: list[tuple[Any, ...]]) -> str:
    """Return the rows as the list shows them."""
    return f"<table class='stack calls'><tbody>{''.join(map(row_of, rows[:50]))}</tbody></table>"


def row_of(row: tuple[Any, ...]) -> str:
    """Return one row."""
    (
        number,
        state,
        failure,
        at,
        agent,
        name,
        identifier,
        contact,
        who,
        whom,
        seconds,
        *counts,
        verdict,
        _,
        file,
        demo,
    ) = row
    met, violated, omitted, heard = counts
    day = datetime.fromisoformat(at).replace(tzinfo=UTC).astimezone() if isinstance(at, str) else at
    clock = f"{int(seconds) // 60}:{int(seconds) % 60:02}" if seconds is not None else ""
    return (
        f"<tr id='call-{number}'><td><a href='/calls/{number}/' title='{escape(file)}'>#{number}</a>{' demo' if demo else ''}</td>"
        f"<td><span class='chip {state}'>{escape(failure or state)}</span></td><td>{day:%d %b %Y, %H:%M}</td>"
        f"<td title='{escape(identifier)}'><a href='/agents/{agent}/'>{escape(name or identifier)}</a></td>"
        f"<td title='{escape(whom or '')}'><a href='/contacts/{contact}/'>{escape(who or whom or 'unknown')}</a></td>"
        f"<td class='num'>{clock}</td><td title='{met} met, {violated} violated, {omitted} omitted, {heard} heard'>"
        f"{'✓' * (met > 0)}{'✗' * (violated > 0)}{'○' * (omitted > 0)}{'♪' * (heard > 0)}</td><td>{escape(verdict)}</td></tr>"
    )


def doings(place: str) -> dict[str, Doing]:
    """Return the floor as something to do."""
    if place == SERVERS:
        return {}
    from django.db import connection

    from callcov_portal.models import Agent

    key = Agent.objects.filter(is_demo=True).order_by("pk")[0].key

    def floor() -> bytes:
        with connection.cursor() as cursor:
            cursor.execute(STATEMENT, [key])
            return page_of(cursor.fetchall()).encode()

    return {FLOOR.name: floor}
