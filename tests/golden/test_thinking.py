"""What is read out of templates, and thinking in streams, as recorded from Ollama v0.33."""

from __future__ import annotations

from typing import Any

from ollamars.prompts.capabilities import template_capabilities, template_has_tool_round_trip
from ollamars.prompts.thinking import ThinkingParser, ThinkingTags, thinking_tags
from ollamars.prompts.tool_tag import tool_tag
from tests.unit.prompts.recorded import check, template_of


def run_analyze(given: dict[str, Any]) -> dict[str, Any]:
    template = template_of(given)
    return {
        "vars": template.variables,
        "thinking_tags": list(thinking_tags(template)),
        "tool_tag": tool_tag(template),
        "capabilities": template_capabilities(template),
        "tool_round_trip": template_has_tool_round_trip(template),
    }


def run_thinking(given: dict[str, Any]) -> dict[str, Any]:
    tags = ThinkingTags(given["open"], given["close"])
    parser = ThinkingParser(tags, prefilled=given.get("prefilled", False))
    chunks = [list(parser.add(chunk)) for chunk in given["chunks"]]
    return {
        "chunks": chunks,
        "thinking": "".join(thinking for thinking, _ in chunks),
        "content": "".join(content for _, content in chunks),
    }


def test_every_recorded_case() -> None:
    check("thinking", {"analyze": run_analyze, "thinking": run_thinking})
