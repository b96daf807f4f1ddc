"""What a request that fails is answered, in the envelope of its API."""

from __future__ import annotations

import logging
from collections.abc import Callable

from quart import Blueprint, Quart, Response
from werkzeug.exceptions import HTTPException

from ollamars.errors import OllamarsError

INTERNAL = "internal server error"
"""All that a client learns of a fault of ours; the log has the rest."""

_log = logging.getLogger(__name__)


def answer_failures(routes: Quart | Blueprint, answer: Callable[[OllamarsError], Response]) -> None:
    """Let `answer` write what is raised in `routes`, whatever it is."""

    async def known(error: OllamarsError) -> Response:
        return answer(error)

    async def http(error: HTTPException) -> Response:
        message = (error.description or error.name).lower()
        return answer(OllamarsError(message, status=error.code))

    async def unexpected(error: Exception) -> Response:
        _log.exception("request failed", exc_info=error)
        return answer(OllamarsError(INTERNAL))

    routes.register_error_handler(OllamarsError, known)
    routes.register_error_handler(HTTPException, http)
    routes.register_error_handler(Exception, unexpected)
