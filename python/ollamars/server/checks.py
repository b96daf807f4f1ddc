"""Checks that the requests for text have in common, in Ollama's words."""

from __future__ import annotations

import json

from ollamars.described import DescribedModel
from ollamars.errors import BadRequest, OllamarsError

MAX_TOP_LOGPROBS = 20


def check_top_logprobs(count: int) -> None:
    """Raises `BadRequest`."""
    if not 0 <= count <= MAX_TOP_LOGPROBS:
        raise BadRequest(f"top_logprobs must be between 0 and {MAX_TOP_LOGPROBS}")


def check_completion(served: DescribedModel, wanted: str, action: str) -> None:
    """Can the model make text? Raises `BadRequest`."""
    if not served.can("completion"):
        raise BadRequest(f'"{wanted}" does not support {action}')


def check_capability(served: DescribedModel, capability: str) -> None:
    """Raises `BadRequest` with the model's full name."""
    missing = served.missing(capability)
    if missing:
        raise BadRequest(f"{served.stored.name} {missing}")


def check_format(format: str | None) -> None:
    """Is the text of the field `format` none, `"json"` or an object? Raises `OllamarsError`."""
    if format is None or format in ("null", '""', '"json"') or format.startswith("{"):
        return
    quoted = json.dumps(format, ensure_ascii=False)
    raise OllamarsError(
        f'invalid format: {quoted}; expected "json" or a valid JSON Schema object', status=500
    )
