"""Parts of an answer as Ollama's API writes them."""

from __future__ import annotations

from typing import Any

from ollamars.prompts.messages import ToolCall
from ollamars.prompts.parsers import client_arguments


def tool_call_json(call: ToolCall) -> dict[str, Any]:
    """A call of a tool."""
    function = {"index": call.index, "name": call.name, "arguments": client_arguments(call)}
    return {"id": call.id, "function": function}
