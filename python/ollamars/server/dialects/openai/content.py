"""Pieces of a message: text, images and sound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ollamars.errors import BadRequest
from ollamars.server.fields import read_image

_PREFIXES = (
    "data:;base64,",
    *(f"data:image/{kind};base64," for kind in ("jpeg", "jpg", "png", "webp")),
)
_BAD_FORMAT = "invalid message format"
_BAD_IMAGE = "invalid image input"
_BAD_AUDIO = "invalid input_audio format"


def image_of_url(url: str) -> bytes:
    """The image in a data URL. Raises `BadRequest` for any other URL."""
    if url.startswith(("http://", "https://")):
        raise BadRequest(
            "image URLs are not currently supported, please use base64 encoded data instead"
        )
    prefix = next((each for each in _PREFIXES if url.startswith(each)), None)
    if prefix is None:
        raise BadRequest(_BAD_IMAGE)
    try:
        return read_image(url[len(prefix) :])
    except ValueError:
        raise BadRequest(_BAD_IMAGE) from None


def read_part(part: Any) -> str | bytes:
    """The text of a part of a chat message, or the bytes of its medium. Raises `BadRequest`."""
    kind = part.get("type") if isinstance(part, dict) else None
    read = _PARTS.get(kind) if isinstance(kind, str) else None
    if read is None:
        raise BadRequest(_BAD_FORMAT)
    return read(part)


def _text(part: dict[str, Any]) -> str:
    text = part.get("text")
    if not isinstance(text, str):
        raise BadRequest(_BAD_FORMAT)
    return text


def _image(part: dict[str, Any]) -> bytes:
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else image
    if not isinstance(url, str):
        raise BadRequest(_BAD_FORMAT)
    return image_of_url(url)


def _audio(part: dict[str, Any]) -> bytes:
    audio = part.get("input_audio")
    if not isinstance(audio, dict):
        raise BadRequest(_BAD_AUDIO)
    data = audio.get("data")
    if not isinstance(data, str):
        raise BadRequest(f"{_BAD_AUDIO}: missing data")
    try:
        return read_image(data)
    except ValueError as error:
        raise BadRequest(f"invalid input_audio base64 data: {error}") from None


_PARTS: Mapping[str, Callable[[dict[str, Any]], str | bytes]] = {
    "text": _text,
    "image_url": _image,
    "input_audio": _audio,
}
"""Readers of the kinds of parts."""
