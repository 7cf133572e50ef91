"""A transcript of 700 segments beside the same list written by f-strings."""

from html import escape

from benchmarks.pages.answering import Doing
from benchmarks.pages.values import SMALL, Line, Measure

NAME = "transcript"
LINES = (
    Line(
        "transcript of 700 segments: to plain strings",
        Measure(SMALL, "transcript"),
        Measure(SMALL, "floor of the transcript"),
        2,
    ),
)
SEGMENTS = 700


def doings(place: str) -> dict[str, Doing]:
    """Return the transcript, and its floor, as something to do."""
    if place != SMALL:
        return {}
    from callcov_portal.models import Segment
    from callcov_portal.views.evidence import Line as Spoken
    from callcov_portal.views.evidence import transcript_of
    from callcov_portal.views.veiling import veil_of

    rows = Segment.objects.order_by("pk").values_list(*Spoken._fields)[:SEGMENTS]
    lines = [Spoken(*row)._replace(position=at) for at, row in enumerate(rows)]
    veil = veil_of([(line.text, line.masked) for line in lines])

    def floor() -> str:
        return "".join(
            f'<li class="segment {speaker}" id="s{at}" data-start="{start:.2f}" data-end="{end:.2f}">'
            f'<a class="seek" href="/calls/1/audio/#t={start:.2f}" data-seek="{start:.2f}" aria-label="Play from '
            f'{int(start) // 60}:{int(start) % 60:02}">{int(start) // 60}:{int(start) % 60:02}</a>'
            f'<span class="who">{speaker}</span><p>{escape(text)}</p></li>'
            for at, speaker, _label, text, _masked, start, end in lines
        )

    return {"transcript": lambda: transcript_of(lines, veil, "/calls/1/audio/"), "floor of the transcript": floor}
