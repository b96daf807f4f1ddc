"""Go templates on values that are recorded as typed JSON."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import cache
from typing import Any

from ollamars.prompts.gotemplate import Template
from ollamars.prompts.gotemplate.types import (
    ANY,
    BASIC,
    Kind,
    StructField,
    Type,
    map_of,
    pointer_to,
    slice_of,
    struct_of,
)
from ollamars.prompts.gotemplate.values import Struct, Value, dynamic
from ollamars.prompts.messages import property_from_json
from ollamars.prompts.schema import PROPERTY, property_data
from tests.golden.data import Data
from tests.golden.rules import TODAY

structs = cache(struct_of)


def number(recorded: list[str]) -> Value:
    type_ = BASIC[recorded[0]]
    return Value(type_, float(recorded[1]) if type_.kind is Kind.FLOAT else int(recorded[1]))


def plain(recorded: Any, type_: Type) -> Any:
    """Data of a static type."""
    value = typed(recorded)
    return value if type_ is ANY or not isinstance(value, Value) else value.data


def slice_value(recorded: list[Any]) -> Value:
    elem = BASIC[recorded[0]]
    items = recorded[1]
    data = None if items is None else [plain(item, elem) for item in items]
    return Value(slice_of(elem), data)


def map_value(recorded: list[Any]) -> Value:
    key, elem = BASIC[recorded[0]], BASIC[recorded[1]]
    items = recorded[2]
    data = None if items is None else {plain(k, key): plain(v, elem) for k, v in items}
    return Value(map_of(key, elem), data)


def struct(recorded: list[Any]) -> Struct:
    values = [(name, typed(item)) for name, item in recorded]
    types = [(name, ANY if item is None else dynamic(item).type) for name, item in values]
    type_ = structs(tuple(StructField(name, kind) for name, kind in types))
    data = [item.data if isinstance(item, Value) else item for _, item in values]
    return Struct(type_, data)


def pointer(recorded: list[Any]) -> Value:
    data = struct(recorded)
    return Value(pointer_to(data.type), data)


SPECIAL: dict[str, Callable[[Any], Any]] = {
    "$num": number,
    "$slice": slice_value,
    "$map": map_value,
    "$struct": struct,
    "$ptr": pointer,
    "$bytes": base64.b64decode,
    "$prop": lambda recorded: Value(PROPERTY, property_data(property_from_json(recorded))),
}


def typed(recorded: Any) -> Any:
    """The value that typed JSON describes."""
    if isinstance(recorded, list):
        return [typed(item) for item in recorded]
    if not isinstance(recorded, dict):
        return recorded
    if len(recorded) == 1 and (make := SPECIAL.get(next(iter(recorded)))) is not None:
        return make(next(iter(recorded.values())))
    return {key: typed(item) for key, item in recorded.items()}


def template(given: dict[str, Any], data: Data) -> str:
    """The text that a template makes of a value."""
    return Template.parse(given["template"]).execute(typed(given["data"]), today=TODAY)
