"""From the blocks of a request to the messages of a prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ollamars.errors import BadRequest
from ollamars.prompts.messages import Message, ToolCall
from ollamars.server.dialects.anthropic.blocks import ContentBlock, ImageSource, MessageParam
from ollamars.server.fields import read_image
from ollamars.store import gojson


def conversation(system: Any, messages: Iterable[MessageParam | None]) -> list[Message]:
    """The messages of a prompt. Raises `BadRequest` for a block that cannot be read.

    What is said in several blocks is one message; results of tools are messages of their own,
    before the rest of a user's message and behind that of others.
    """
    text = _system_text(system)
    converted = [Message("system", text)] if text else []
    for message in messages:
        if message is None:
            raise BadRequest("messages: null is no message")
        converted += _converted(message)
    return _with_tool_names(converted)


def _with_tool_names(messages: Iterable[Message]) -> list[Message]:
    """The messages, with the name of the tool that each result is of, by the id of its call."""
    names: dict[str, str] = {}
    named = []
    for message in messages:
        names |= {call.id: call.name for call in message.tool_calls}
        name = names.get(message.tool_call_id, "") if message.role == "tool" else ""
        named.append(replace(message, tool_name=name) if name else message)
    return named


def _system_text(system: Any) -> str:
    """The text of `system`: as it stands, or that of all its text blocks."""
    if isinstance(system, str):
        return system
    return "".join(_texts(system)) if isinstance(system, list) else ""


def _texts(blocks: Sequence[Any]) -> Iterable[str]:
    for block in blocks:
        if isinstance(block, dict) and block.get("type") == "text":
            text = block.get("text")
            if isinstance(text, str):
                yield text


@dataclass(slots=True)
class _Parts:
    """What the blocks of one message hold."""

    text: list[str] = field(default_factory=list)
    thinking: str = ""
    images: list[bytes] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    results: list[Message] = field(default_factory=list)

    @property
    def says_something(self) -> bool:
        return bool(any(self.text) or self.thinking or self.images or self.calls)


def _converted(message: MessageParam) -> list[Message]:
    role, parts = message.role.lower(), _Parts()
    for block in message.content:
        read = _BLOCKS.get(block.type)
        if read is not None:
            read(parts, block)
    own = [
        Message(
            role,
            "".join(parts.text),
            thinking=parts.thinking,
            images=tuple(parts.images),
            tool_calls=tuple(parts.calls),
        )
    ]
    said = own if parts.says_something else []
    return [*parts.results, *said] if role == "user" else [*said, *parts.results]


def _text(parts: _Parts, block: ContentBlock) -> None:
    parts.text.append(block.text or "")


def _thinking(parts: _Parts, block: ContentBlock) -> None:
    if block.thinking is not None:
        parts.thinking = block.thinking


def _image(parts: _Parts, block: ContentBlock) -> None:
    if block.source is None:
        raise BadRequest("invalid image source")
    parts.images.append(_image_data(block.source))


def _image_data(source: ImageSource) -> bytes:
    if source.type != "base64":
        raise BadRequest(
            f"invalid image source type: {source.type}. Only base64 images are supported."
        )
    try:
        return read_image(source.data)
    except ValueError as error:
        raise BadRequest(f"invalid base64 image data: {error}") from None


def _tool_use(parts: _Parts, block: ContentBlock) -> None:
    for name in ("id", "name"):
        if not getattr(block, name):
            raise BadRequest(f"tool_use block missing required '{name}' field")
    _server_tool_use(parts, block)


def _server_tool_use(parts: _Parts, block: ContentBlock) -> None:
    parts.calls.append(ToolCall(block.name, block.input or {}, id=block.id))


def _tool_result(parts: _Parts, block: ContentBlock) -> None:
    text, images = _result_content(block.content)
    parts.results.append(Message("tool", text, images=images, tool_call_id=block.tool_use_id))


def _result_content(content: Any) -> tuple[str, tuple[bytes, ...]]:
    """Text and images of what a tool answered."""
    if isinstance(content, str):
        return content, ()
    if not isinstance(content, list):
        return "", ()
    images = [
        _image_data(_result_source(block.get("source")))
        for block in content
        if isinstance(block, dict) and block.get("type") == "image"
    ]
    return "".join(_texts(content)), tuple(images)


def _result_source(source: Any) -> ImageSource:
    if not isinstance(source, dict):
        raise BadRequest("invalid tool_result image source")
    names = ("type", "media_type", "data")
    values = {name: source[name] for name in names if isinstance(source.get(name), str)}
    return ImageSource(**values)


_SEARCH_FAILED = "web_search_tool_result_error"


def _web_search_result(parts: _Parts, block: ContentBlock) -> None:
    content = _search_text(block.content)
    parts.results.append(Message("tool", content, tool_call_id=block.tool_use_id))


def _search_text(content: Any) -> str:
    """What a search found: a line with title and address for each page, or why it failed."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict) and content.get("type") == _SEARCH_FAILED:
        content = [content]
    if not isinstance(content, list):
        return gojson.dumps(content, sort_keys=True).decode()
    items = [item for item in content if isinstance(item, dict)]
    failed = next((item for item in items if item.get("type") == _SEARCH_FAILED), None)
    if failed is not None:
        code = failed.get("error_code")
        return f"{_SEARCH_FAILED}: {code}" if isinstance(code, str) and code else _SEARCH_FAILED
    found = [item for item in items if item.get("type") == "web_search_result"]
    return "".join(f"- {_string(item, 'title')}: {_string(item, 'url')}\n" for item in found)


def _string(item: dict[str, Any], name: str) -> str:
    value = item.get(name)
    return value if isinstance(value, str) else ""


_BLOCKS: dict[str, Callable[[_Parts, ContentBlock], None]] = {
    "text": _text,
    "thinking": _thinking,
    "image": _image,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "server_tool_use": _server_tool_use,
    "web_search_tool_result": _web_search_result,
}
"""What each type of block adds to its message; others are left out."""
