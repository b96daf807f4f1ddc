"""The response object of `/v1/responses` and the items of its output."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from ollamars.prompts.messages import ToolCall
from ollamars.prompts.parsers import arguments_json
from ollamars.server.dialects.openai.responses_request import (
    ResponsesRequest,
    ResponsesTextFormat,
    ResponsesTool,
)
from ollamars.server.inference import Answer

Item = dict[str, Any]
"""An item of an output."""


class ResponseObject:
    """Response objects of one request, in its different states."""

    def __init__(self, request: ResponsesRequest, id: str, created: int) -> None:
        """`created` is in seconds since 1970.

        Objects in a stream differ in small things: what a namespace of tools holds is not there,
        and a half of `reasoning` that was not set is null.
        """
        self._request = request
        self.id = id
        self._created = created

    def at(
        self,
        status: str,
        output: Sequence[Item] | None = (),
        *,
        completed: int | None = None,
        usage: dict[str, Any] | None = None,
        error: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """The object in a state; `completed` is in seconds since 1970."""
        request = self._request
        return {
            "id": self.id,
            "object": "response",
            "created_at": self._created,
            "completed_at": completed,
            "status": status,
            "incomplete_details": None,
            "model": request.model,
            "previous_response_id": None,
            "instructions": request.instructions or None,
            "output": output if output is None else list(output),
            "error": error,
            "tools": [_tool(tool, nested=not request.stream) for tool in request.tools or ()],
            "tool_choice": "auto",
            "truncation": "disabled" if request.truncation is None else request.truncation,
            "parallel_tool_calls": True,
            "text": {"format": _format(request.format)},
            "top_p": 1.0 if request.top_p is None else request.top_p,
            "presence_penalty": 0,
            "frequency_penalty": 0,
            "top_logprobs": 0,
            "temperature": 1.0 if request.temperature is None else request.temperature,
            "reasoning": _reasoning(request),
            "usage": usage,
            "max_output_tokens": request.max_output_tokens,
            "max_tool_calls": None,
            "store": False,
            "background": request.background,
            "service_tier": "default",
            "metadata": {},
            "safety_identifier": None,
            "prompt_cache_key": None,
        }


def _tool(tool: ResponsesTool, *, nested: bool) -> dict[str, Any]:
    """A tool as the request has it; `nested`: with the tools that it holds."""
    shown: dict[str, Any] = {
        "type": tool.type,
        "name": tool.name,
        "description": tool.description,
        "strict": tool.strict,
        "parameters": tool.parameters,
    }
    if nested and tool.tools:
        shown["tools"] = [_tool(each, nested=True) for each in tool.tools]
    return shown


def _format(format: ResponsesTextFormat) -> dict[str, Any]:
    shown: dict[str, Any] = {"type": format.type}
    if format.name:
        shown["name"] = format.name
    if format.schema is not None:
        shown["schema"] = json.loads(format.schema)
    if format.strict is not None:
        shown["strict"] = format.strict
    return shown


def _reasoning(request: ResponsesRequest) -> dict[str, Any] | None:
    chosen = {"effort": request.reasoning.effort, "summary": request.reasoning.summary}
    if not any(chosen.values()):
        return None
    return {name: value or None for name, value in chosen.items() if value or request.stream}


def usage_of(answer: Answer) -> dict[str, Any]:
    """Counts of tokens of a finished answer."""
    prompt, made = (answer.last.prompt_tokens, answer.last.eval_tokens) if answer.last else (0, 0)
    return {
        "input_tokens": prompt,
        "output_tokens": made,
        "total_tokens": prompt + made,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }


def reasoning_item(id: str, text: str) -> Item:
    """What the model thought."""
    return {
        "id": id,
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": text}],
        "encrypted_content": text,
    }


def text_part(text: str) -> dict[str, Any]:
    """The content of a message."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def message_item(id: str, status: str, content: Iterable[dict[str, Any]]) -> Item:
    """What the model said."""
    return {
        "id": id,
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": list(content),
    }


def call_item(id: str, status: str, call: ToolCall, arguments: str) -> Item:
    """A call of a tool."""
    return {
        "id": id,
        "type": "function_call",
        "status": status,
        "call_id": call.id,
        "name": call.name,
        "arguments": arguments,
    }


def output_of(answer: Answer, id: str, message_id: str) -> list[Item]:
    """The output of a whole answer: thinking, text, calls. Without calls there is always text."""
    parts = answer.parts
    output = []
    if parts.thinking:
        output.append(reasoning_item(f"rs_{id}", parts.thinking))
    if parts.content or not parts.calls:
        output.append(message_item(message_id, "completed", [text_part(parts.content)]))
    return output + [
        call_item(f"fc_{id}_{number}", "completed", call, arguments_json(call))
        for number, call in enumerate(parts.calls)
    ]
