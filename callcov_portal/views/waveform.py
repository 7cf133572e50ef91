"""What the player draws: how loud the speakers are from moment to moment."""

import base64
import hashlib
import math
from collections.abc import Sequence
from typing import Any

import orjson
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from callcov_portal import tasks
from callcov_portal.models import Recording, Segment, Waveform
from callcov_portal.reading.lanes import agent_lane
from callcov_portal.views.listening import Stretch, stretches_of
from callcov_portal.views.recordings import recording_or_404
from callcov_portal.views.rendering import PortalRequest

AROUND = 0.15  # seconds beside what is muted that are silent as well, as in the muted copy


@require_safe
def call_waveform(request: PortalRequest, number: int) -> HttpResponse:
    """Answer the lanes of a call: `{"step": seconds, "lanes": [{"name", "loudness"}, …]}`, agent first.

    `loudness` is a byte for each moment, as base64. `?analysis=` says by whose words the agent's channel is told.
    What is muted is silent, for everybody. 202 while it is not made yet, 404 if it cannot be made.
    """
    recording = recording_or_404(number)
    made = Waveform.objects.filter(recording=recording).first()
    if made is None or (not made.lanes and made.due_at is None):
        raise Http404("There is no waveform of this call.")
    if not made.lanes:
        tasks.ring_chore("drawing", number)
        return HttpResponse(status=202, headers={"Retry-After": "2", "Cache-Control": "no-store"})
    muted = stretches_of(recording)
    lanes = [silenced(lane, made.step_seconds, muted) for lane in made.lanes]
    named = named_lanes(recording, request.GET.get("analysis", ""), lanes, made.step_seconds)
    body = orjson.dumps({"step": made.step_seconds, "lanes": named})
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(body, content_type="application/json", headers=headers)


def silenced(lane: bytes, step: float, stretches: Sequence[Stretch]) -> bytes:
    """Return a lane that is silent where the sound is muted."""
    drawn = bytearray(lane)
    for one in stretches:
        first = max(0, math.floor((one.start - AROUND) / step))
        last = min(len(drawn), math.ceil((one.end + AROUND) / step))
        drawn[first:last] = bytes(max(0, last - first))
    return bytes(drawn)


def named_lanes(recording: Recording, analysis: str, lanes: Sequence[bytes], step: float) -> list[dict[str, Any]]:
    """Return the lanes with the names of their speakers, the agent's first; of one lane both speak."""
    if len(lanes) == 1:
        return [lane_named("", lanes[0])]
    wanted = next((pk for pk in recording.analyses.values_list("pk", flat=True) if str(pk) == analysis), None)
    spoken = Segment.objects.filter(analysis=wanted).values_list("speaker", "start", "end") if wanted else ()
    agent = agent_lane(lanes, step, spoken)
    if agent is None:
        return [lane_named("Left", lanes[0]), lane_named("Right", lanes[1])]
    return [lane_named("Agent", lanes[agent]), lane_named("Contact", lanes[1 - agent])]


def lane_named(name: str, lane: bytes) -> dict[str, Any]:
    """Return one lane as it is sent."""
    return {"name": name, "loudness": base64.b64encode(lane).decode()}
