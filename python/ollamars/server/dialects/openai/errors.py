"""Errors in OpenAI's envelope, and blueprints that answer with it."""

from __future__ import annotations

import logging
from typing import Any

from quart import Blueprint, Response
from werkzeug.exceptions import HTTPException

from ollamars.errors import BadRequest, OllamarsError
from ollamars.server.responses import JSON, PLAIN_JSON, error_response, json_response

_log = logging.getLogger(__name__)

_TYPES = {400: "invalid_request_error", 404: "not_found_error"}
"""The `type` of an error by its status."""
INTERNAL = "internal server error"


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
    blueprint.register_error_handler(OllamarsError, _known_error)
    blueprint.register_error_handler(HTTPException, _http_error)
    blueprint.register_error_handler(Exception, _unexpected_error)
    return blueprint


async def _known_error(error: OllamarsError) -> Response:
    return error_answer(error)


async def _http_error(error: HTTPException) -> Response:
    message = (error.description or error.name).lower()
    return error_answer(OllamarsError(message, status=error.code))


async def _unexpected_error(error: Exception) -> Response:
    _log.exception("request failed", exc_info=error)
    return error_answer(OllamarsError(INTERNAL))
