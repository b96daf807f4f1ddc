"""Server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from quart import Response

from ollamars.server.dialects.openai.errors import error_answer, error_body
from ollamars.server.inference import Answer
from ollamars.server.responses import EVENT_STREAM
from ollamars.server.streaming import stream_lines
from ollamars.store import gojson

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


async def stream_events(
    pieces: AsyncIterator[list[Answer]],
    events: Callable[[Answer], bytes],
    *,
    last_error: Callable[[str], bytes] = error_event,
) -> Response:
    """An answer as events; what fails before the first one is an answer of its own."""
    return await stream_lines(
        pieces,
        events,
        content_type=EVENT_STREAM,
        first_error=error_answer,
        last_error=last_error,
    )
