"""Truncation, tags of media and old thinking as recorded from Ollama v0.33."""

from __future__ import annotations

import base64
import re
from typing import Any

from ollamars.prompts.chat import chat_prompt, template_renderer
from ollamars.prompts.messages import messages_from_json, tools_from_json
from ollamars.prompts.text import WHITE_SPACE
from ollamars.prompts.thinking import without_old_thinking
from tests.unit.prompts.recorded import TODAY, check, template_of

WORD = re.compile(f"[^{WHITE_SPACE}]+")


def run_prompt(given: dict[str, Any]) -> dict[str, Any]:
    prompt = chat_prompt(
        messages_from_json(given["messages"]),
        template_renderer(
            template_of(given),
            today=TODAY,
            tools=tools_from_json(given.get("tools")),
            think=given.get("think"),
        ),
        num_ctx=given["num_ctx"],
        count_tokens=lambda text: len(WORD.findall(text)),
        truncate=given["truncate"],
        has_projector=given.get("projector", False),
        families=given.get("families") or (),
    )
    media = [
        {"id": item.id, "kind": item.kind, "data": base64.b64encode(item.data).decode()}
        for item in prompt.media
    ]
    return {"prompt": prompt.text, "media": media}


def run_filter(given: dict[str, Any]) -> list[dict[str, Any]]:
    messages = messages_from_json(given["messages"])
    kept = without_old_thinking(messages, given["family"], given["name"])
    return [
        {**sent, "role": message.role, "content": message.content}
        for sent, message in zip(given["messages"], kept, strict=True)
    ]


def test_every_recorded_prompt() -> None:
    check("chat_prompt", {"chat_prompt": run_prompt, "filter_think": run_filter})
