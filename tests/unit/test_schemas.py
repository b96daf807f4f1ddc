"""What a model says under a schema is valid for it, whatever the model would have said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from ollamars import _core
from tests.running import Running
from tests.schemas import Schemas
from tests.tiny_gguf import random_model

COUNT = 300
MOST_REFUSED = 0.1


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(random_model(tmp_path_factory.mktemp("random") / "random.gguf")) as running:
        yield running


def check(schema: Any, text: str) -> None:
    """Raises where the text is not valid."""
    value = json.loads(text)
    kind = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
    kind(schema, format_checker=kind.FORMAT_CHECKER).validate(value)


def test_300_schemas(model: Running) -> None:
    schemas, refused, cut, wrong = Schemas(1), [], 0, []
    compiled: list[tuple[Any, _core.Grammar]] = []
    while len(compiled) < COUNT:
        schema = schemas.draw()
        try:
            compiled.append((schema, model.engine.grammar("schema", json.dumps(schema))))
        except _core.CoreError as error:
            refused.append((str(error), schema))
    options = [{"grammar": g, "seed": i, "temperature": 1.0} for i, (_, g) in enumerate(compiled)]
    answers = model.answers([("x", option | {"num_predict": 500}) for option in options])
    for (schema, _), answer in zip(compiled, answers, strict=True):
        assert answer.error is None, (answer.error, schema)
        if answer.done == "length":
            cut += 1
            continue
        try:
            check(schema, answer.text)
        except (jsonschema.ValidationError, json.JSONDecodeError) as error:
            wrong.append((schema, answer.text, str(error).splitlines()[0]))
    assert not wrong, wrong[0]
    assert cut < COUNT / 4
    assert len(refused) < MOST_REFUSED * COUNT, refused
