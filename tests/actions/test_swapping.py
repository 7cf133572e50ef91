"""Agent and contact the other way round: kept, logged, and undone by doing it again."""

import pytest

from callcov_portal.actions import rechecking, swapping
from callcov_portal.actions import rules as actions
from callcov_portal.models import Analysis, Document, Finding, LogEntry, Segment, SensitiveSpan, Speaker, State
from tests.factories import (
    CompletedFactory,
    DocumentFactory,
    FindingFactory,
    ProcessingFactory,
    SegmentFactory,
    SpanFactory,
)
from tests.rulesets import GREETING
from tests.working import again

pytestmark = pytest.mark.django_db

RAW = {"transcript": {"segments": [{"speaker": "A", "text": "Hello."}]}, "results": {}}


@pytest.fixture
def mixed_up(alice) -> Analysis:
    """The agent greets, but the API took the one for the other; a third voice is unknown."""
    actions.activate(actions.save_version(GREETING, "", alice).hash, alice)
    analysis = CompletedFactory(language="en")
    said = [(Speaker.AGENT, "Hello, is it you?"), (Speaker.CONTACT, "Thank you for calling."), (Speaker.UNKNOWN, "Hm.")]
    for position, (speaker, text) in enumerate(said):
        SegmentFactory(
            analysis=analysis, position=position, speaker=speaker, text=text, start=position, end=position + 1
        )
    SpanFactory(analysis=analysis, speaker=Speaker.CONTACT)
    FindingFactory(analysis=analysis, position=0, check_id="sensitive_data", speaker=Speaker.CONTACT, quote="given")
    DocumentFactory(analysis=analysis, raw=RAW)
    rechecking.check_again(analysis, alice)
    return again(analysis)


def speakers(analysis: Analysis) -> list[str]:
    return list(Segment.objects.filter(analysis=analysis).order_by("position").values_list("speaker", flat=True))


def outcomes(analysis: Analysis) -> dict[str, tuple[str, str]]:
    rows = Finding.objects.filter(analysis=analysis).values_list("check_id", "outcome", "speaker")
    return {check: (outcome, speaker) for check, outcome, speaker in rows}


def test_segments_spans_and_findings_have_the_other_speaker_and_rules_are_read_again(mixed_up, alice) -> None:
    assert outcomes(mixed_up)["quality.greeting"] == ("omitted", "")
    assert swapping.swap_speakers(mixed_up, alice, swapped=True)
    assert speakers(mixed_up) == ["contact", "agent", "unknown"]
    assert outcomes(mixed_up)["quality.greeting"] == ("met", "agent")
    assert outcomes(mixed_up)["sensitive_data"] == ("met", "agent")
    assert SensitiveSpan.objects.get().speaker == Speaker.AGENT
    assert Document.objects.get().raw == RAW
    assert again(mixed_up).speakers_swapped
    entry = LogEntry.objects.get(act="swapped the speakers")
    assert (entry.user, entry.recording_number) == (alice, mixed_up.recording_id)
    assert "The agent greets: omitted → met" in entry.text


def test_swapping_again_undoes_it(mixed_up, alice) -> None:
    before = speakers(mixed_up), outcomes(mixed_up)
    swapping.swap_speakers(mixed_up, alice, swapped=True)
    assert swapping.swap_speakers(again(mixed_up), alice, swapped=False)
    assert (speakers(mixed_up), outcomes(mixed_up)) == before
    assert not again(mixed_up).speakers_swapped
    assert LogEntry.objects.filter(act="swapped the speakers back").count() == 1


def test_a_second_click_on_the_same_button_changes_nothing(mixed_up, alice) -> None:
    stale = again(mixed_up)
    assert swapping.swap_speakers(mixed_up, alice, swapped=True)
    assert not swapping.swap_speakers(stale, alice, swapped=True)  # read before the first one wrote
    assert not swapping.swap_speakers(again(mixed_up), alice, swapped=True)
    assert speakers(mixed_up) == ["contact", "agent", "unknown"]
    assert LogEntry.objects.filter(act="swapped the speakers").count() == 1


def test_checking_again_keeps_the_swap(mixed_up, alice) -> None:
    swapping.swap_speakers(mixed_up, alice, swapped=True)
    assert rechecking.check_again(again(mixed_up), alice) == []
    assert speakers(mixed_up) == ["contact", "agent", "unknown"]
    assert outcomes(mixed_up)["quality.greeting"] == ("met", "agent")


def test_checking_again_does_not_write_what_it_read_before_the_swap(mixed_up, alice) -> None:
    stale = again(mixed_up)
    swapping.swap_speakers(mixed_up, alice, swapped=True)
    with pytest.raises(rechecking.NotPossible, match="swapped, meanwhile"):
        rechecking.check_again(stale, alice)
    assert outcomes(mixed_up)["quality.greeting"] == ("met", "agent")


def test_a_call_without_results_has_nothing_to_swap(alice) -> None:
    with pytest.raises(rechecking.NotPossible, match="once the analysis is done"):
        swapping.swap_speakers(ProcessingFactory(), alice, swapped=True)


def test_a_call_that_was_deleted_meanwhile_is_let_be(mixed_up, alice) -> None:
    Analysis.objects.filter(pk=mixed_up.pk).update(state=State.FAILED)
    assert not swapping.swap_speakers(mixed_up, alice, swapped=True)
    assert speakers(mixed_up) == ["agent", "contact", "unknown"]
