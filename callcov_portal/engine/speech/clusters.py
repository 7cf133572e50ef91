"""Two voices out of many vectors."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

MOST = 1500
"""Vectors from which the two centres are found; more are thinned out evenly (the cost grows with the cube)."""
NEIGHBOURS = 0.3
ROUNDS = 5
ONE_VOICE = 0.83
"""Centres more alike than this are one voice."""


def two_voices(vectors: Array) -> Array | None:
    """Return the two centres, unit vectors of shape (2, d), or None when there is only one voice (or too little speech)."""
    if len(vectors) < 4:
        return None
    sample = vectors[:: -(-len(vectors) // MOST)]
    labels = spectral(sample)
    for _ in range(ROUNDS):
        centres = centres_of(sample, labels)
        if centres is None or float(centres[0] @ centres[1]) > ONE_VOICE:
            return None
        labels = (sample @ centres.T).argmax(axis=1)
    return centres_of(sample, labels)


def centres_of(vectors: Array, labels: NDArray[np.intp]) -> Array | None:
    """The mean direction of each group, None if one is empty."""
    if len(np.unique(labels)) < 2:
        return None
    means = np.stack([vectors[labels == label].mean(axis=0) for label in (0, 1)])
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), np.float32)


def spectral(vectors: Array) -> NDArray[np.intp]:
    """Labels 0 and 1 by the second eigenvector of the neighbourhood graph, which unlike merging survives outliers."""
    alike = np.clip(vectors @ vectors.T, 0, 1).astype(np.float64)
    keep = max(2, int(len(alike) * NEIGHBOURS))
    least = np.sort(alike, axis=1)[:, -keep][:, None]
    graph = np.where(alike >= least, alike, 0)
    graph = np.maximum(graph, graph.T)
    scale = 1 / np.sqrt(graph.sum(axis=1))
    _values, directions = np.linalg.eigh(graph * scale[:, None] * scale[None])
    return split_in_two(directions[:, -2] * scale)


def split_in_two(line: NDArray[np.float64]) -> NDArray[np.intp]:
    """Two groups of numbers: 2-means from the ends."""
    low, high = float(line.min()), float(line.max())
    for _ in range(20):
        upper = np.abs(line - high) < np.abs(line - low)
        if upper.all() or not upper.any():
            break
        low, high = float(line[~upper].mean()), float(line[upper].mean())
    return (np.abs(line - high) < np.abs(line - low)).astype(np.intp)
