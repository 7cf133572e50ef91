"""Two voices out of many vectors."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

MOST = 1500
"""Vectors from which the two centres are found; more are thinned out evenly (the cost grows with the cube)."""
NEIGHBOURS = 0.3
ROUNDS = 5
TWO_VOICES, ONE_VOICE = 0.83, 0.95
"""Centres less alike than the first are two voices, more alike than the second are one. Between them it is looked closer:"""
APART = 4.4
"""two voices lie so many standard deviations apart (a cloud cut in half does by 3.3 to 4, seldom 4.8), and"""
UNSTEADY = 0.07
"""change in the middle of flowing speech at most so often; a voice cut in half does so in every tenth step (of 66 stretches
of one voice 6 did less often, most of them shorter than 50 windows)."""


def two_voices(vectors: Array, flowing: Mask) -> Array | None:
    """Return the two centres, unit vectors of shape (2, d), or None when there is only one voice (or too little speech).

    `flowing`, of shape (n - 1,), tells which vectors are followed by the next one without a pause.
    """
    if len(vectors) < 4:
        return None
    sample = vectors[:: -(-len(vectors) // MOST)]
    labels = spectral(sample)
    for _ in range(ROUNDS):
        centres = centres_of(sample, labels)
        if centres is None or float(centres[0] @ centres[1]) > ONE_VOICE:
            return None
        labels = (sample @ centres.T).argmax(axis=1)
    centres = centres_of(sample, labels)
    return centres if centres is not None and are_two(vectors, centres, flowing) else None


def are_two(vectors: Array, centres: Array, flowing: Mask) -> bool:
    """Whether two centres are two voices and not one that was cut in half."""
    if float(centres[0] @ centres[1]) <= TWO_VOICES:
        return True
    lean = vectors @ (centres[1] - centres[0])
    second = lean > 0
    sides = lean[~second], lean[second]
    spread = float(np.sqrt(np.mean([side.var() for side in sides])))
    changes = (second[1:] != second[:-1])[flowing]
    is_steady = not len(changes) or float(changes.mean()) <= UNSTEADY
    return is_steady and float(sides[1].mean() - sides[0].mean()) >= APART * spread


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
