"""What Whisper looks at, worked out piece by piece."""

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from callcov_portal.engine.speech.features import PIECE, PieceWise

HOP = 160


@pytest.mark.parametrize("length", [480_000 - HOP, 480_000, 480_161, 2 * 480_000 + 7, 95 * 16_000 + 33, 250])
def test_pieces_are_what_the_whole_would_be(length):
    chance = np.random.default_rng(length)
    samples = (chance.standard_normal(length) * chance.random(length) ** 8).astype(np.float32)
    samples[: length // 3] *= 1e-4  # so faint that the loudest of the rest decides what is left of it
    whole, pieces = FeatureExtractor()(samples), PieceWise()(samples)
    assert pieces.shape == whole.shape == (80, (length + HOP) // HOP)
    assert pieces.dtype == np.float32
    np.testing.assert_allclose(pieces, whole, atol=1e-6)


def test_never_more_than_a_piece_is_worked_out_at_once(monkeypatch):
    lengths = []
    whole = FeatureExtractor.__call__
    monkeypatch.setattr(
        FeatureExtractor,
        "__call__",
        lambda self, samples, **more: lengths.append(len(samples)) or whole(self, samples, **more),
    )
    PieceWise()(np.ones(3 * PIECE * HOP, np.float32))
    assert len(lengths) == 4  # the padding begins a fourth
    assert max(lengths) <= (PIECE + 4) * HOP
