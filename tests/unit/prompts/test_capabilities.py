"""What a model can do, and which template is used."""

from __future__ import annotations

from typing import Any

import pytest

from ollamars.prompts.capabilities import (
    ModelFacts,
    capabilities,
    missing_capabilities,
    prompt_choice,
)
from ollamars.prompts.template import ChatTemplate

GGUF: dict[str, Any] = {"general.architecture": "llama"}
JINJA = {**GGUF, "tokenizer.chat_template": "{% if tools %}<think></think>{% endif %}"}
PLAIN = ChatTemplate.parse("{{ .Prompt }}")
TOOLS = ChatTemplate.parse("{{ .Tools }}{{ range .Messages }}{{ end }}{{ .Suffix }}")


@pytest.mark.parametrize(
    ("facts", "source", "mode", "found"),
    [
        (ModelFacts(gguf=GGUF), "none", "native", ["completion"]),
        (
            ModelFacts(gguf=GGUF, template=TOOLS),
            "go_template",
            "rendered",
            ["completion", "tools", "insert"],
        ),
        (
            ModelFacts(gguf=JINJA),
            "gguf_chat_template",
            "native",
            ["tools", "thinking", "completion"],
        ),
        (
            ModelFacts(gguf=JINJA, template=PLAIN),
            "gguf_chat_template",
            "native",
            ["tools", "thinking", "completion"],
        ),
        (
            ModelFacts(gguf=JINJA, template=PLAIN, go_template=True),
            "go_template",
            "rendered",
            ["completion"],
        ),
        (
            ModelFacts(gguf=GGUF, template=TOOLS, go_template=False),
            "none",
            "native",
            ["completion"],
        ),
        (
            ModelFacts(gguf=GGUF, parser="qwen3-thinking"),
            "parser",
            "rendered",
            ["completion", "tools", "thinking"],
        ),
        (ModelFacts(gguf={**GGUF, "llama.pooling_type": 1}), "none", "native", ["embedding"]),
        (
            ModelFacts(gguf=GGUF, projector={"clip.has_audio_encoder": True}),
            "none",
            "native",
            ["completion", "vision", "audio"],
        ),
    ],
)
def test_models(facts: ModelFacts, source: str, mode: str, found: list[str]) -> None:
    choice = prompt_choice(facts)
    assert (choice.source, choice.mode) == (source, mode)
    assert capabilities(facts) == found


def test_what_is_missing() -> None:
    facts = ModelFacts(name="deepseek-r1:7b", gguf=GGUF)
    assert missing_capabilities(facts, ["completion"]) is None
    assert missing_capabilities(facts, ["tools", "image"]) == (
        "does not support tools\nimage generation"
    )
    assert "Pull the model again" in (missing_capabilities(facts, ["thinking"]) or "")
    assert missing_capabilities(facts, ["x"]) == "unknown capability: x"
