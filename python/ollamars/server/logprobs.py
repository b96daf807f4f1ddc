"""Log-probabilities of an answer's tokens as Ollama's and OpenAI's APIs write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ollamars.runtime.token_text import TokenProbability


def logprobs_json(tokens: Sequence[TokenProbability], *, top: bool) -> list[dict[str, Any]]:
    """Tokens with their log-probabilities; `top`: and the likeliest ones of each step."""
    return [
        _token_json(token) | ({"top_logprobs": list(map(_token_json, token.top))} if top else {})
        for token in tokens
    ]


def _token_json(token: TokenProbability) -> dict[str, Any]:
    values = {"token": token.text.decode("utf-8", "replace"), "logprob": token.logprob}
    return values | ({"bytes": list(token.text)} if token.text else {})
