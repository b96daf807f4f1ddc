"""Fields of requests that have a form of their own."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Any, TypeAlias

from ollamars.durations import parse_keep_alive
from ollamars.server.json_reader import Custom, WrongType
from ollamars.store.gotext import quote

_LEVELS = ("high", "medium", "low", "max")
_CHOICES = '"high", "medium", "low", "max", true, or false'
_FOREIGN = re.compile(r"[^A-Za-z0-9+/\r\n]")


def read_think(value: Any) -> bool | str:
    """Whether a model shall think, or how much. Raises `ValueError` with Ollama's text."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise ValueError(f"think must be a boolean or string ({_CHOICES})")
    if value not in _LEVELS:
        raise ValueError(f"invalid think value: {quote(value)} (must be {_CHOICES})")
    return value


def read_image(value: Any) -> bytes:
    """An image in base64 (standard alphabet, padded; line ends do not count).

    Raises `ValueError` with the position of the first byte that is wrong.
    """
    if not isinstance(value, str):
        raise WrongType
    text = value.replace("\r", "").replace("\n", "")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        at = _first_fault(value)
        raise ValueError(f"illegal base64 data at input byte {at}") from None


def _first_fault(text: str) -> int:
    """Where the first foreign character is, or the end of a text that is incomplete."""
    match = _FOREIGN.search(text)
    return match.start() if match else len(text)


KeepAlive: TypeAlias = Annotated[int, Custom(parse_keep_alive)]
"""Nanoseconds; negative values were made `FOREVER`."""
Think: TypeAlias = Annotated[bool | str, Custom(read_think)]
Image: TypeAlias = Annotated[bytes, Custom(read_image, "api.ImageData", b"")]
