"""all-MiniLM-L6-v2: vectors and tokens as recorded, on every executor."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ollamars import Model, _core
from tests.minilm import write_minilm
from tests.support import lines, shared, test_model

LEAST_COSINE, MOST_DIFFERENT = 0.9999, 0.002


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = test_model("all-MiniLM-L6-v2")
    return write_minilm(folder, tmp_path_factory.mktemp("minilm") / "minilm.gguf")


@pytest.mark.parametrize("executor", ["candle", "cpu"])
def test_vectors(gguf: Path, executor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMARS_EXEC", executor)
    cases = json.loads(shared("models", "minilm_embeddings.json").read_text())["cases"]
    wanted = np.array([np.frombuffer(base64.b64decode(case["vector"]), "<f4") for case in cases])
    with Model(gguf) as model:
        for case in cases:
            assert model.tokenize(case["text"], special=False) == case["ids"]
        vectors = model.embed([case["text"] for case in cases])
    assert (vectors * wanted).sum(axis=1).min() >= LEAST_COSINE
    assert np.abs(vectors - wanted).max() <= MOST_DIFFERENT


def differences(tokenizer: _core.Tokenizer, case: dict[str, Any]) -> Iterator[str]:
    """What of a recorded text comes out differently; what is absent follows from the rest."""
    text, ids = case["text"], case["ids"]
    parsed = case.get("ids_parsed", ids)
    detok_parsed = case.get("detok_parsed", text)
    wanted = {
        "ids": ids,
        "ids_parsed": parsed,
        "detok": case.get("detok", text).encode(),
        "detok_parsed": detok_parsed.encode(),
        "pieces": case.get("pieces", detok_parsed).encode(),
    }
    found = {
        "ids": tokenizer.encode(text),
        "ids_parsed": tokenizer.encode(text, special=True),
        "detok": tokenizer.detokenize(ids),
        "detok_parsed": tokenizer.detokenize(parsed),
        "pieces": tokenizer.pieces(parsed),
    }
    yield from (name for name in wanted if wanted[name] != found[name])


def test_tokens(gguf: Path) -> None:
    tokenizer = _core.Tokenizer(str(gguf))
    head, *cases = lines(shared("tokenizers", "minilm.jsonl.gz"))
    assert tokenizer.kind == head["type"]
    assert tokenizer.eog == head["eog"]
    assert {name: tokenizer.special_ids[name] for name in ("bos", "eos", "sep", "nl", "mask")} == {
        name: head[name] for name in ("bos", "eos", "sep", "nl", "mask")
    }
    checked = [case for case in cases if "text" in case and isinstance(case["ids"], list)]
    wrong = {case["i"]: list(differences(tokenizer, case)) for case in checked}
    assert not {index: names for index, names in wrong.items() if names}
    assert len(checked) > 500
