"""Tools and arguments as JSON, byte for byte as Go writes its structs and maps."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ollamars.prompts.messages import Tool, ToolParameters, ToolProperty
from ollamars.store import gojson

_TOKEN: Final = re.compile(r'("(?:[^"\\]++|\\.)*+")|[:,]', re.DOTALL)
_STRUCTURE: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[{][\]}]|[\[\]{}:,]', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(u003[ce]|u0026|.)", re.DOTALL)
_HTML: Final = {"u003c": "<", "u003e": ">", "u0026": "&"}


def float64(value: Any) -> Any:
    """Decoded JSON as Go keeps it: every number is a float64."""
    if isinstance(value, Mapping):
        return {key: float64(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [float64(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return math.copysign(math.inf, value)
    return value


def compact(value: Any, *, html: bool = True) -> str:
    """JSON without spaces, the keys of all objects sorted; `html`: `<`, `>`, `&` escaped."""
    text = gojson.dumps(float64(value), sort_keys=True).decode()
    return text if html else without_html_escapes(text)


def spaced(text: str) -> str:
    """Compact JSON with a space after each `:` and `,`."""
    return _TOKEN.sub(lambda match: match[1] or match[0] + " ", text)


def without_html_escapes(text: str) -> str:
    """JSON in which `<`, `>` and `&` stand as they are."""
    return _ESCAPE.sub(lambda match: _HTML.get(match[1], match[0]), text) if "\\u" in text else text


def indented(text: str, indent: str) -> str:
    """Compact JSON with each member on a line of its own."""
    depth = 0

    def place(match: re.Match[str]) -> str:
        nonlocal depth
        mark = match[0]
        if mark in ("{", "["):
            depth += 1
            return mark + "\n" + indent * depth
        if mark in ("}", "]"):
            depth -= 1
            return "\n" + indent * depth + mark
        return mark + "\n" + indent * depth if mark == "," else mark + " " if mark == ":" else mark

    return _STRUCTURE.sub(place, text)


def fields(members: Iterable[tuple[str, str]]) -> str:
    """An object of names and values that are JSON already."""
    return "{" + ",".join(f"{compact(name)}:{value}" for name, value in members) + "}"


def arguments(values: Mapping[str, Any]) -> str:
    """The arguments of a call: in their order, objects inside them sorted."""
    return fields((name, compact(value)) for name, value in values.items())


def property_fields(item: ToolProperty) -> Iterable[tuple[str, str]]:
    """The names of a property's fields that are not empty, with their JSON."""
    if item.any_of:
        yield "anyOf", "[" + ",".join(fields(property_fields(inner)) for inner in item.any_of) + "]"
    if item.type:
        yield "type", compact(item.type[0] if len(item.type) == 1 else list(item.type))
    if item.items is not None:
        yield "items", compact(item.items)
    if item.description:
        yield "description", compact(item.description)
    if item.enum:
        yield "enum", compact(list(item.enum))
    if item.properties is not None:
        yield "properties", properties(item.properties)
    if item.required:
        yield "required", compact(list(item.required))


def properties(items: Mapping[str, ToolProperty] | None) -> str:
    """Properties in their order; `null` where there are none."""
    if items is None:
        return "null"
    return fields((name, fields(property_fields(item))) for name, item in items.items())


def parameter_fields(item: ToolParameters, *, html: bool = True) -> Iterable[tuple[str, str]]:
    """The names of the fields of a tool's parameters with their JSON."""
    yield "type", compact(item.type, html=html)
    if item.defs is not None:
        yield "$defs", compact(item.defs, html=html)
    if item.items is not None:
        yield "items", compact(item.items, html=html)
    if item.required:
        yield "required", compact(list(item.required), html=html)
    yield "properties", properties(item.properties)


def parameters(item: ToolParameters, *, html: bool = True) -> str:
    """The schema of a tool's arguments. Its properties are escaped in any case."""
    return fields(parameter_fields(item, html=html))


def function(tool: Tool, *, html: bool = True) -> str:
    """A tool's function."""
    members = [("name", compact(tool.name, html=html))]
    if tool.description:
        members.append(("description", compact(tool.description, html=html)))
    members.append(("parameters", parameters(tool.parameters, html=html)))
    return fields(members)


def tool(item: Tool, *, html: bool = True) -> str:
    """A whole tool."""
    members = [("type", compact(item.type, html=html))]
    if item.items is not None:
        members.append(("items", compact(item.items, html=html)))
    members.append(("function", function(item, html=html)))
    return fields(members)


def tools(items: Sequence[Tool]) -> str:
    """A list of whole tools."""
    return "[" + ",".join(map(tool, items)) + "]"
