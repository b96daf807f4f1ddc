"""From a request to our call."""

from __future__ import annotations

from typing import Any

from ollamars.errors import BadRequest
from ollamars.prompts.messages import Think
from ollamars.server.calls import ChatCall
from ollamars.server.dialects.anthropic.conversation import conversation
from ollamars.server.dialects.anthropic.request import MessagesRequest
from ollamars.server.dialects.anthropic.tools import converted_tools

_THINKING = {"enabled": True, "disabled": False}
_EFFORTS = {"low": "low", "medium": "medium", "high": "high", "max": "max", "xhigh": "high"}


def chat_call(request: MessagesRequest) -> ChatCall:
    """What is asked for. Raises `BadRequest` in Ollama's order."""
    if not request.model:
        raise BadRequest("model is required")
    if request.max_tokens <= 0:
        raise BadRequest("max_tokens is required and must be positive")
    return _call(request, _options(request))


def counting_call(request: MessagesRequest) -> ChatCall:
    """The call whose prompt is to be counted, whole. Raises `BadRequest`."""
    if not request.model:
        raise BadRequest("model is required")
    return _call(request, {}, truncate=False)


def _call(request: MessagesRequest, options: dict[str, Any], *, truncate: bool = True) -> ChatCall:
    if not request.messages:
        raise BadRequest("messages is required")
    return ChatCall(
        model=request.model,
        messages=conversation(request.system, request.messages),
        tools=converted_tools(request.tools),
        options=options,
        think=_think(request),
        think_if_possible=True,
        truncate=truncate,
    )


def _options(request: MessagesRequest) -> dict[str, Any]:
    """The options under our names; those that the request does not set are the model's."""
    asked = {
        "num_predict": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "stop": request.stop_sequences or None,
    }
    return {name: value for name, value in asked.items() if value is not None}


def _think(request: MessagesRequest) -> Think:
    think = _THINKING.get(request.thinking.type) if request.thinking else None
    if think is None and request.output_config:
        return _EFFORTS.get(request.output_config.effort.strip().lower())
    return think
