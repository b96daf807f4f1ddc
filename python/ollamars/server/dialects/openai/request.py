"""From the body of a request to the call that it stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from ollamars.errors import BadRequest, OllamarsError
from ollamars.server.body import read_body
from ollamars.server.context import current_context
from ollamars.server.dialects.openai.errors import CloudRefusal, Untranslatable
from ollamars.server.served import NO_INFERENCE, refuse_cloud_name

EMPTY = "EOF"
"""What an empty body is answered with."""


class _Named(Protocol):
    @property
    def model(self) -> str:
        """The name of a model."""


R = TypeVar("R", bound=_Named)
C = TypeVar("C")


async def read_call(kind: type[R], translate: Callable[[R], C]) -> tuple[R, C]:
    """The body of the current request as a `kind`, and the call that `translate` makes of it.

    Raises `Untranslatable`, `CloudRefusal`, and werkzeug's 413 and 408.
    """
    try:
        request = await read_body(kind, empty=EMPTY, zstd=True)
        refuse_cloud(request.model)
        return request, translate(request)
    except BadRequest as error:
        raise Untranslatable(error.message) from None


def refuse_cloud(wanted: str, what: str = NO_INFERENCE) -> None:
    """Raises `CloudRefusal` for a name that says that the model is in the cloud."""
    try:
        refuse_cloud_name(current_context().config, wanted, what)
    except OllamarsError as error:
        raise CloudRefusal(error.message, status=error.status) from None
