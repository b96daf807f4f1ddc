"""Messages of a request and the blocks that they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeAlias

from ollamars.server.json_reader import Custom, Reader, WrongType, read_object
from ollamars.store.names import fold

PACKAGE = "anthropic"
"""Go's package of these types, which its decoder names in its words."""


@dataclass(frozen=True, slots=True)
class ImageSource:
    """Where an image is; only `base64` can be read."""

    go_package: ClassVar[str] = PACKAGE

    type: str = ""
    media_type: str = ""
    data: str = ""


@dataclass(frozen=True, slots=True)
class ContentBlock:
    """A block; which fields count depends on `type`. None: the request does not have the field."""

    go_package: ClassVar[str] = PACKAGE

    type: str = ""
    text: str | None = None
    source: ImageSource | None = None
    id: str = ""
    name: str = ""
    input: dict[str, Any] | None = None
    tool_use_id: str = ""
    content: Any = None
    is_error: bool = False
    thinking: str | None = None
    signature: str = ""


@dataclass(frozen=True, slots=True)
class MessageParam:
    """A message; content that is text stands for one block of it."""

    role: str = ""
    content: tuple[ContentBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class _RawMessage:
    role: str = ""
    content: Any = None


def read_message(value: Any) -> MessageParam:
    """A message of the request, its content text or blocks. Raises `ValueError`, `WrongType`."""
    if not isinstance(value, dict):
        raise WrongType
    if "content" not in map(fold, value):
        raise ValueError("unexpected end of JSON input")
    reader = Reader()
    raw = read_object(_RawMessage)(reader, value)
    blocks = _blocks(reader, raw.content)
    if reader.fault is not None:
        raise ValueError(reader.fault.message)
    return MessageParam(raw.role, blocks)


def read_block(value: Any) -> ContentBlock:
    """A block that was decoded as plain JSON. Raises `ValueError`."""
    reader = Reader()
    block: ContentBlock = read_object(ContentBlock)(reader, value)
    if reader.fault is not None:
        raise ValueError(reader.fault.message)
    return block


def _blocks(reader: Reader, content: Any) -> tuple[ContentBlock, ...]:
    if content is None:
        return ()
    if isinstance(content, str):
        return (ContentBlock("text", content),)
    if not isinstance(content, list):
        raise ValueError("messages: content must be a string or a list of blocks")
    read = read_object(ContentBlock)
    return tuple(ContentBlock() if each is None else read(reader, each) for each in content)


ReadMessage: TypeAlias = Annotated[MessageParam, Custom(read_message, "anthropic.MessageParam")]
