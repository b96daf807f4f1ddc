"""The architecture zoo through the embedding API: logits and greedy ids as recorded."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ollamars import Model, _core
from tests.support import lines, shared

ARCHITECTURES = ("llama", "mistral3", "qwen2", "qwen3", "gemma3")


def zoo() -> Path:
    path = Path(os.environ.get("OLLAMARS_ZOO", Path.home() / ".cache/zoo"))
    if not path.exists():
        pytest.skip("the zoo's models were not made")
    return path


def floats(text: str) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text), "<f4")


def worst(logits: list[NDArray[np.float32]], case: dict[str, Any], kind: str) -> float:
    """Largest difference from the recorded rows; infinite where there are none."""
    worst = 0.0
    for got, prompt in zip(logits, case["prompts"], strict=True):
        for position, row in (prompt.get(kind) or {"": None}).items():
            if row is None:
                return float("inf")
            worst = max(worst, float(np.abs(got[int(position)] - floats(row)).max()))
    return worst


def check_greedy(model: Model, prompt: dict[str, Any], kind: str, tolerance: float) -> None:
    """The largest logit at each step; what follows a small gap is not compared."""
    ids = list(prompt["tokens"])
    for want, gap in zip(prompt[kind], prompt["gap"], strict=True):
        if gap < 2 * tolerance:
            return
        assert int(model.logits(ids)[-1].argmax()) == want
        ids.append(want)


def test_every_case_of_our_architectures(monkeypatch: pytest.MonkeyPatch) -> None:
    folder, cases = zoo(), shared("zoo", "expected.jsonl.gz")
    monkeypatch.setenv("OLLAMARS_EXEC", "candle")  # its cache is of f32: the closer bounds hold
    checked = 0
    for case in lines(cases):
        if case.get("arch") not in ARCHITECTURES or case["kind"] != "logits":
            continue
        with Model(folder / f"{case['id']}.gguf", num_ctx=256) as model:
            logits = [model.logits(prompt["tokens"]) for prompt in case["prompts"]]
            exact = worst(logits, case, "rows") <= case["tol"]
            assert exact or worst(logits, case, "rows_f32") <= case.get("tol_f32", 0), case["id"]
            kind = "greedy" if exact else "greedy_f32"
            for prompt in case["prompts"]:
                check_greedy(model, prompt, kind, case["tol" if exact else "tol_f32"])
        checked += 1
    assert checked > 60


ENCODERS = (
    "bert",
    "nomic-bert",
    "nomic-bert-moe",
    "jina-bert-v2",
    "modern-bert",
    "gemma-embedding",
    "qwen3",
)


def within(
    case: dict[str, Any], vectors: dict[str, list[NDArray[np.float32]]], key: str, tolerance: float
) -> bool:
    """Is every vector near the recorded one?"""
    recorded = [prompt[key] for prompt in case["prompts"]]
    return all(
        float(np.abs(got - floats(each[kind])).max()) <= tolerance
        for kind, all_got in vectors.items()
        for got, each in zip(all_got, recorded, strict=True)
    )


@pytest.mark.parametrize("executor", ["candle", "cpu"])
def test_every_encoder_and_reranker(executor: str) -> None:
    folder, cases = zoo(), shared("zoo", "expected.jsonl.gz")
    checked = 0
    for case in lines(cases):
        if case.get("arch") not in ENCODERS or case["kind"] != "embedding":
            continue
        engine = _core.Engine(str(folder / f"{case['id']}.gguf"), num_ctx=256, exec=executor)
        tokens = [prompt["tokens"] for prompt in case["prompts"]]
        kind = case.get("default_pooling", "rank")
        vectors = {kind: list((engine.scores if kind == "rank" else engine.embed)(1, tokens))}
        engine.close()
        # The cpu executor keeps the past of a model that generates in halves.
        tolerance = case["tol_f16" if executor == "cpu" else "tol"]
        passes = within(case, vectors, "pooled", tolerance) or (
            "tol_f32" in case and within(case, vectors, "pooled_f32", case["tol_f32"])
        )
        assert passes, case["id"]
        checked += 1
    assert checked > 15
