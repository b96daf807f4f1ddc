"""From an answer to the object of a message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ollamars.prompts.messages import ToolCall
from ollamars.prompts.parsers import client_arguments
from ollamars.server.dialects.anthropic.tools import WEB_SEARCH
from ollamars.server.inference import Answer

_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens"}


def message(id: str, model: str, answer: Answer, *, searches: bool) -> dict[str, Any]:
    """A whole answer. `searches`: the request asks for the server's own web search."""
    parts = answer.parts
    content: list[dict[str, Any]] = []
    if parts.thinking:
        content.append({"type": "thinking", "thinking": parts.thinking})
    if parts.content:
        content.append({"type": "text", "text": parts.content})
    search = web_search_call(parts.calls) if searches else None
    if search is not None:
        content += search_blocks(id, search)
    else:
        content += map(tool_use, parts.calls)
    reason = "end_turn" if search else stop_reason(answer, has_calls=bool(parts.calls))
    head = message_head(id, model, content or None)
    return head | {"stop_reason": reason, "usage": usage(answer)}


def message_head(id: str, model: str, content: Sequence[dict[str, Any]] | None) -> dict[str, Any]:
    """What a message begins with."""
    return {
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
    }


def tool_use(call: ToolCall) -> dict[str, Any]:
    """The block of a call."""
    name = {"name": call.name} if call.name else {}
    return {"type": "tool_use", "id": call.id, **name, "input": client_arguments(call) or {}}


def web_search_call(calls: Iterable[ToolCall]) -> ToolCall | None:
    """The first call of the server's own search."""
    return next((call for call in calls if call.name == WEB_SEARCH), None)


def search_blocks(message_id: str, call: ToolCall) -> list[dict[str, Any]]:
    """A search that the model asked for, and that it cannot be had: there is no such service."""
    query = call.arguments.get("query")
    asked = query if isinstance(query, str) else ""
    id = "srvtoolu_" + message_id.removeprefix("msg_")
    code = "unavailable" if asked else "invalid_request"
    error = {"type": "web_search_tool_result_error", "error_code": code}
    return [
        {"type": "server_tool_use", "id": id, "name": WEB_SEARCH, "input": {"query": asked}},
        {"type": "web_search_tool_result", "tool_use_id": id, "content": error},
    ]


def stop_reason(answer: Answer, *, has_calls: bool) -> str:
    """Why an answer ended."""
    if has_calls:
        return "tool_use"
    done = answer.last.done if answer.last else None
    return _STOP_REASONS.get(done or "", "stop_sequence")


def usage(answer: Answer) -> dict[str, int]:
    """The tokens of a finished answer."""
    last = answer.last
    return {
        "input_tokens": last.prompt_tokens if last else 0,
        "output_tokens": last.eval_tokens if last else 0,
    }
