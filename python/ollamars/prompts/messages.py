"""Conversations and tools, as requests describe them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar

from ollamars.errors import BadRequest

Think: TypeAlias = bool | str | None
"""What a request says about thinking: nothing, yes or no, or a level (`low` ... `max`)."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool by the model. Numbers among the arguments are as JSON gave them."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    index: int = 0
    id: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: str
    content: str = ""
    thinking: str = ""
    images: tuple[bytes, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_name: str = ""
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True)
class ToolProperty:
    """A parameter of a tool, or a property of one."""

    any_of: tuple[ToolProperty, ...] = ()
    type: tuple[str, ...] = ()
    items: Any = None
    description: str = ""
    enum: tuple[Any, ...] = ()
    properties: Mapping[str, ToolProperty] | None = None
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolParameters:
    """The schema of a tool's arguments. None: the request does not say."""

    type: str = ""
    defs: Any = None
    items: Any = None
    required: tuple[str, ...] = ()
    properties: Mapping[str, ToolProperty] | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the model may call."""

    name: str
    description: str = ""
    parameters: ToolParameters = ToolParameters()
    type: str = "function"
    items: Any = None


_T = TypeVar("_T")
_NAMES: Final = {str: "string", bool: "boolean", int: "integer", list: "array", dict: "object"}


def _get(data: Mapping[str, Any], key: str, kind: type[_T], where: str, default: _T) -> _T:
    """A member of an object; `default` where it is absent or null. Raises `BadRequest`."""
    value = data.get(key)
    if value is None:
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise BadRequest(f"{where}.{key} must be of type {_NAMES[kind]}")
    return value


def _object(value: Any, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest(f"{where} must be of type object")
    return value


def _strings(data: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    values = _get(data, key, list, where, [])
    if not all(isinstance(value, str) for value in values):
        raise BadRequest(f"{where}.{key} must hold strings")
    return tuple(values)


def messages_from_json(values: Sequence[Any] | None) -> list[Message]:
    """The `messages` of a request body. Raises `BadRequest` that names the bad member."""
    return [message_from_json(value, f"messages[{i}]") for i, value in enumerate(values or ())]


def message_from_json(value: Any, where: str = "message") -> Message:
    """One message; its role becomes lower case, its images are base64."""
    data = _object(value, where)
    images = _get(data, "images", list, where, [])
    calls = _get(data, "tool_calls", list, where, [])
    return Message(
        role=_get(data, "role", str, where, "").lower(),
        content=_get(data, "content", str, where, ""),
        thinking=_get(data, "thinking", str, where, ""),
        images=tuple(_image(image, f"{where}.images[{i}]") for i, image in enumerate(images)),
        tool_calls=tuple(
            tool_call_from_json(call, f"{where}.tool_calls[{i}]") for i, call in enumerate(calls)
        ),
        tool_name=_get(data, "tool_name", str, where, ""),
        tool_call_id=_get(data, "tool_call_id", str, where, ""),
    )


def _image(value: Any, where: str) -> bytes:
    if not isinstance(value, str):
        raise BadRequest(f"{where} must be of type string")
    try:
        return base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest(f"{where} is not base64") from None


def tool_call_from_json(value: Any, where: str = "tool_call") -> ToolCall:
    """A call that the model made earlier."""
    data = _object(value, where)
    function = _object(data.get("function"), f"{where}.function")
    inside = f"{where}.function"
    return ToolCall(
        name=_get(function, "name", str, inside, ""),
        arguments=_object(function.get("arguments"), f"{inside}.arguments"),
        index=_get(function, "index", int, inside, 0),
        id=_get(data, "id", str, where, ""),
    )


def tools_from_json(values: Sequence[Any] | None) -> list[Tool] | None:
    """The `tools` of a request body; None if there are none. Raises `BadRequest`."""
    if values is None:
        return None
    return [tool_from_json(value, f"tools[{i}]") for i, value in enumerate(values)]


def tool_from_json(value: Any, where: str = "tool") -> Tool:
    """A tool, described by a JSON schema."""
    data = _object(value, where)
    inside = f"{where}.function"
    function = _object(data.get("function"), inside)
    return Tool(
        type=_get(data, "type", str, where, ""),
        items=data.get("items"),
        name=_get(function, "name", str, inside, ""),
        description=_get(function, "description", str, inside, ""),
        parameters=tool_parameters_from_json(function.get("parameters"), f"{inside}.parameters"),
    )


def tool_parameters_from_json(value: Any, where: str = "parameters") -> ToolParameters:
    """The schema of a tool's arguments."""
    data = _object(value, where)
    return ToolParameters(
        type=_get(data, "type", str, where, ""),
        defs=data.get("$defs"),
        items=data.get("items"),
        required=_strings(data, "required", where),
        properties=_properties(data, where),
    )


def _properties(data: Mapping[str, Any], where: str) -> dict[str, ToolProperty] | None:
    properties = data.get("properties")
    if properties is None:
        return None
    inside = f"{where}.properties"
    return {
        name: property_from_json(value, f"{inside}.{name}")
        for name, value in _object(properties, inside).items()
    }


def property_from_json(value: Any, where: str = "property") -> ToolProperty:
    """A property of a schema. `type` may be one name or a list of names."""
    data = _object(value, where)
    any_of = _get(data, "anyOf", list, where, [])
    single = data.get("type")
    return ToolProperty(
        any_of=tuple(
            property_from_json(item, f"{where}.anyOf[{i}]") for i, item in enumerate(any_of)
        ),
        type=(single,) if isinstance(single, str) else _strings(data, "type", where),
        items=data.get("items"),
        description=_get(data, "description", str, where, ""),
        enum=tuple(_get(data, "enum", list, where, [])),
        properties=_properties(data, where),
        required=_strings(data, "required", where),
    )
