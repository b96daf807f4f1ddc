"""Parts of an answer as Ollama's API writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ollamars.prompts.messages import ToolCall
from ollamars.prompts.parsers import client_arguments
from ollamars.server.token_text import TokenProbability


def tool_call_json(call: ToolCall) -> dict[str, Any]:
    """A call of a tool."""
    function = {"index": call.index, "name": call.name, "arguments": client_arguments(call)}
    return {"id": call.id, "function": function}


def logprobs_json(tokens: Sequence[TokenProbability], *, top: bool) -> list[dict[str, Any]]:
    """Tokens with their log-probabilities; `top`: and the likeliest ones of each step."""
    return [
        _token_json(token) | ({"top_logprobs": list(map(_token_json, token.top))} if top else {})
        for token in tokens
    ]


def _token_json(token: TokenProbability) -> dict[str, Any]:
    values = {"token": token.text.decode("utf-8", "replace"), "logprob": token.logprob}
    return values | ({"bytes": list(token.text)} if token.text else {})
