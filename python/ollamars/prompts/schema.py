"""Messages and tools as Go templates see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from ollamars.prompts.gotemplate import json
from ollamars.prompts.gotemplate.types import (
    ANY,
    INT,
    STRING,
    UINT8,
    Kind,
    StructField,
    Type,
    pointer_to,
    slice_of,
)
from ollamars.prompts.gotemplate.values import Struct, Value
from ollamars.prompts.messages import Message, Tool, ToolCall, ToolParameters, ToolProperty

_STRINGS: Final = slice_of(STRING)


def _type_names_text(names: Sequence[str] | None) -> str:
    if names is not None and len(names) == 1:
        return names[0]
    return "[" + " ".join(names) + "]" if names else ""


def _type_names_json(names: Sequence[str] | None) -> str:
    if names is not None and len(names) == 1:
        return json.encode_string(names[0])
    return json.encode(Value(_STRINGS, names))


_TYPE_SCRIPT: Final = {
    "string": "string",
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "array": "any[]",
    "object": "Record<string, any>",
    "null": "null",
}


def _type_script(data: Struct) -> str:
    """The TypeScript type of a property."""
    any_of, names = data.values[0], data.values[1]
    if any_of:
        return " | ".join(_type_script(item) for item in any_of)
    return " | ".join(_TYPE_SCRIPT.get(name, "any") for name in names or ()) or "any"


def _properties_json(data: Struct) -> str:
    """The properties of a property keep their order."""
    items = data.values.items()  # type: ignore[attr-defined]  # a mapping, see PROPERTY_MAP
    inner = ",".join(
        f"{json.encode_string(name)}:{json.encode(Value(PROPERTY, item))}" for name, item in items
    )
    return "{" + inner + "}"


PROPERTY_TYPE: Final = Type(
    Kind.SLICE,
    "api.PropertyType",
    elem=STRING,
    string=_type_names_text,
    json=_type_names_json,
)
PROPERTY_MAP: Final = Type(Kind.STRUCT, "api.ToolPropertiesMap", json=_properties_json)
"""Its data is a `Struct` whose `values` is a mapping; it has no fields."""

_ANY_OF: Final = Type(Kind.SLICE, "[]api.ToolProperty")
PROPERTY: Final = Type(
    Kind.STRUCT,
    "api.ToolProperty",
    fields=(
        StructField("AnyOf", _ANY_OF, "anyOf", omit_empty=True),
        StructField("Type", PROPERTY_TYPE, "type", omit_empty=True),
        StructField("Items", ANY, "items", omit_empty=True),
        StructField("Description", STRING, "description", omit_empty=True),
        StructField("Enum", slice_of(ANY), "enum", omit_empty=True),
        StructField("Properties", pointer_to(PROPERTY_MAP), "properties", omit_empty=True),
        StructField("Required", _STRINGS, "required", omit_empty=True),
    ),
    methods=MappingProxyType(
        {"ToTypeScriptType": lambda value: Value(STRING, _type_script(value.data))}
    ),
)
_ANY_OF.elem = PROPERTY


def _json_text(type_: Type, empty: str = "null") -> None:
    """Values of the type print as JSON; nil as `empty`."""

    def text(data: Any) -> str:
        return empty if data is None else json.encode(Value(type_, data))

    type_.string = text


PROPERTIES: Final = Type(Kind.MAP, "template.templateProperties", key=STRING, elem=PROPERTY)
ARGUMENTS: Final = Type(Kind.MAP, "template.templateArgs", key=STRING, elem=ANY)
PARAMETERS: Final = Type(
    Kind.STRUCT,
    "template.templateToolFunctionParameters",
    fields=(
        StructField("Type", STRING, "type"),
        StructField("Defs", ANY, "$defs", omit_empty=True),
        StructField("Items", ANY, "items", omit_empty=True),
        StructField("Required", _STRINGS, "required", omit_empty=True),
        StructField("Properties", PROPERTIES, "properties"),
    ),
)
FUNCTION: Final = Type(
    Kind.STRUCT,
    "template.templateToolFunction",
    fields=(
        StructField("Name", STRING, "name"),
        StructField("Description", STRING, "description"),
        StructField("Parameters", PARAMETERS, "parameters"),
    ),
)
TOOL: Final = Type(
    Kind.STRUCT,
    "template.templateTool",
    fields=(
        StructField("Type", STRING, "type"),
        StructField("Items", ANY, "items", omit_empty=True),
        StructField("Function", FUNCTION, "function"),
    ),
)
TOOLS: Final = Type(Kind.SLICE, "template.templateTools", elem=TOOL)
_json_text(PROPERTIES, "{}")
_json_text(ARGUMENTS, "{}")
_json_text(TOOL)
_json_text(TOOLS)

CALL_FUNCTION: Final = Type(
    Kind.STRUCT,
    "template.templateToolCallFunction",
    fields=(
        StructField("Index", INT),
        StructField("Name", STRING),
        StructField("Arguments", ARGUMENTS),
    ),
)
CALL: Final = Type(
    Kind.STRUCT,
    "template.templateToolCall",
    fields=(StructField("ID", STRING), StructField("Function", CALL_FUNCTION)),
)
IMAGE: Final = Type(Kind.SLICE, "api.ImageData", elem=UINT8)
MESSAGE: Final = Type(
    Kind.STRUCT,
    "template.templateMessage",
    fields=(
        StructField("Role", STRING),
        StructField("Content", STRING),
        StructField("Thinking", STRING),
        StructField("Images", slice_of(IMAGE)),
        StructField("ToolCalls", slice_of(CALL)),
        StructField("ToolName", STRING),
        StructField("ToolCallID", STRING),
    ),
)
MESSAGES: Final = slice_of(pointer_to(MESSAGE))


def json_data(value: Any) -> Any:
    """JSON as Go reads it: all numbers are floats."""
    if isinstance(value, dict):
        return {name: json_data(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_data(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def property_data(item: ToolProperty) -> Struct:
    """The data of an `api.ToolProperty`."""
    properties = item.properties
    nested = None
    if properties is not None:
        data = {name: property_data(inner) for name, inner in properties.items()}
        nested = Struct(PROPERTY_MAP, data)  # type: ignore[arg-type]  # see PROPERTY_MAP
    return Struct(
        PROPERTY,
        [
            [property_data(inner) for inner in item.any_of] or None,
            item.type or None,
            json_data(item.items),
            item.description,
            json_data(item.enum) or None,
            nested,
            item.required or None,
        ],
    )


def _parameters_data(parameters: ToolParameters) -> Struct:
    properties = parameters.properties
    return Struct(
        PARAMETERS,
        [
            parameters.type,
            json_data(parameters.defs),
            json_data(parameters.items),
            parameters.required or None,
            None
            if properties is None
            else {name: property_data(item) for name, item in properties.items()},
        ],
    )


def tools_value(tools: Iterable[Tool] | None) -> Value:
    """The `.Tools` of a template."""
    if tools is None:
        return Value(TOOLS, None)
    data = [
        Struct(
            TOOL,
            [
                tool.type,
                json_data(tool.items),
                Struct(FUNCTION, [tool.name, tool.description, _parameters_data(tool.parameters)]),
            ],
        )
        for tool in tools
    ]
    return Value(TOOLS, data)


def _call_data(call: ToolCall) -> Struct:
    arguments: Mapping[str, Any] = json_data(dict(call.arguments))
    return Struct(CALL, [call.id, Struct(CALL_FUNCTION, [call.index, call.name, arguments])])


def messages_value(messages: Sequence[Message]) -> Value:
    """The `.Messages` of a template."""
    data = [
        Struct(
            MESSAGE,
            [
                message.role,
                message.content,
                message.thinking,
                list(message.images) or None,
                [_call_data(call) for call in message.tool_calls] or None,
                message.tool_name,
                message.tool_call_id,
            ],
        )
        for message in messages
    ]
    return Value(MESSAGES, data or None)
