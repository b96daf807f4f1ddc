"""Server-sent events."""

from __future__ import annotations

from typing import Any

from ollamars.server.dialects.openai.errors import error_body
from ollamars.store import gojson

EVENT_STREAM = "text/event-stream"
DONE = b"data: [DONE]\n\n"
"""Ends a stream of chunks."""


def data_event(value: Any) -> bytes:
    """An event without a name."""
    return b"data: " + gojson.dumps(value) + b"\n\n"


def named_event(value: dict[str, Any]) -> bytes:
    """An event whose name is its `type`."""
    return f"event: {value['type']}\n".encode() + data_event(value)


def error_event(message: str) -> bytes:
    """The last event of a stream that failed."""
    return data_event(error_body(message, 500))
