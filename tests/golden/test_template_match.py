"""Chat templates of real models that a known Go template stands for."""

from __future__ import annotations

import pytest

from ollamars import _core
from ollamars.prompts.detect import detect
from tests.golden.prompts import render_jinja
from tests.support import test_model


@pytest.mark.parametrize("name", ["SmolLM2-135M-Instruct.Q4_1.gguf"])
def test_models_with_a_plain_conversation(name: str) -> None:
    template = _core.Gguf(str(test_model(name))).get("tokenizer.chat_template")
    known = detect(template, render_jinja)
    assert known is not None
    assert known.name == "chatml"
