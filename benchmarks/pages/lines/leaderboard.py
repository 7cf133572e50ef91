"""Who stands where, from the sums by week: hardly dearer with ten times the calls, and right."""

from benchmarks.pages.answering import Doing
from benchmarks.pages.values import LARGE, MIDDLE, Fact, Line, Measure

NAME = "leaderboard"
LINES = (
    Line(
        "leaderboard from sums by week: the largest to 100,000 calls",
        Measure(LARGE, "leaderboard"),
        Measure(MIDDLE, "leaderboard"),
        2.5,
    ),
    Line(
        "page of agents: the largest to 100,000 calls",
        Measure(LARGE, "agents page"),
        Measure(MIDDLE, "agents page"),
        2.5,
    ),
    Fact("sums by week of 100,000 calls are those of their findings", Measure(MIDDLE, "sums are right")),
    Fact("sums by week of the largest are those counted of each call", Measure(LARGE, "sums are equal")),
)
# Nothing of actions/tallying.py is asked here but the sums: the worst finding of each check decides, and a call counts once.
AGENT_WEEKS = """
    SELECT agent_id, week, COUNT(*), SUM(violated), SUM(omitted), SUM(assessed) FROM (
        SELECT r.agent_id, r.id, t.week, MAX(w.worst = 4) AS violated, MAX(w.worst = 3) AS omitted, MAX(w.worst >= 2) AS assessed
        FROM portal_recording r JOIN portal_calltally t ON t.recording_id = r.id
        LEFT JOIN (
            SELECT analysis_id, check_id, MAX(CASE outcome WHEN 'violated' THEN 4 WHEN 'omitted' THEN 3 WHEN 'met' THEN 2
                                                           WHEN 'heard' THEN 1 ELSE 0 END) AS worst
            FROM portal_finding GROUP BY analysis_id, check_id
        ) w ON w.analysis_id = r.current_analysis_id AND r.state = 'completed'
        GROUP BY r.id
    ) GROUP BY agent_id, week
"""
SUMS = "SELECT agent_id, week, calls, violated, omitted, assessed FROM portal_agentweek WHERE calls > 0"


def doings(place: str) -> dict[str, Doing]:
    """Return the leaderboard as something to do, and the proofs of its sums."""
    if place not in {MIDDLE, LARGE}:
        return {}
    from django.db import connection
    from django.db.models import Sum

    from benchmarks.pages.asking import signed_in
    from callcov_portal.actions import recounting
    from callcov_portal.actions.summing import CALL_COUNTS
    from callcov_portal.models import AgentWeek

    browser = signed_in()

    def leaderboard() -> list[object]:
        sums = {name: Sum(name) for name in CALL_COUNTS}
        return list(AgentWeek.objects.order_by().values_list("agent_id", "agent__name").annotate(**sums))

    def right() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(AGENT_WEEKS)
            found = {row[:2]: tuple(int(count or 0) for count in row[2:]) for row in cursor.fetchall()}
            cursor.execute(SUMS)
            return found == {row[:2]: tuple(map(int, row[2:])) for row in cursor.fetchall()}

    return {
        "leaderboard": leaderboard,
        "agents page": lambda: browser.ask("/agents/"),
        "sums are right": right,
        "sums are equal": lambda: recounting.differing_sums() == 0,
    }
