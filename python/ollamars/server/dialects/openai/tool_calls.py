"""Calls of tools: those of former answers, and those that the model makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ollamars.prompts.messages import ToolCall
from ollamars.prompts.parsers import arguments_json
from ollamars.store.gosyntax import SyntaxFault, only_value


def read_arguments(text: str) -> Mapping[str, Any]:
    """The arguments of a call. Raises `SyntaxFault` for a text that is not one JSON object."""
    value = only_value(text.encode("utf-8", "replace"))
    if value is not None and not isinstance(value, dict):
        raise SyntaxFault("arguments must be a JSON object")
    return value or {}


def tool_calls_json(calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
    """The calls of an answer."""
    return [
        {
            "id": call.id,
            "index": call.index,
            "type": "function",
            "function": {"name": call.name, "arguments": arguments_json(call)},
        }
        for call in calls
    ]
