"""What a model says under a schema is valid for it, whatever the model would have said."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ollamars import _core
from tests.running import Running
from tests.schemas import Schemas
from tests.support import test_model
from tests.tiny_gguf import random_model

MOST_REFUSED = 0.1
"""Some of the schemas that are drawn cannot be met."""


@dataclass
class Outcome:
    """What came of some schemas."""

    refused: list[tuple[str, Any]] = field(default_factory=list)
    """Errors, and the schemas that they are about."""
    cut: int = 0
    """Answers that reached their limit of tokens."""
    wrong: list[tuple[str, Any, str]] = field(default_factory=list)
    """Why an answer is not valid, its schema, and its text."""


def check(schema: Any, text: str) -> None:
    """Raises where the text is not valid."""
    value = json.loads(text)
    kind = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
    kind(schema, format_checker=kind.FORMAT_CHECKER).validate(value)


def outcome(model: Running, count: int, seed: int, **options: Any) -> Outcome:
    """Let a model answer under `count` schemas."""
    schemas, found = Schemas(seed), Outcome()
    compiled: list[tuple[Any, _core.Grammar]] = []
    while len(compiled) < count:
        schema = schemas.draw()
        try:
            compiled.append((schema, model.engine.grammar("schema", json.dumps(schema))))
        except _core.CoreError as error:
            found.refused.append((str(error), schema))
    requests = [
        ("x", {"grammar": grammar, "seed": number, **options})
        for number, (_, grammar) in enumerate(compiled)
    ]
    for (schema, _), answer in zip(compiled, model.answers(requests), strict=True):
        assert answer.error is None, (answer.error, schema)
        if answer.done == "length":
            found.cut += 1
            continue
        try:
            assert answer.text == answer.text.strip()
            check(schema, answer.text)
        except (AssertionError, jsonschema.ValidationError, json.JSONDecodeError) as error:
            found.wrong.append((str(error).splitlines()[0], schema, answer.text))
    assert not found.wrong, found.wrong[0]
    assert len(found.refused) < MOST_REFUSED * count, found.refused
    return found


def test_300_schemas(tmp_path: Path) -> None:
    with Running(random_model(tmp_path / "random.gguf")) as model:
        found = outcome(model, 300, 1, temperature=1.0, num_predict=500)
    assert found.cut < 75
    assert all(error.startswith("format: #") for error, _ in found.refused)


@pytest.mark.parametrize(
    "name", ["SmolLM2-135M-Instruct.Q4_1.gguf", "gemma-3-270m-q4_k_m.gguf"], ids=["bpe", "spm"]
)
def test_real_vocabularies(name: str) -> None:
    with Running(test_model(name), parallel=8, num_ctx=512) as model:
        found = outcome(model, 24, 2, temperature=1.5, top_k=0, num_predict=150)
    assert found.cut < 20
