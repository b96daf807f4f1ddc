"""Vectors of texts: cutting what goes in, and putting in order what comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ollamars.runtime.engine import Vectors


def cut_tokens(tokens: Sequence[int], most: int, special: Mapping[str, int]) -> list[int]:
    """The first `most` tokens; the end token, or the separator, stays the last one.

    `special` holds the ids of special tokens, -1 where there is none.
    """
    if len(tokens) <= most:
        return list(tokens)
    last = tokens[-1]
    ends = last >= 0 and last in (special.get("eos"), special.get("sep"))
    return [*tokens[: most - 1], last] if ends and most > 0 else list(tokens[:most])


def normalized(vectors: Vectors) -> Vectors:
    """Each vector of length 1; one of zeros stays as it is."""
    lengths = np.sqrt((vectors.astype(np.float64) ** 2).sum(axis=-1, keepdims=True))
    divided = vectors / np.where(lengths > 0, lengths, 1)
    return divided.astype(np.float32)


def shortened(vectors: Vectors, dimensions: int) -> Vectors:
    """The first `dimensions` values of each, of length 1.

    0, a negative number and one beyond the vectors keep all.
    """
    if 0 < dimensions < vectors.shape[-1]:
        vectors = vectors[:, :dimensions]
    return normalized(vectors)
