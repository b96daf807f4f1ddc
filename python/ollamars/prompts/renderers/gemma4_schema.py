"""Tool declarations in Gemma 4's notation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ollamars.prompts.messages import Tool, ToolProperty
from ollamars.prompts.renderers import scalars
from ollamars.store.gotext import format_value

QUOTE: Final = '<|"|>'
_NOT_PROPERTIES: Final = frozenset({"description", "type", "properties", "required", "nullable"})
"""Names that the notation cannot tell from the keys of a schema."""


def declaration(tool: Tool) -> str:
    """A tool between its tags."""
    members = []
    if tool.parameters.properties:
        members.append(f"properties:{{{_properties(_schemas(tool.parameters.properties))}}}")
    if tool.parameters.required:
        members.append("required:" + _names(tool.parameters.required))
    if tool.parameters.type:
        members.append("type:" + quoted(tool.parameters.type.upper()))
    known = tool.parameters.properties is not None or tool.parameters.type
    parameters = f",parameters:{{{','.join(members)}}}" if known else ""
    description = quoted(tool.description)
    return f"<|tool>declaration:{tool.name}{{description:{description}{parameters}}}<tool|>"


def quoted(text: str) -> str:
    """A string."""
    return QUOTE + text + QUOTE


def _names(names: Iterable[str]) -> str:
    return "[" + ",".join(map(quoted, names)) + "]"


def _schemas(properties: Mapping[str, ToolProperty]) -> dict[str, Any]:
    return {name: _schema(item) for name, item in properties.items()}


def _schema(item: ToolProperty) -> dict[str, Any]:
    """A property as plain data, without what is empty. A union of types is one string."""
    types = item.type or _union(item.any_of)
    members: dict[str, Any] = {
        "type": types[0] if len(types) == 1 else f"[{', '.join(map(_in_union, types))}]",
        "description": item.description,
        "enum": list(item.enum),
        "items": item.items,
        "properties": None if item.properties is None else _schemas(item.properties),
        "required": list(item.required),
    }
    if not types:
        del members["type"]
    kept = ("items", "properties")
    return {
        name: value
        for name, value in members.items()
        if (value is not None if name in kept else value)
    }


def _in_union(name: str) -> str:
    return f"'{name.upper()}'"


def _union(branches: Sequence[ToolProperty]) -> tuple[str, ...]:
    """The types of branches that hold nothing else; empty if one does."""
    if any(branch != ToolProperty(type=branch.type) or not branch.type for branch in branches):
        return ()
    return tuple(dict.fromkeys(name for branch in branches for name in branch.type))


def _properties(items: Mapping[str, Any]) -> str:
    return ",".join(
        f"{name}:{{{','.join(_property(items[name]))}}}"
        for name in sorted(items)
        if name not in _NOT_PROPERTIES and isinstance(items[name], Mapping)
    )


def _property(schema: Mapping[str, Any]) -> Iterable[str]:
    description = schema.get("description")
    if isinstance(description, str) and description:
        yield "description:" + quoted(description)
    types = _types(schema.get("type"))
    first = types[0] if types else ""
    enum, items = schema.get("enum"), schema.get("items")
    if first == "STRING" and isinstance(enum, list) and enum:
        yield "enum:" + _names(map(format_value, enum))
    if first == "ARRAY" and isinstance(items, Mapping) and items:
        yield f"items:{{{_items(items)}}}"
    if schema.get("nullable") is True:
        yield "nullable:true"
    if first == "OBJECT":
        inner = schema.get("properties")
        yield f"properties:{{{_properties(inner if isinstance(inner, Mapping) else schema)}}}"
        required = _strings(schema.get("required"))
        if required:
            yield "required:" + _names(required)
    if types:
        yield "type:" + _type(types)


def _items(schema: Mapping[str, Any]) -> str:
    """The schema of an array's items: every key, sorted."""
    return ",".join(
        _items_member(name, schema[name]) for name in sorted(schema) if schema[name] is not None
    )


def _items_member(name: str, value: Any) -> str:
    if name == "properties":
        return f"properties:{{{_properties(value) if isinstance(value, Mapping) else ''}}}"
    if name == "required":
        return "required:" + _names(_strings(value))
    if name == "type":
        types = _types(value)
        return "type:" + _type(types) if types else ""
    return f"{name}:{_value(value)}"


def _types(value: Any) -> list[str]:
    return [value.upper()] if isinstance(value, str) else [name.upper() for name in _strings(value)]


def _type(types: Sequence[str]) -> str:
    return quoted(types[0]) if len(types) == 1 else _names(types)


def _strings(value: Any) -> list[str]:
    items = value if isinstance(value, list | tuple) else ()
    return [item for item in items if isinstance(item, str)]


def _value(value: Any) -> str:
    """A value of free JSON; keys are strings as others."""
    if isinstance(value, Mapping):
        return scalars.members({quoted(name): item for name, item in value.items()}, _value)
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_value, value)) + "]"
    return scalars.notation(value, QUOTE, "null")
