"""The transcript's list items are written by hand: whatever stands in a row, nothing of it becomes markup."""

import string

from django.utils.html import format_html, format_html_join
from hypothesis import given
from hypothesis import strategies as st

from callcov_portal.templatetags.portal import clock
from callcov_portal.views.evidence import Line, transcript_of, who
from callcov_portal.views.veiling import veil_of

HEARD = (
    '<li class="segment {0}" id="s{1}" data-start="{2}" data-end="{3}">'
    '<a class="seek" href="{6}#t={2}" data-seek="{2}" aria-label="Play from {4}">{4}</a>'
    '<span class="who">{5}</span><p>{7}</p></li>'
)
SILENT = '<li class="segment {0}" id="s{1}"><span class="seek">{4}</span><span class="who">{5}</span><p>{7}</p></li>'

texts = st.text(alphabet=string.ascii_letters + " <>&\"'\u2028/=", max_size=40)
seconds = st.floats(min_value=0, max_value=20_000)
lines = st.builds(
    Line,
    position=st.integers(min_value=0, max_value=5000),
    speaker=st.one_of(st.sampled_from(["agent", "contact", "unknown"]), texts),
    label=texts,
    text=texts,
    masked=st.one_of(st.just(""), texts, st.just("It is [card number] <b>")),
    start=seconds,
    end=seconds,
)


@given(st.lists(lines, max_size=4), st.sampled_from(["", "/calls/1/audio/?unmuted=1&x=<'\""]), st.booleans())
def test_it_is_what_django_would_write(segments, link, is_lifted):
    veil = veil_of([(one.text, one.masked) for one in segments], is_lifted=is_lifted)
    values = (
        (one.speaker, one.position, f"{one.start:.2f}", f"{one.end:.2f}", clock(one.start), *rest)
        for one in segments
        for rest in [(who(one.speaker, one.label), link, veil.line(one.text, one.masked))]
    )
    assert transcript_of(segments, veil, link) == format_html_join("", HEARD if link else SILENT, values)


def test_a_template_takes_it_as_markup():
    line = Line(0, "agent", "A", "<b>", "", 0.0, 1.0)
    markup = transcript_of([line], veil_of([]), "")
    assert format_html("{}", markup) == markup
    assert "<p>&lt;b&gt;</p>" in markup
