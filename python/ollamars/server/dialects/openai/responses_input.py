"""The `input` of `/v1/responses`: a text, or the items of a conversation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from ollamars.server.json_reader import Custom, json_word
from ollamars.store.gotext import quote
from ollamars.store.names import fold


@dataclass(frozen=True, slots=True)
class TextContent:
    """Text of a message, or of an output of a tool."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class ImageContent:
    """An image; only those with a URL count."""

    url: str = ""


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file, which cannot be read here."""


Content: TypeAlias = TextContent | ImageContent | FileContent


@dataclass(frozen=True, slots=True)
class MessageItem:
    """A message."""

    role: str = ""
    content: tuple[Content, ...] = ()


@dataclass(frozen=True, slots=True)
class CallItem:
    """A call that a former answer made; the arguments are JSON text."""

    call_id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class OutputItem:
    """What a tool answered to a call."""

    call_id: str = ""
    output: tuple[Content, ...] = ()


@dataclass(frozen=True, slots=True)
class ReasoningItem:
    """What a former answer thought."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class SearchItem:
    """A search that a former answer made; the message behind it tells what it found."""


Item: TypeAlias = MessageItem | CallItem | OutputItem | ReasoningItem | SearchItem


def read_input(value: Any) -> str | list[Item]:
    """A text, or the items of a list. Raises `ValueError` with Ollama's text."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise ValueError(f"input must be a string or array: {_wrong(value, _LIST)}")
    return [_located(_item, item, "input", number) for number, item in enumerate(value)]


Input: TypeAlias = Annotated[str | list[Item], Custom(read_input, "openai.ResponsesInput", "")]

_LIST = "[]json.RawMessage"


def _wrong(found: Any, go_type: str) -> str:
    return f"json: cannot unmarshal {json_word(found)} into Go value of type {go_type}"


def _located(read: Callable[[Any], Any], value: Any, where: str, number: int) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise ValueError(f"{where}[{number}]: {error}") from None


def _member(data: Mapping[str, Any], name: str) -> str:
    """A member that must be a text; empty where it is absent or null."""
    value = data.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"json: cannot unmarshal {json_word(value)} into {name} of type string")
    return value


def _object(value: Any) -> Mapping[str, Any]:
    """The members of an object; the case of their names does not count."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(_wrong(value, "object"))
    return {fold(name): each for name, each in value.items()}


def _item(value: Any) -> Item:
    data = _object(value)
    kind, role = _member(data, "type"), _member(data, "role")
    kind = kind or ("message" if role else "")
    if not kind:
        raise ValueError("input item missing required 'type' field")
    if kind not in _ITEMS:
        raise ValueError(f"unknown input item type: {quote(kind)}")
    return _ITEMS[kind](data)


def _contents(value: Any, where: str) -> tuple[Content, ...]:
    """A text or a list of contents."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (TextContent(value),)
    if not isinstance(value, list):
        raise ValueError(f"{where} must be a string or array: {_wrong(value, _LIST)}")
    return tuple(_located(_content, each, where, number) for number, each in enumerate(value))


def _content(value: Any) -> Content:
    data = _object(value)
    kind = _member(data, "type")
    if kind not in _CONTENTS:
        raise ValueError(f"unknown content type: {kind}")
    return _CONTENTS[kind](data)


_CONTENTS: Mapping[str, Callable[[Mapping[str, Any]], Content]] = {
    "input_text": lambda data: TextContent(_member(data, "text")),
    "output_text": lambda data: TextContent(_member(data, "text")),
    "input_image": lambda data: ImageContent(_member(data, "image_url")),
    "input_file": lambda _data: FileContent(),
}
_ITEMS: Mapping[str, Callable[[Mapping[str, Any]], Item]] = {
    "message": lambda data: MessageItem(
        _member(data, "role"), _contents(data.get("content"), "content")
    ),
    "function_call": lambda data: CallItem(
        _member(data, "call_id"), _member(data, "name"), _member(data, "arguments")
    ),
    "function_call_output": lambda data: OutputItem(
        _member(data, "call_id"), _contents(data.get("output"), "output")
    ),
    "reasoning": lambda data: ReasoningItem(_member(data, "encrypted_content")),
    "web_search_call": lambda _data: SearchItem(),
}
