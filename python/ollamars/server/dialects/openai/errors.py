"""Errors in OpenAI's envelope, and blueprints that answer with it."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response

from ollamars.errors import BadRequest, OllamarsError
from ollamars.server.failures import answer_failures
from ollamars.server.responses import JSON, PLAIN_JSON, error_response, json_response

_TYPES = {400: "invalid_request_error", 404: "not_found_error"}
"""The `type` of an error by its status."""


class Untranslatable(BadRequest):
    """A body that stands for no call, which is found before any model is looked for."""


class CloudRefusal(OllamarsError):
    """A model whose name says that it is in the cloud; told in Ollama's own envelope, as there."""


def error_body(message: str, status: int) -> dict[str, Any]:
    """The envelope of an error."""
    kind = _TYPES.get(status, "api_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def error_answer(error: OllamarsError) -> Response:
    """The answer to a request that fails before anything was sent."""
    if isinstance(error, CloudRefusal):
        return error_response(error.message, error.status)
    content_type = JSON if isinstance(error, Untranslatable) else PLAIN_JSON
    return json_response(
        error_body(error.message, error.status), error.status, content_type=content_type
    )


def v1_blueprint(name: str, import_name: str) -> Blueprint:
    """A blueprint whose errors have OpenAI's envelope."""
    blueprint = Blueprint(f"openai_{name}", import_name)
    answer_failures(blueprint, error_answer)
    return blueprint
