"""Tool calls in streams as recorded from Ollama v0.33."""

from __future__ import annotations

from typing import Any

from ollamars.prompts.messages import ToolCall
from ollamars.prompts.tool_tag import tool_tag
from ollamars.prompts.tools import ToolParser
from tests.unit.prompts.recorded import check, template_of


def plain(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": dict(call.arguments), "index": call.index}
    return {"function": function}


def run(given: dict[str, Any]) -> dict[str, Any]:
    tag = given["tag"] if "tag" in given else tool_tag(template_of(given))
    parser = ToolParser(tag, [tool["function"]["name"] for tool in given["tools"]])
    chunks = [parser.add(chunk) for chunk in given["chunks"]]
    return {
        "tag": tag,
        "chunks": [{"calls": list(map(plain, calls)), "content": text} for calls, text in chunks],
        "calls": [plain(call) for calls, _ in chunks for call in calls],
        "content": "".join(text for _, text in chunks),
        "rest": parser.finish(),
    }


def test_every_recorded_stream() -> None:
    check("tools", {"tools": run})
