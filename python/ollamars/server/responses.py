"""Answers with Ollama's bytes."""

from __future__ import annotations

from typing import Any

from quart import Response

from ollamars.store import gojson

JSON = "application/json; charset=utf-8"
PLAIN_JSON = "application/json"
"""What a stream's only answer has when it is an error or was not to be streamed."""
NDJSON = "application/x-ndjson"
EVENT_STREAM = "text/event-stream"


def respond(data: bytes | str, status: int = 200, content_type: str | None = None) -> Response:
    """An answer with just this content type, or with none."""
    response = Response(data, status=status, content_type=content_type or "-")
    if content_type is None:
        del response.headers["Content-Type"]
    return response


def json_response(value: Any, status: int = 200, *, content_type: str = JSON) -> Response:
    """A JSON answer as Go encodes it, keys in the order of `value`."""
    return respond(gojson.dumps(value), status, content_type)


def error_response(message: str, status: int, *, content_type: str = JSON) -> Response:
    """The envelope of an error: `{"error": "..."}`."""
    return json_response({"error": message}, status, content_type=content_type)


def ndjson_line(value: Any) -> bytes:
    """One line of a stream."""
    return gojson.dumps(value) + b"\n"


def error_line(message: str) -> bytes:
    """The last line of a stream that failed."""
    return ndjson_line({"error": message})
