"""Real small models through the embedding API, against what llama.cpp computes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from ollamars import Model
from tests.support import shared, test_model

FILES = ("SmolLM2-135M-Instruct.Q4_1.gguf", "gemma-3-270m-q4_k_m.gguf")
TOP, MEAN, GAP, PERPLEXITY = 0.05, 0.01, 0.1, 0.001
"""Bounds of the record for float32 activations."""


def recorded(file: str) -> dict[str, Any]:
    models = json.loads(shared("models", "expected.json").read_text())["models"]
    found: dict[str, Any] = next(value for value in models.values() if value["file"] == file)
    return found


@pytest.mark.parametrize("file", FILES)
def test_as_recorded(file: str) -> None:
    path, record = test_model(file), recorded(file)
    differences: list[float] = []
    with Model(path, num_ctx=2048) as model:
        for case in record["cases"]:
            exact = case["exact"]
            assert model.tokenize(case["prompt"]) == case["prompt_ids"]
            logits = model.logits(case["prompt_ids"])[-1].astype(np.float64)
            log_probs = logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max()
            differences += [abs(log_probs[token] - value) for token, value in exact["top20"]]
            answer = model.generate(
                case["prompt"], stream=False, temperature=0, num_predict=len(exact["ids"])
            )
            for got, want, gap in zip(answer.tokens, exact["ids"], exact["gap"], strict=False):
                if gap < GAP:
                    break
                assert got == want
        text = shared("models", "eval_text.txt").read_text()
        perplexity = model.perplexity(text, 256)
    assert max(differences) <= TOP
    assert float(np.mean(differences)) <= MEAN
    assert abs(perplexity / record["perplexity"]["exact"]["ppl"] - 1) <= PERPLEXITY
