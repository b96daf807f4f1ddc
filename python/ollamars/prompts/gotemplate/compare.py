"""`eq`, `ne`, `lt`, `le`, `gt`, `ge`."""

from __future__ import annotations

from collections.abc import Sequence

from ollamars.prompts.gotemplate.fmt import format_value
from ollamars.prompts.gotemplate.strconv import to_bytes
from ollamars.prompts.gotemplate.types import STRING, Kind
from ollamars.prompts.gotemplate.values import Value, is_nil, unwrap


class FunctionError(ValueError):
    """What a function says about its arguments."""


_BASIC = frozenset({Kind.BOOL, Kind.COMPLEX, Kind.INT, Kind.FLOAT, Kind.STRING, Kind.UINT})
_ORDERED = frozenset({Kind.INT, Kind.FLOAT, Kind.STRING, Kind.UINT})
_INTEGERS = frozenset({Kind.INT, Kind.UINT})


def _incompatible(left: Value, right: Value) -> FunctionError:
    types = f"{left.type.name} and {right.type.name}"
    return FunctionError(f"incompatible types for comparison: {types}")


def equal(left: Value, others: Sequence[Value]) -> bool:
    """Is `left` equal to one of the others? Stops at the first that is. Raises `FunctionError`."""
    if not others:
        raise FunctionError("missing argument for comparison")
    left = unwrap(left)
    return any(_equal(left, unwrap(other)) for other in others)


def _equal(left: Value, right: Value) -> bool:
    if left.type is STRING and right.type is STRING:
        return bool(left.data == right.data)
    left_basic, right_basic = left.kind in _BASIC, right.kind in _BASIC
    if left_basic or right_basic:
        same = left.kind is right.kind or {left.kind, right.kind} == _INTEGERS
        if same:
            return bool(left.data == right.data)
        if left.is_valid and right.is_valid:
            raise _incompatible(left, right)
        return False
    if left.is_valid and right.is_valid and left.kind is not right.kind:
        raise FunctionError(
            f"non-comparable types {format_value(left, 's')}: {left.type.name}, "
            f"{right.type.name}: {format_value(right)}"
        )
    if is_nil(left) or is_nil(right):
        return is_nil(left) == is_nil(right)
    if not right.type.comparable:
        raise FunctionError(f"non-comparable type {format_value(right, 's')}: {right.type.name}")
    if left.type is not right.type:
        return False
    if right.kind is Kind.POINTER:
        return left.data is right.data
    return bool(left.data.values == right.data.values)


def less(left: Value, right: Value) -> bool:
    """`left < right` for numbers and strings. Raises `FunctionError`."""
    left, right = unwrap(left), unwrap(right)
    if left.kind not in _BASIC or right.kind not in _BASIC:
        raise FunctionError("invalid type for comparison")
    if left.kind is not right.kind and {left.kind, right.kind} != _INTEGERS:
        raise _incompatible(left, right)
    if left.kind not in _ORDERED:
        raise FunctionError("invalid type for comparison")
    if left.kind is Kind.STRING:
        return to_bytes(left.data) < to_bytes(right.data)
    return bool(left.data < right.data)
