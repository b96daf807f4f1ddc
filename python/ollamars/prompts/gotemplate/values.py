"""Go's values.

A `Value` is a static type and data:

| kind | data |
|---|---|
| bool, numbers, string | `bool`, `int`, `float`, `complex`, `str` |
| slice | `list` or `tuple` of the elements' data, `bytes`; None: nil |
| map | `dict` from key to the element's data; None: nil |
| struct | a `Struct` |
| pointer to a struct | the struct; None: nil |
| interface | any Python data of the kinds above, or a `Value` of another type; None: nil |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ollamars.prompts.gotemplate.strconv import to_bytes
from ollamars.prompts.gotemplate.types import (
    BOOL,
    BYTES,
    COMPLEX128,
    FLOAT64,
    INT,
    INVALID,
    MAP_OF_ANY,
    SLICE_OF_ANY,
    STRING,
    Kind,
    Type,
)


@dataclass(frozen=True, eq=False, slots=True)
class Value:
    """Data with its static type."""

    type: Type
    data: Any

    @property
    def kind(self) -> Kind:
        """Kind of the static type."""
        return self.type.kind

    @property
    def is_valid(self) -> bool:
        """False for the value that stands for nothing at all."""
        return self.type is not INVALID


class Struct:
    """The data of a struct: its type, and the data of its fields in order."""

    __slots__ = ("type", "values")

    def __init__(self, type_: Type, values: Sequence[Any]) -> None:
        self.type = type_
        self.values = values


NOTHING: Final = Value(INVALID, None)
"""Go's zero `reflect.Value`: an untyped nil, a missing key."""

_TYPES: Final[dict[type, Type]] = {
    str: STRING,
    bool: BOOL,
    int: INT,
    float: FLOAT64,
    complex: COMPLEX128,
    list: SLICE_OF_ANY,
    tuple: SLICE_OF_ANY,
    dict: MAP_OF_ANY,
    bytes: BYTES,
}


def dynamic(data: Any) -> Value:
    """What an interface holds; `NOTHING` for nil."""
    if data is None:
        return NOTHING
    if isinstance(data, Value):
        return data
    if isinstance(data, Struct):
        return Value(data.type, data)
    return Value(_TYPES[type(data)], data)


def unwrap(value: Value) -> Value:
    """The value that an interface holds, or the value itself."""
    return dynamic(value.data) if value.type.kind is Kind.INTERFACE else value


def indirect(value: Value) -> tuple[Value, bool]:
    """Through pointers and interfaces to what they hold; true if one of them is nil."""
    while value.type.kind in (Kind.POINTER, Kind.INTERFACE):
        if value.data is None:
            return value, True
        if value.type.kind is Kind.INTERFACE:
            value = dynamic(value.data)
        else:
            assert value.type.elem is not None
            value = Value(value.type.elem, value.data)
    return value, False


_ZEROS: Final = {
    Kind.BOOL: False,
    Kind.INT: 0,
    Kind.UINT: 0,
    Kind.FLOAT: 0.0,
    Kind.COMPLEX: 0j,
    Kind.STRING: "",
}


def zero(type_: Type) -> Value:
    """The zero value of a type."""
    if type_.kind is Kind.STRUCT:
        return Value(type_, Struct(type_, [zero(item.type).data for item in type_.fields]))
    return Value(type_, _ZEROS.get(type_.kind))


def is_nil(value: Value) -> bool:
    """Is it nil, or nothing?"""
    return value.data is None


def length(value: Value) -> int:
    """Elements of a slice or map, bytes of a string."""
    if value.data is None:
        return 0
    if value.kind is Kind.STRING:
        return len(value.data) if value.data.isascii() else len(to_bytes(value.data))
    return len(value.data)


def element(value: Value, index: int) -> Value:
    """An element of a slice."""
    assert value.type.elem is not None
    return Value(value.type.elem, value.data[index])


def field(value: Value, index: int) -> Value:
    """A field of a struct."""
    return Value(value.type.fields[index].type, value.data.values[index])


def elements(data: Any) -> int:
    """How many elements data holds at any depth: what printing it costs beside its text."""
    if isinstance(data, bytes):
        return len(data)
    if isinstance(data, dict):
        inner: Any = data.values()
    elif isinstance(data, list | tuple):
        inner = data
    elif isinstance(data, Struct):
        inner = data.values
    else:
        return elements(data.data) if isinstance(data, Value) else 0
    return len(inner) + sum(map(elements, inner))


def is_true(value: Value) -> bool:
    """Is it not the zero value of its type? A struct always is true."""
    value = unwrap(value)
    kind = value.type.kind
    if kind is Kind.STRUCT:
        return True
    return value.data is not None if kind is Kind.POINTER else bool(value.data)


def sorted_items(value: Value) -> list[tuple[Value, Value]]:
    """Keys and elements of a map in the order of the keys: numbers, bytes of strings."""
    key_type, elem_type = value.type.key, value.type.elem
    assert key_type is not None
    assert elem_type is not None
    data: dict[Any, Any] = value.data or {}
    keys = sorted(data, key=to_bytes) if key_type.kind is Kind.STRING else sorted(data)
    return [(Value(key_type, key), Value(elem_type, data[key])) for key in keys]
