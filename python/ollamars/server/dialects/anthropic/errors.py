"""Errors in Anthropic's envelope, and blueprints that answer with it."""

from __future__ import annotations

import secrets
from typing import Any

from quart import Blueprint, Response

from ollamars.errors import OllamarsError
from ollamars.server.dialects.anthropic.events import event_line
from ollamars.server.failures import answer_failures
from ollamars.server.responses import JSON, json_response

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    529: "overloaded_error",
}
"""The `type` of an error by its status; any other is an `api_error`."""


def new_id(prefix: str) -> str:
    """An id for a message (`msg`) or a request (`req`)."""
    return f"{prefix}_{secrets.token_hex(12)}"


def error_body(message: str, status: int) -> dict[str, Any]:
    """The envelope of an error."""
    kind = _TYPES.get(status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": message}}


def error_answer(error: OllamarsError, *, content_type: str = JSON) -> Response:
    """The answer to a request that fails before anything was sent."""
    body = error_body(error.message, error.status) | {"request_id": new_id("req")}
    return json_response(body, error.status, content_type=content_type)


def error_event(message: str) -> bytes:
    """The last event of a stream that failed."""
    return event_line(error_body(message, 500))


def messages_blueprint(name: str, import_name: str) -> Blueprint:
    """A blueprint whose errors have Anthropic's envelope."""
    blueprint = Blueprint(f"anthropic_{name}", import_name)
    answer_failures(blueprint, error_answer)
    return blueprint
