"""What a person sees of what was said: masked, unless they may see it all and asked for it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from callcov_portal import hiding
from callcov_portal.models import Finding, Segment
from callcov_portal.templatetags.portal import pills


def with_marks(text: str, masked: str) -> SafeString:
    """Return a text as markup with what others do not see marked in it."""
    words, pieces, at = text.split(), [], 0
    for run in hiding.runs(text, masked):
        pieces.append(("", " ".join(words[at : run.first])))
        pieces.append((run.mark.strip("[]"), " ".join(words[run.first : run.last])))
        at = run.last
    pieces.append(("", " ".join(words[at:])))
    marked = '<mark class="unmasked" title="{}">{}</mark>'
    shown = (format_html(marked, kind, said) if kind else format_html("{}", said) for kind, said in pieces if said)
    return format_html_join(" ", "{}", ((piece,) for piece in shown))


@dataclass(frozen=True)
class Veil:
    """Over one analysis: what it hides, and whether it is lifted for this page."""

    hider: hiding.Hider
    hides: bool
    is_lifted: bool = False

    def line(self, text: str, masked: str) -> SafeString | str:
        """Return a segment's words as they are shown."""
        if not masked:
            return text
        return with_marks(text, masked) if self.is_lifted else pills(masked)

    def over(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return the findings as they are shown. They are not to be saved."""
        return [finding if self.is_lifted else veiled(finding, self.hider) for finding in findings]

    def over_results(self, results: Any) -> Any:
        """Return the results as they are shown."""
        return results if self.is_lifted else hiding.hide_results(self.hider, results)


def veil_of(pairs: Sequence[tuple[str, str]], *, is_lifted: bool = False) -> Veil:
    """Return the veil over a transcript; `pairs`: text and masked text of its segments, "" where nothing is hidden."""
    hidden = [(text, masked) for text, masked in pairs if masked]
    return Veil(hiding.Hider(hidden), bool(hidden), is_lifted)


def veil_over(analysis: UUID | None, *, is_lifted: bool = False) -> Veil:
    """Return the veil over an analysis whose segments are not at hand."""
    rows = Segment.objects.filter(analysis=analysis).exclude(masked="").order_by("position")
    return veil_of(list(rows.values_list("text", "masked")), is_lifted=is_lifted)


def veiled(finding: Finding, hider: hiding.Hider) -> Finding:
    """Hide what the texts of a finding tell, with those of further places and of the nearest miss."""
    finding.quote = hiding.hide_quote(hider, finding.check_id, finding.quote)
    finding.explanation = hider.hide(finding.explanation)
    finding.also = hider.hide_all(finding.also)
    finding.searched = hider.hide_all(finding.searched)
    return finding
