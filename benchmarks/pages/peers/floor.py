"""The least that the list of calls could be: raw SQL and f-strings, as a WSGI application of its own.

It asks what our page asks (session, user, calls, how many there are, saved views, counts beside the filters, names, what hinders)
and writes the same table and the same filters. It checks no signature and no right, knows one address, and would break
with the next column.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from html import escape
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

DATABASE = Path(os.environ.get("CALLCOV_DATA_DIR", ".")) / "callcov.sqlite3"
SESSION = "SELECT session_data FROM django_session WHERE session_key = ? AND expire_date > ?"
USER = "SELECT username, role, is_active, must_change_password, may_unmask, call_columns FROM portal_user WHERE username = ?"
MATCHING = "FROM portal_recording r WHERE r.agent_id = ? AND r.state = ?"
AGENT = "SELECT id FROM portal_agent WHERE key = ?"
CALLS = f"""
    SELECT r.id, r.called_at, r.called_at_source, r.duration_seconds, r.file_name, r.link, r.state, r.failure,
           r.met, r.violated, r.omitted, r.heard, r.talk_ratio, r.negative_ratio, r.reviewed_at, r.verdict, r.is_demo,
           a.id, a.name, a.identifier, c.id, c.name, c.identifier, u.username
    FROM (SELECT r.id, r.called_at {MATCHING} ORDER BY r.called_at DESC, r.id DESC LIMIT 51) page
    JOIN portal_recording r ON r.id = page.id JOIN portal_agent a ON a.id = r.agent_id
    LEFT JOIN portal_contact c ON c.id = r.contact_id LEFT JOIN portal_user u ON u.id = r.reviewed_by_id
    ORDER BY page.called_at DESC, page.id DESC
"""  # noqa: S608
COUNT = f"SELECT COUNT(*) FROM (SELECT 1 {MATCHING} LIMIT 1001)"  # noqa: S608
VIEWS = "SELECT name, query, is_shared FROM portal_savedview WHERE owner_id = 1 OR is_shared ORDER BY name, id"
NAMES = "SELECT username FROM portal_user ORDER BY username LIMIT 200"
SIGNALS = "SELECT name, at, text FROM portal_signal WHERE name IN ('sweep', 'api_trouble')"

STATES = ("queued", "sending", "processing", "completed", "failed", "cancelled")
# Of each choice beside the list: the filter, and column and value that are counted.
CHOICES = (
    *(("state", "state", state) for state in STATES),
    *(("reviewed", "verdict", verdict) for verdict in ("", "pass", "coach", "fail")),
    *(("outcome", f"is_{outcome}", 1) for outcome in ("violated", "omitted", "heard")),
    *(("direction", "direction", direction) for direction in ("", "inbound", "outbound")),
    *(
        ("failure", "failure", cause)
        for cause in (
            "refused", "unsure", "analysis_failed", "lost", "expired", "unreachable", "blocked", "too_large",
            "not_audio", "duplicate", "gave_up",
        )
    ),
)  # fmt: skip
COUNTED = "(SELECT COUNT(*) FROM (SELECT 1 FROM portal_recording WHERE {} = ? LIMIT 1001))"
COUNTS = f"SELECT {', '.join(COUNTED.format(column) for _, column, _ in CHOICES)}"
HEADS = "".join(
    f'<th role="columnheader" scope="col">{word}</th>'
    for word in ("Call", "State", "Called at", "Agent", "Contact", "Duration", "Moments", "Tone", "Talk", "Review")
)
local = threading.local()
Start = Callable[[str, list[tuple[str, str]]], object]


def application(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Answer the page of calls, or to htmx the part that changes."""
    asked = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
    user = signed_in(environ.get("HTTP_COOKIE", ""))
    number = rows(AGENT, asked["agent"].casefold())[0][0]
    table = table_of(rows(CALLS, number, asked["state"]), rows(COUNT, number, asked["state"])[0][0], rows(VIEWS))
    is_part = "HTTP_HX_REQUEST" in environ
    body = (table if is_part else page(user, rail(asked), table)).encode()
    start("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]


def rows(statement: str, *values: object) -> list[tuple[Any, ...]]:
    """Return the rows of a statement; each thread has a connection."""
    if not hasattr(local, "connection"):
        local.connection = sqlite3.connect(DATABASE)
    return local.connection.execute(statement, values).fetchall()  # type: ignore[no-any-return]


def signed_in(cookies: str) -> str:
    """Return who asks."""
    key = SimpleCookie(cookies)["sessionid"].value
    if not rows(SESSION, key, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"):
        raise PermissionError
    return str(rows(USER, "benchmark")[0][0])


def page(user: str, filters: str, table: str) -> str:
    """Return the whole page."""
    hindered = "".join(f"<p>{escape(name)} {escape(text)}</p>" for name, _, text in rows(SIGNALS) if name != "sweep")
    return f"""<!doctype html><html lang="en"><head><title>Calls</title><link rel="stylesheet" href="/static/css/portal.css"></head>
<body><header class="site-header"><nav class="site-nav">My work Calls Search Add Agents Contacts Exports Rules Status</nav>
<a href="/password/">{escape(user)}</a></header>{hindered}<main><h1>Calls</h1><div class="with-rail">{filters}{table}</div></main></body></html>"""


def rail(asked: dict[str, str]) -> str:
    """Return the filters with how many calls each choice has."""
    counts = rows(COUNTS, *(value for _, _, value in CHOICES))[0]
    choices: dict[str, list[str]] = {}
    for (name, _, value), count in zip(CHOICES, counts, strict=True):
        chosen = " selected" if asked.get(name) == value else ""
        number = "1,000+" if count > 1000 else f"{count:,}"
        choices.setdefault(name, []).append(f'<option value="{value}"{chosen}>{value} · {number}</option>')
    choices["uploaded_by"] = [f'<option value="{escape(name)}">{escape(name)}</option>' for (name,) in rows(NAMES)]
    texts = "".join(
        f'<div class="field"><label for="id_{name}">{name}</label><input type="text" name="{name}" id="id_{name}" '
        f'value="{escape(asked.get(name, ""))}"></div>'
        for name in ("text", "agent", "contact", "since", "until", "shortest", "longest")
    )
    selects = "".join(
        f'<div class="field"><label for="id_{name}">{name}</label><select name="{name}" id="id_{name}">{"".join(options)}</select></div>'
        for name, options in choices.items()
    )
    return (
        f'<form class="rail" id="filters" method="get" action="/calls/">{texts}{selects}<button>Apply</button></form>'
    )


def table_of(calls: list[tuple[Any, ...]], count: int, views: list[tuple[Any, ...]]) -> str:
    """Return the views and the calls."""
    tabs = "".join(f'<a href="/calls/?{escape(query)}">{escape(name)}</a>' for name, query, _ in views)
    found = "more than 1,000 calls" if count > 1000 else f"{count:,} calls"
    older = f'<a class="button" href="?before={calls[49][1]}_{calls[49][0]}">Older</a>' if len(calls) > 50 else ""
    return (
        f'<section class="panel" id="calls"><nav class="views">{tabs}</nav><table class="stack calls" role="table"><thead>'
        f'<tr role="row">{HEADS}</tr></thead><tbody role="rowgroup">{"".join(map(row_of, calls[:50]))}</tbody></table>'
        f'<div class="table-foot"><span>{found}</span>{older}</div></section>'
    )


def row_of(row: tuple[Any, ...]) -> str:
    """Return one row."""
    (
        number, called_at, source, seconds, file, link, state, failure, met, violated, omitted, heard, talk, negative,
        reviewed_at, verdict, is_demo, agent, name, identifier, contact, who, whom, reviewer,
    ) = row  # fmt: skip
    at = datetime.fromisoformat(called_at)
    demo = ' <span class="chip demo" title="An invented call">Demo</span>' if is_demo else ""
    assumed = f'<span class="muted" title="Assumed: {escape(source)}"> ~</span>' if source != "form" else ""
    person = f'<a href="/contacts/{contact}/">{escape(who or whom)}</a>' if contact else "unknown"
    review = (
        f'<span class="verdict {escape(verdict)}" title="{escape(reviewer or "somebody")}, {reviewed_at}">{escape(verdict)} '
        f'<span class="muted small">{escape(reviewer or "somebody")}</span></span>'
        if reviewed_at
        else '<span class="muted" title="Not reviewed">–</span>'
    )
    moments = (
        f'<span class="moments-box" hx-get="/calls/{number}/moments/" hx-trigger="mouseenter once, focusin once">'
        f'<span class="moments" tabindex="0" role="group" aria-label="{met} met, {violated} violated, {omitted} omitted">'
        f"<span>✓{met}</span><span>✗{violated}</span><span>○{omitted}</span>{f'<span>●{heard}</span>' if heard else ''}"
        f'<span class="tip" aria-live="polite"></span></span></span>'
    )
    return (
        f'<tr role="row" id="call-{number}"><td role="cell" class="pick"><input type="checkbox" name="call" value="{number}" '
        f'form="bulk" aria-label="Select call #{number}"></td>'
        f'<td role="cell" class="nowrap"><a class="row-link" id="open-{number}" href="/calls/{number}/" '
        f'title="{escape(file or link)}">#{number}</a>{demo}</td>'
        f'<td role="cell"><span class="chip {state}" title="{escape(failure)}">{state}</span></td>'
        f'<td role="cell" class="nowrap"><time datetime="{at.isoformat()}" title="{at:%A, %d %B %Y, %H:%M:%S}">'
        f"{at:%d %b, %H:%M}</time>{assumed}</td>"
        f'<td role="cell" class="long plain" data-label="Agent" title="{escape(identifier)}"><a href="/agents/{agent}/">'
        f"{escape(name or identifier)}</a></td>"
        f'<td role="cell" class="long plain" data-label="Contact" title="{escape(whom or "unknown")}">{person}</td>'
        f'<td role="cell" class="num" title="Duration">{clock(seconds)}</td><td role="cell">{moments}</td>'
        f'<td role="cell" class="num narrow" data-label="Tone">{share(negative)}</td>'
        f'<td role="cell" class="num narrow" data-label="Talk">{share(talk)}</td><td role="cell" class="review">{review}</td></tr>'
    )


def clock(seconds: float | None) -> str:
    """Return a length."""
    return "" if seconds is None else f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def share(fraction: float | None) -> str:
    """Return a share in per cent."""
    return "" if fraction is None else f"{100 * fraction:.0f} %"
