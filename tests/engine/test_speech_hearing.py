"""From samples to segments with speakers, with synthetic voices in place of people."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcov_portal import rules
from callcov_portal.engine.speech import clusters, crosstalk, hearing, mono, roles
from callcov_portal.engine.speech.hearing import Hearing
from callcov_portal.engine.speech.stretches import Heard, segments, tidy
from callcov_portal.engine.speech.voices import VoiceEncoder
from callcov_portal.engine.speech.weights import voice_weights
from tests.sound.samples import RATE, silence, tone

CALLS = Path(__file__).parent.parent / "calls"


def heard(text, start, end, speaker="0", confidence=0.9):
    """Words spaced evenly."""
    texts = text.split()
    step = (end - start) / len(texts)
    return [
        Heard(f" {each}", start + at * step, start + (at + 1) * step, confidence, speaker)
        for at, each in enumerate(texts)
    ]


def voice(seconds, pitch, seed=0):
    """Something with a voice's harmonics and rhythm: enough for the encoder to tell two apart."""
    at = np.arange(int(seconds * RATE)) / RATE
    wobble = pitch * (1 + 0.03 * np.sin(2 * np.pi * 3 * at))
    phase = 2 * np.pi * np.cumsum(wobble) / RATE
    formants = {150: (500, 1500, 2500), 1: (700, 1100, 2900)}[150 if pitch < 150 else 1]
    sound = sum(
        np.sin(n * phase) * sum(np.exp(-(((n * pitch - f) / 200) ** 2)) for f in formants)
        for n in range(1, int(3500 / pitch))
    )
    loud = 0.5 + 0.5 * np.sin(2 * np.pi * 4 * at + seed)
    return (0.1 * sound * loud).astype(np.float32)


# --- words into segments ---------------------------------------------------------------------------------------------


def test_a_pause_a_speaker_and_a_long_sentence_end_a_segment():
    words = [
        *heard("So this is one.", 0, 2),
        *heard("And after a pause two.", 3.5, 5),
        *heard("Me too.", 5.2, 6, "1"),
        *heard("Now a sentence that takes long.", 6.2, 19),
        *heard("Then another.", 19.1, 20),
    ]
    cut = segments(tidy(words, "en"), "en")
    assert [(each.text, each.speaker) for each in cut] == [
        ("So this is one.", "0"),
        ("And after a pause two.", "0"),
        ("Me too.", "1"),
        ("Now a sentence that takes long.", "0"),
        ("Then another.", "0"),
    ]
    assert (cut[0].start, cut[0].end, cut[0].confidence) == (0, 2, 0.9)


def test_speech_without_sentences_is_cut_in_the_end():
    cut = segments(tidy(heard(" ".join(["and"] * 200), 0, 100), "en"), "en")
    assert len(cut) == 4
    assert all(each.end - each.start <= 30 for each in cut)


def test_continuations_are_glued_and_empty_words_dropped():
    raw = [Heard(" 4", 0, 1, 0.9), Heard("-11", 1, 2, 0.5), Heard(" ", 2, 2, 0.1), Heard(" ok", 3, 2.5, 0.8)]
    words = tidy(raw, "en")
    assert [(word.text, word.start, word.end, word.confidence) for word in words] == [
        ("4-11", 0, 2, 0.5),
        ("ok", 3, 3, 0.8),
    ]


def test_languages_without_spaces_keep_their_words():
    raw = [Heard("你", 0, 1, 0.9), Heard("好", 1, 2, 0.9)]
    (only,) = segments(tidy(raw, "zh"), "zh")
    assert only.text == "你好"
    assert len(only.words) == 2


def test_a_word_on_the_wrong_side_of_a_pause_is_moved_over_it():
    words = tidy([*heard("Please hold. Hi,", 0, 2), *heard("are you there?", 30, 31)], "en")
    assert [each.text for each in segments(words, "en")] == ["Please hold.", "Hi, are you there?"]
    hi = words[2]
    assert (hi.text, hi.end) == ("Hi,", 30)
    assert hi.end - hi.start <= 0.4


def test_a_word_at_the_end_of_a_sentence_or_in_its_middle_stays():
    for text in ("Please hold. Yes.", "Please hold and wait and"):
        words = tidy([*heard(text, 0, 2), *heard("are you there?", 30, 31)], "en")
        assert words[len(text.split()) - 1].end == 2


TEXTS = st.lists(
    st.tuples(
        st.sampled_from([" yes", " no.", "-1", " ", " I", "?"]), st.floats(0, 3), st.floats(0, 2), st.sampled_from("01")
    )
)


@given(TEXTS)
@settings(max_examples=100, deadline=None)
def test_no_word_is_lost_and_no_segment_mixes_speakers(parts):
    at, raw = 0.0, []
    for text, gap, length, speaker in parts:
        raw.append(Heard(text, at + gap, at + gap + length, 0.9, speaker))
        at += gap + length
    words = tidy(raw, "en")
    cut = segments(words, "en")
    assert "".join(word.text for word in words) == "".join(text.strip() for text, *_ in parts)
    assert [word.text for each in cut for word in each.words] == [word.text for word in words]
    for each in cut:
        assert each.text == " ".join(word.text for word in each.words)
        assert each.start <= each.end


# --- one channel, two voices ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def encoder():
    return VoiceEncoder(voice_weights())


def test_vectors_point_alike_for_the_same_voice(encoder):
    low, high = voice(6, 110), voice(6, 210)
    vectors = [
        encoder.embed(np.stack([w.mel for w in mono.windows_of(each, [(0, len(each))], encoder, 0)]))
        for each in (low, high)
    ]
    assert vectors[0].shape[1] == 256
    assert np.allclose(np.linalg.norm(vectors[0], axis=1), 1, atol=1e-4)
    same = float((vectors[0] @ vectors[0].T).mean())
    other = float((vectors[0] @ vectors[1].T).mean())
    assert same > other + 0.15
    assert len(encoder.embed(np.zeros((0, 160, 40), np.float32))) == 0


def test_the_mel_scale_is_slaneys(encoder):
    power = encoder.mel(tone(1, 1000))
    assert power.shape == (101, 40)
    assert np.argmax(power[50]) == np.argmax(
        encoder.filters @ (np.abs(np.fft.rfft(np.hanning(401)[:-1] * tone(1, 1000)[:400])) ** 2)
    )
    assert encoder.filters.shape == (40, 201)
    assert np.allclose(encoder.filters.sum(axis=1) * 40, 1, rtol=0.35)


def test_words_get_the_voice_that_speaks_them(encoder):
    parts = [voice(5, 110), silence(0.5), voice(5, 210), silence(0.5), voice(5, 110, 1)]
    samples = np.concatenate(parts)
    spans = [(0, 5 * RATE), (int(5.5 * RATE), int(10.5 * RATE)), (11 * RATE, 16 * RATE)]
    windows = mono.windows_of(samples, spans, encoder, 0.0)
    words = [*heard("a b c d.", 0.2, 4.8, ""), *heard("e f g h.", 5.7, 10.3, ""), *heard("i j k l.", 11.2, 15.8, "")]
    labels = [word.speaker for word in mono.assign(words, windows, encoder)]
    assert labels[:4] == [labels[0]] * 4
    assert labels[4:8] == ["1" if labels[0] == "0" else "0"] * 4
    assert labels[8:] == [labels[0]] * 4


def test_hours_of_windows_are_looked_at_a_few_at_a_time(encoder, monkeypatch):
    samples = voice(12, 110)
    windows = mono.windows_of(samples, [(0, len(samples))], encoder, 0.0)
    sizes: list[int] = []
    told: list[float] = []
    whole = encoder.embed
    monkeypatch.setattr(mono, "AT_ONCE", 10)
    monkeypatch.setattr(encoder, "embed", lambda mels: sizes.append(len(mels)) or whole(mels))

    vectors = mono.vectors_of(windows, encoder, told.append)

    assert max(sizes) == 10
    assert sum(sizes) == len(windows) == len(vectors)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_one_voice_is_one_speaker(encoder):
    samples = voice(12, 110)
    windows = mono.windows_of(samples, [(0, len(samples))], encoder, 0.0)
    assert {word.speaker for word in mono.assign(heard("a b c d", 0, 12), windows, encoder)} == {"0"}


def test_without_speech_there_is_no_second_speaker(encoder):
    assert mono.windows_of(silence(3), [], encoder, 0.0) == []
    assert mono.windows_of(silence(3), [(0, 1000)], encoder, 0.0) == []
    assert [word.speaker for word in mono.assign(heard("a b", 0, 1), [], encoder)] == ["0", "0"]


def test_a_short_stretch_is_repeated_until_it_fills_a_window(encoder):
    (window,) = mono.windows_of(voice(0.8, 110), [(0, int(0.8 * RATE))], encoder, 10.0)
    assert window.mel.shape == (160, 40)
    assert window.middle == pytest.approx(10.4, abs=0.02)


def labelled(text):
    """`a b | c.` : words half a second apart, `|` a change of speaker."""
    words, speaker, at = [], 0, 0.0
    for token in text.split():
        if token == "|":
            speaker = 1 - speaker
            continue
        words.append(Heard(token, at, at + 0.5, 0.9, str(speaker)))
        at += 0.5
    return words


def changes(words):
    out = []
    for before, word in zip([None, *words], words, strict=False):
        if before and before.speaker != word.speaker:
            out.append("|")
        out.append(word.text)
    return " ".join(out)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("see you Thursday. Next Thursday | is far. Yes.", "see you Thursday. | Next Thursday is far. Yes."),
        ("it is 23. Got | it thanks a lot", "it is 23. | Got it thanks a lot"),
        ("that is | all right. So tell me more", "that is all right. | So tell me more"),
        ("one two three. | Four five.", "one two three. | Four five."),
        ("one two three four | five six seven eight", "one two three four | five six seven eight"),
    ],
)
def test_a_change_of_speaker_moves_to_the_end_of_a_sentence(before, after):
    assert changes(mono.at_sentences(labelled(before))) == after


def test_a_change_of_speaker_at_a_pause_stays():
    words = labelled("well. so | there you are")
    words[2:] = [replace(word, start=word.start + 1, end=word.end + 1) for word in words[2:]]
    assert changes(mono.at_sentences(words)) == "well. so | there you are"


def test_a_flicker_is_undone_but_an_answer_stays():
    assert changes(mono.steady(labelled("one two | three | four five"))) == "one two three four five"
    assert changes(mono.steady(labelled("one two. | Yes. | Four five"))) == "one two. | Yes. | Four five"
    assert changes(mono.steady(labelled("one two | three four | five"))) == "one two | three four | five"


def cloud_around(*centres, size=40, spread=0.05):
    """Unit vectors around each of the centres, one cloud after the other."""
    dice = np.random.default_rng(3)
    cloud = np.concatenate([centre + dice.normal(0, spread, (size, len(centre))) for centre in centres])
    return (cloud / np.linalg.norm(cloud, axis=1, keepdims=True)).astype(np.float32)


def two_voices(vectors, flowing=False):
    return clusters.two_voices(vectors, np.full(len(vectors) - 1, flowing))


def test_two_clouds_of_vectors_are_two_voices():
    cloud = cloud_around(*np.eye(64)[:2])
    found = two_voices(cloud)
    labels = (cloud @ found.T).argmax(axis=1)
    assert len(set(labels[:40])) == len(set(labels[40:])) == 1
    assert labels[0] != labels[-1]
    assert two_voices(cloud[:40]) is None
    assert two_voices(cloud[:3]) is None
    assert two_voices(np.repeat(cloud[:1], 10, axis=0)) is None


ALIKE = np.array([[1.0, 0.2] + [0.0] * 62, [1.0, -0.2] + [0.0] * 62])
"""Two voices that are 0.92 alike."""


def test_voices_that_are_much_alike_are_two_when_they_lie_apart():
    close = cloud_around(*ALIKE, spread=0.02)
    assert two_voices(close) is not None
    between = ALIKE[0] + np.linspace(0, 1, 80)[:, None] * (ALIKE[1] - ALIKE[0])  # one voice that varies evenly
    assert two_voices(cloud_around(*between, size=1, spread=0.02)) is None


def test_a_voice_that_seems_to_change_in_the_middle_of_its_words_is_one():
    mixed = np.random.default_rng(5).permutation(cloud_around(*ALIKE, spread=0.02))
    assert two_voices(mixed, flowing=False) is not None
    assert two_voices(mixed, flowing=True) is None


def test_hours_of_speech_are_thinned_out(monkeypatch):
    monkeypatch.setattr(clusters, "MOST", 20)
    sizes = []
    original = clusters.spectral
    monkeypatch.setattr(clusters, "spectral", lambda vectors: sizes.append(len(vectors)) or original(vectors))
    cloud = np.repeat(np.eye(4, dtype=np.float32)[:2], 100, axis=0)
    assert two_voices(cloud) is not None
    assert sizes == [20]


# --- two channels --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decibels", [-40, -15, -10, -7])
def test_crosstalk_is_muted_and_overlap_is_kept(decibels):
    mine, other = np.concatenate([tone(2, 300), silence(4)]), np.concatenate([silence(1.5), tone(2.5, 500), silence(2)])
    crosstalk_of = np.float32(10 ** (decibels / 20))
    left, right = mine + crosstalk_of * other, other + crosstalk_of * mine
    masks = crosstalk.gates(crosstalk.decibels(left), crosstalk.decibels(right))
    heard_left = crosstalk.gated(left, masks[0], 0, len(left))
    heard_right = crosstalk.gated(right, masks[1], 0, len(right))
    assert not heard_right[: int(1.1 * RATE)].any()
    assert not heard_left[int(2.5 * RATE) : int(3.8 * RATE)].any()
    assert np.array_equal(heard_left[: 2 * RATE], left[: 2 * RATE])
    assert np.array_equal(heard_right[int(1.5 * RATE) : 4 * RATE], right[int(1.5 * RATE) : 4 * RATE])
    assert np.array_equal(crosstalk.gated(left, masks[0], RATE, RATE + 77), left[RATE : RATE + 77])


def test_channels_that_say_the_same_are_one():
    loud, quiet = tone(2), tone(2, 500)
    assert len(crosstalk.as_spoken(np.stack([loud, loud * 0.99]))) == 1
    assert len(crosstalk.as_spoken(np.stack([loud, quiet]))) == 2
    assert np.array_equal(crosstalk.as_spoken(np.stack([silence(2), loud]))[0], loud)
    assert np.array_equal(crosstalk.as_spoken(np.stack([loud, silence(2)]))[0], loud)
    assert len(crosstalk.as_spoken(np.stack([silence(2), silence(2)]))) == 1
    assert len(crosstalk.as_spoken(loud[None])) == 1


def test_an_empty_channel_has_no_gate():
    nothing, little = crosstalk.decibels(silence(0)), crosstalk.decibels(np.zeros(500, np.float32))
    assert [len(mask) for mask in crosstalk.gates(nothing, nothing)] == [0, 0]
    assert len(crosstalk.gates(little, little)[0]) == 4


# --- who is the agent ----------------------------------------------------------------------------------------------


def talk(*turns):
    return [
        segments([replace(w, speaker=label) for w in tidy(heard(text, at * 5, at * 5 + 4), "en")], "en")[0]
        for at, (label, text) in enumerate(turns)
    ]


LABELS = ("0", "1")
ONE_CHANNEL = "Both speakers are on one channel: who is the agent was guessed"


def test_the_one_who_talks_like_an_agent_is_the_agent():
    said = talk(("0", "Hello?"), ("1", "Hi, this call is recorded. How can I help you?"), ("0", "I want to cancel."))
    cast = roles.by_voice(said, LABELS, rules.builtin())
    assert cast == roles.Cast("1", "voices", f"{ONE_CHANNEL} from what they say (high margin).")


def test_a_guess_on_thin_grounds_says_so():
    said = talk(("0", "Hello?"), ("1", "How can I help you?"), ("0", "Just a moment."))
    cast = roles.by_voice(said, LABELS, rules.builtin())
    assert cast == roles.Cast("1", "voices", f"{ONE_CHANNEL} from what they say (low margin).")


def test_who_speaks_first_is_the_agent_where_nothing_tells():
    said = talk(("1", "The weather is nice."), ("0", "Is it?"))
    cast = roles.by_voice(said, LABELS, rules.builtin())
    assert (cast.agent, cast.roles) == ("1", "voices")
    assert cast.note == f"{ONE_CHANNEL} from who speaks first, because what they say does not tell."


def test_a_lone_voice_is_the_agents_unless_it_talks_like_a_contact():
    agent = roles.by_voice(talk(("0", "The weather is nice.")), LABELS, rules.builtin())
    contact = roles.by_voice(talk(("0", "I want to make a formal complaint.")), LABELS, rules.builtin())
    assert agent == roles.Cast("0", "one_voice", "Only one voice was heard; it was taken for the agent's.")
    assert contact == roles.Cast("1", "one_voice", "Only one voice was heard; it was taken for the contact's.")


def test_the_agents_channel_is_the_expected_one_unless_the_other_talks_like_an_agent():
    agent = "Thank you for calling, my name is Ann, this call is recorded. How can I help?"
    said = talk(("0", "Hello, my name is Bob."), ("1", agent))
    assert roles.by_channel(said, LABELS, "1", rules.builtin()) == roles.Cast("1", "channels")
    overruled = roles.by_channel(said, LABELS, "0", rules.builtin())
    assert (overruled.agent, overruled.roles) == ("1", "channels_overruled")
    assert overruled.note == (
        "The left channel was expected to be the agent's, but what agents say was heard on the right one, "
        "which was taken for the agent's."
    )
    both = [*said, *talk(("0", "This call is recorded. How can I help?"))]
    assert roles.by_channel(both, LABELS, "0", rules.builtin()) == roles.Cast("0", "channels")


@pytest.mark.parametrize("name", ["call1_payment", "call2_complaint"])
def test_swapped_channels_of_the_example_calls_are_noticed(name):
    turns = json.loads((CALLS / f"{name}.truth.json").read_text())["turns"]
    words = [
        [
            replace(word, speaker="1" if turn["role"] == "agent" else "0")
            for word in heard(turn["text"], turn["start"], turn["end"])
        ]
        for turn in turns
    ]
    said = [segments(tidy(each, "en"), "en")[0] for each in words]
    assert roles.by_channel(said, LABELS, "0", rules.builtin()).agent == "1"
    assert roles.by_channel(said, LABELS, "1", rules.builtin()) == roles.Cast("1", "channels")


# --- the whole -----------------------------------------------------------------------------------------------------


class Ears:
    """A model that hears a word for every second that is not silent."""

    def __init__(self, language="en"):
        self.spoken, self.lengths = language, []

    def language(self, samples):
        return self.spoken if samples.any() else ""

    def words(self, samples, language, heard):
        self.lengths.append(len(samples) / RATE)
        loud = [at for at in range(len(samples) // RATE) if np.abs(samples[at * RATE : (at + 1) * RATE]).max() > 0.01]
        for at in loud:
            heard(at + 1)
        return [Heard(f" w{at}.", at + 0.1, at + 0.9, 0.9) for at in loud]


def listen(samples, encoder, ears=None, spans=lambda piece, **options: [(0, len(piece))], agent=0):
    told = []
    found = Hearing(ears or Ears(), encoder, spans).hear(
        samples, agent, lambda stage, fraction: told.append((stage, fraction))
    )
    assert all(0 <= fraction <= 1 for _, fraction in told)
    assert told[-1] == ("separating speakers", 1.0)
    return found, told


def test_each_channel_is_a_speaker(encoder):
    samples = np.stack([np.concatenate([tone(3), silence(3)]), np.concatenate([silence(3), tone(3, 500)])])
    found, told = listen(samples, encoder)
    assert found["channels"] == 2
    assert [(each.speaker, each.start) for each in found["segments"]] == [("A", 0.1), ("B", 3.1)]
    recognising = [fraction for stage, fraction in told if stage == "recognising"]
    assert recognising == sorted(recognising)
    assert recognising[-1] == 1.0
    assert (found["roles"], found["note"]) == ("channels", "")
    found, _ = listen(samples, encoder, agent=1)
    assert [each.speaker for each in found["segments"]] == ["B", "A"]


def test_one_channel_is_split_by_voice(encoder):
    samples = np.concatenate([voice(5, 110), voice(5, 210)])[None]
    spans = lambda piece, **options: [(0, 5 * RATE), (5 * RATE, 10 * RATE)]
    found, told = listen(samples, encoder, spans=spans)
    assert found["channels"] == 1
    assert [each.speaker for each in found["segments"]] == ["A", "B"]
    assert found["roles"] == "voices"
    assert found["note"].startswith(ONE_CHANNEL)
    assert ("separating speakers", 0.0) in told


def test_a_lone_voice_on_one_side_of_a_stereo_recording_is_that_sides(encoder):
    contact_only, _ = listen(np.stack([silence(3), tone(3)]), encoder)
    agent_only, _ = listen(np.stack([tone(3), silence(3)]), encoder)
    turned, _ = listen(np.stack([silence(3), tone(3)]), encoder, agent=1)
    assert [{each.speaker for each in found["segments"]} for found in (contact_only, agent_only, turned)] == [
        {"B"},
        {"A"},
        {"A"},
    ]


def test_two_voices_on_one_side_are_told_apart_by_what_they_say(encoder):
    samples = np.stack([silence(10), np.concatenate([voice(5, 110), voice(5, 210)])])
    spans = lambda piece, **options: [(0, 5 * RATE), (5 * RATE, 10 * RATE)]
    found, _ = listen(samples, encoder, spans=spans)
    assert [each.speaker for each in found["segments"]] == ["A", "B"]


def test_silence_has_no_words_and_no_language(encoder):
    ears = Ears()
    found, _ = listen(silence(1)[None], encoder, ears)
    assert found == {"segments": [], "language": "", "channels": 1, "roles": "voices", "note": "", "sounds": []}
    assert ears.lengths == []


def test_a_long_call_is_heard_in_blocks_cut_where_it_is_quiet(encoder, monkeypatch):
    monkeypatch.setattr(hearing, "BLOCK_SECONDS", 10)
    monkeypatch.setattr(hearing, "LOOK_BACK_SECONDS", 4)
    samples = np.concatenate([tone(7.5), silence(1), tone(8), silence(1), tone(5)])[None]
    blocks = list(hearing.blocks_of(samples))
    assert blocks[0][0] == 0
    assert blocks[-1][1] == samples.shape[1]
    assert [a[1] for a in blocks[:-1]] == [b[0] for b in blocks[1:]]
    cuts = [end / RATE for _, end in blocks[:-1]]
    assert [7.5 < cuts[0] < 8.5, 16.5 < cuts[1] < 17.5] == [True, True]
    found, _ = listen(samples, encoder)
    starts = [word.start for each in found["segments"] for word in each.words]
    assert starts == sorted(starts)
    assert starts[-1] > 20
