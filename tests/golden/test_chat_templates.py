"""Prompts of whole conversations as recorded from Ollama v0.33."""

from __future__ import annotations

from typing import Any

from ollamars.prompts.messages import messages_from_json, tools_from_json
from ollamars.prompts.template import Request
from tests.unit.prompts.recorded import TODAY, check, template_of


def run(given: dict[str, Any]) -> str:
    request = Request(
        messages=messages_from_json(given.get("messages")),
        tools=tools_from_json(given.get("tools")),
        prompt=given.get("prompt", ""),
        suffix=given.get("suffix", ""),
        think=given.get("think"),
    )
    return template_of(given).render(request, today=TODAY)


def test_every_recorded_prompt() -> None:
    check("chat_templates", {"chat_templates": run})
