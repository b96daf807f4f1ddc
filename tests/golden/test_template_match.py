"""Chat templates that a known Go template stands for, as recorded from Ollama v0.33.

Ollama compares texts; here a template is recognised by what it renders, so texts that were damaged
or that render otherwise are not found. What is found must be what Ollama finds.
"""

from __future__ import annotations

import pytest

from ollamars import _core
from ollamars.errors import OllamarsError
from ollamars.prompts.detect import KNOWN, detect
from tests.support import golden, test_model


def render(template: str, context: str) -> str:
    try:
        return _core.render_jinja(template, context)
    except _core.CoreError as error:
        raise OllamarsError(str(error)) from None


def test_no_match_is_wrong() -> None:
    names = {known.name for known in KNOWN}
    found = 0
    for row in golden("template_match"):
        known = detect(row["in"]["chat_template"], render)
        if known is not None:
            assert known.name == row.get("out"), row["id"]
            assert known.name in names
            found += 1
    assert found > 0


@pytest.mark.parametrize("name", ["SmolLM2-135M-Instruct.Q4_1.gguf"])
def test_models_with_a_plain_conversation(name: str) -> None:
    template = _core.Gguf(str(test_model(name))).get("tokenizer.chat_template")
    known = detect(template, render)
    assert known is not None
    assert known.name == "chatml"
