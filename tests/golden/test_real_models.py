"""Real small models through the embedding API, against what llama.cpp computes.

A model passes against one of two records, the same one in everything: `exact` (float32
activations) or `reference` (activations of 8 bits, whose noise is larger).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ollamars import Model
from tests.support import shared, test_model

FILES = ("SmolLM2-135M-Instruct.Q4_1.gguf", "gemma-3-270m-q4_k_m.gguf")


@dataclass(frozen=True)
class Bounds:
    """What a record allows: log-probabilities of the best 20, gaps, perplexity."""

    largest: float
    mean: float
    gap: float
    perplexity: float


RECORDS = {
    "exact": Bounds(0.05, 0.01, 0.1, 0.001),
    "reference": Bounds(1.25, 0.2, 1.0, 0.015),
}


@dataclass(frozen=True)
class Answer:
    """What we compute for a case."""

    log_probs: NDArray[np.float64]
    ids: tuple[int, ...]


def answer(model: Model, case: dict[str, Any]) -> Answer:
    assert model.tokenize(case["prompt"]) == case["prompt_ids"]
    logits = model.logits(case["prompt_ids"])[-1].astype(np.float64)
    logits -= logits.max()
    whole = model.generate(case["prompt"], stream=False, temperature=0, num_predict=48)
    return Answer(logits - np.log(np.exp(logits).sum()), whole.tokens)


def faults(
    record: dict[str, Any], kind: str, answers: list[Answer], perplexity: float
) -> list[str]:
    """What is outside the bounds of a record."""
    bounds, differences, found = RECORDS[kind], [], []
    for number, (case, ours) in enumerate(zip(record["cases"], answers, strict=True)):
        want = case[kind]
        differences += [abs(ours.log_probs[token] - value) for token, value in want["top20"]]
        for got, expected, gap in zip(ours.ids, want["ids"], want["gap"], strict=False):
            if gap < bounds.gap:
                break
            if got != expected:
                found.append(f"case {number}: token {got}, expected {expected}")
                break
    if max(differences) > bounds.largest:
        found.append(f"largest difference {max(differences):.4f}")
    if float(np.mean(differences)) > bounds.mean:
        found.append(f"mean difference {np.mean(differences):.4f}")
    if abs(perplexity / record["perplexity"][kind]["ppl"] - 1) > bounds.perplexity:
        found.append(f"perplexity {perplexity:.4f}")
    return found


@pytest.mark.parametrize("file", FILES)
def test_as_recorded(file: str) -> None:
    path = test_model(file)
    models = json.loads(shared("models", "expected.json").read_text())["models"]
    record = next(value for value in models.values() if value["file"] == file)
    with Model(path, num_ctx=2048) as model:
        answers = [answer(model, case) for case in record["cases"]]
        perplexity = model.perplexity(shared("models", "eval_text.txt").read_text(), 256)
    outside = {kind: faults(record, kind, answers, perplexity) for kind in RECORDS}
    assert not all(outside.values()), outside
