"""`index`, `slice`, `len`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ollamars.prompts.gotemplate.compare import FunctionError
from ollamars.prompts.gotemplate.strconv import from_bytes, to_bytes
from ollamars.prompts.gotemplate.types import UINT8, Kind, Type
from ollamars.prompts.gotemplate.values import (
    Value,
    element,
    indirect,
    length,
    unwrap,
    zero,
)

_INTEGERS = (Kind.INT, Kind.UINT)


def length_of(value: Value) -> int:
    """`len`. Raises `FunctionError`."""
    value, nil = indirect(value)
    if nil:
        raise FunctionError("len of nil pointer")
    if not value.is_valid:
        raise FunctionError("reflect: call of reflect.Value.Type on zero Value")
    if value.kind not in (Kind.SLICE, Kind.MAP, Kind.STRING):
        raise FunctionError(f"len of type {value.type.name}")
    return length(value)


def _position(index: Value, limit: int) -> int:
    """An index that is not above `limit`. An unsigned one wraps into 64 bits, as in Go."""
    if not index.is_valid:
        raise FunctionError("cannot index slice/array with nil")
    if index.kind not in _INTEGERS:
        raise FunctionError(f"cannot index slice/array with type {index.type.name}")
    position = int(index.data)
    if position >= 1 << 63:
        position -= 1 << 64
    if not 0 <= position <= limit:
        raise FunctionError(f"index out of range: {position}")
    return position


def index(item: Value, indexes: Sequence[Value]) -> Value:
    """`index x 1 2`: `x[1][2]`. Raises `FunctionError`."""
    item = unwrap(item)
    if not item.is_valid:
        raise FunctionError("index of untyped nil")
    for each in indexes:
        item, nil = indirect(item)
        if nil:
            raise FunctionError("index of nil pointer")
        item = _index_once(item, unwrap(each))
    return item


def _index_once(item: Value, index: Value) -> Value:
    if item.kind is Kind.MAP:
        return _map_element(item, index)
    if item.kind not in (Kind.SLICE, Kind.STRING):
        raise FunctionError(f"can't index item of type {item.type.name}")
    size = length(item)
    position = _position(index, size)
    if position == size:
        kind = "string" if item.kind is Kind.STRING else "slice"
        raise FunctionError(f"reflect: {kind} index out of range")
    if item.kind is Kind.STRING:
        return Value(UINT8, to_bytes(item.data)[position])
    return element(item, position)


def _map_element(item: Value, index: Value) -> Value:
    key_type, elem_type = item.type.key, item.type.elem
    assert key_type is not None
    assert elem_type is not None
    key = _map_key(index, key_type)
    if item.data is None or key not in item.data:
        return zero(elem_type)
    return Value(elem_type, item.data[key])


def _map_key(index: Value, key_type: Type) -> object:
    if not index.is_valid:
        raise FunctionError(f"value is nil; should be of type {key_type.name}")
    both_integers = index.kind in _INTEGERS and key_type.kind in _INTEGERS
    if index.type is not key_type and not both_integers:
        raise FunctionError(f"value has type {index.type.name}; should be {key_type.name}")
    return index.data


def slice_item(item: Value, indexes: Sequence[Value]) -> Value:
    """`slice x 1 2`: `x[1:2]`. Raises `FunctionError`."""
    item = unwrap(item)
    if not item.is_valid:
        raise FunctionError("slice of untyped nil")
    if len(indexes) > 3:
        raise FunctionError(f"too many slice indexes: {len(indexes)}")
    if item.kind is Kind.STRING and len(indexes) == 3:
        raise FunctionError("cannot 3-index slice a string")
    if item.kind not in (Kind.STRING, Kind.SLICE):
        raise FunctionError(f"can't slice item of type {item.type.name}")
    size = length(item)
    bounds = [0, size]
    for place, each in enumerate(indexes):
        bounds[place : place + 1] = [_position(each, size)]
    for low, high in pairwise(bounds):
        if low > high:
            raise FunctionError(f"invalid slice index: {low} > {high}")
    if item.kind is Kind.STRING:
        return Value(item.type, from_bytes(to_bytes(item.data)[bounds[0] : bounds[1]]))
    return Value(item.type, None if item.data is None else item.data[bounds[0] : bounds[1]])
