"""Requirement 5: sensitive data that was spoken."""

from typing import Any

from callcov_portal.engine.checks.call import Call, not_assessed, seconds


def check(call: Call) -> dict[str, Any]:
    """`{shared, instances}`; what an instance holds is ours: type and its name, timestamp, end, speaker and a mark, never the data."""
    if not call.transcript.segments:
        return {"shared": False, "instances": [], **not_assessed("Nothing was said.")}
    instances = [
        {
            "type": each.kind,
            "title": each.masked.strip("[]").capitalize(),
            "timestamp": seconds(each.start),
            "end": seconds(each.end),
            "speaker": each.speaker,
            "masked": each.masked,
        }
        for each in call.sensitive
    ]
    return {"shared": bool(instances), "instances": instances}
