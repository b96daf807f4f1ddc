"""From decoded JSON to typed requests, as Go's decoder does it; see `body`.

A field's kind comes from its annotation:

| annotation | JSON | Go's name of the type |
|---|---|---|
| `str`, `bool`, `int`, `float` | that | `string`, `bool`, `int`, `float64` |
| `list[T]`, `dict[str, T]` | array, object | `[]T`, `map[string]T` |
| `Any` | anything, as decoded | `interface {}` |
| `RawJson` | anything, as text | – |
| a dataclass | object | `api.Name` |
| `Annotated[T, Custom(read)]` | what `read` takes | the `go_type` of `Custom` |
| `T | None` | `T`; None where the field is absent or null | that of `T` |

A value of a wrong type is reported in Go's words. A dataclass with `decodes_itself` stands for a Go
type with a method of its own for this, which shows in the words; one with `go_package` for a type
of another package than `api`.
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from ollamars.errors import BadRequest
from ollamars.store.names import fold

T = TypeVar("T")

_INT64 = range(-(2**63), 2**63)


class RawJson(str):
    """A JSON value as the request wrote it; inside of another object, written anew."""


class WrongType(Exception):
    """Raised by the reader of a `Custom` field for a value of a type that it does not take."""


@dataclasses.dataclass(frozen=True, slots=True)
class Custom:
    """How a field with a form of its own is read, as the second part of `Annotated`."""

    read: Callable[[Any], Any]
    """From decoded JSON (not null). May raise `WrongType`, or `ValueError` with Ollama's text."""
    go_type: str = ""
    zero: Any = None
    """What a null in a list becomes."""


class TypeFault(BadRequest):
    """A JSON value of a type that its field cannot hold."""


def named(name: str, **field: Any) -> Any:
    """A field of a request whose JSON name is not that of the attribute."""
    return dataclasses.field(metadata={"json": name}, **field)


class Reader:
    """Where the reader is, and the first fault that it found."""

    def __init__(self) -> None:
        self.fault: BadRequest | None = None
        self.struct = ""
        self.path: list[str] = []

    def wrong(self, found: str, go_type: str) -> TypeFault:
        """Go's words for a value that cannot be held."""
        place = f"struct field {self.struct}.{'.'.join(self.path)}" if self.path else "value"
        return TypeFault(f"json: cannot unmarshal {found} into Go {place} of type {go_type}")

    def note(self, fault: BadRequest) -> None:
        """Keep the first fault; what follows is read all the same."""
        self.fault = self.fault or fault


_Read = Callable[[Reader, Any], Any]
"""Turns a decoded JSON value (not null) into that of a field; notes a fault or raises it."""

_WORDS = {
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
}


def json_word(value: Any) -> str:
    """What Go's decoder calls a decoded value that is not null."""
    return _WORDS[type(value)]


def _scalar(kind: type, go_type: str) -> _Read:
    def read(reader: Reader, value: Any) -> Any:
        if type(value) is kind:
            return value
        reader.note(reader.wrong(json_word(value), go_type))
        return kind()

    return read


def _integer(reader: Reader, value: Any) -> int:
    if type(value) is int and value in _INT64:
        return value
    found = f"number {value}" if json_word(value) == "number" else json_word(value)
    reader.note(reader.wrong(found, "int"))
    return 0


def _number(reader: Reader, value: Any) -> float:
    if type(value) in (int, float):
        return float(value)
    reader.note(reader.wrong(json_word(value), "float64"))
    return 0.0


def _list(item: Any) -> _Read:
    read_item, go_type = _reader_of(item), go_name(list[item])

    def read(reader: Reader, value: Any) -> list[Any]:
        if type(value) is list:
            return [_zero(item) if each is None else read_item(reader, each) for each in value]
        reader.note(reader.wrong(json_word(value), go_type))
        return []

    return read


def _map(item: Any) -> _Read:
    read_item, go_type = _reader_of(item), go_name(dict[str, item])

    def read(reader: Reader, value: Any) -> dict[str, Any]:
        if type(value) is dict:
            return {
                key: _zero(item) if each is None else read_item(reader, each)
                for key, each in value.items()
            }
        reader.note(reader.wrong(json_word(value), go_type))
        return {}

    return read


def read_object(kind: type[Any]) -> _Read:
    """The reader of a dataclass."""
    decodes_itself = getattr(kind, "decodes_itself", False)
    go_type = "api.Alias" if decodes_itself else go_name(kind)

    def read(reader: Reader, value: Any) -> Any:
        if type(value) is dict:
            members = [(name, each, slice(0)) for name, each in value.items()]
            return fill(reader, kind, members, keep_struct=decodes_itself)
        fault = reader.wrong(json_word(value), go_type)
        if decodes_itself and type(value) is not list:
            raise fault
        reader.note(fault)
        return kind()

    return read


def _custom(custom: Custom) -> _Read:
    def read(reader: Reader, value: Any) -> Any:
        try:
            return custom.read(value)
        except WrongType:
            reader.note(reader.wrong(json_word(value), custom.go_type))
        except ValueError as error:
            fault = BadRequest(str(error))
            if type(value) not in (list, dict):  # Go stops at once there
                raise fault from None
            reader.note(fault)
        return None

    return read


_SCALARS: dict[Any, _Read] = {
    str: _scalar(str, "string"),
    bool: _scalar(bool, "bool"),
    int: _integer,
    float: _number,
    Any: lambda _reader, value: value,
    RawJson: lambda _reader, value: value,
}
_GO_NAMES: dict[Any, str] = {
    str: "string",
    bool: "bool",
    int: "int",
    float: "float64",
    Any: "interface {}",
}


def go_name(kind: Any) -> str:
    """What Go calls the type of a field."""
    if get_origin(kind) is list:
        return "[]" + go_name(get_args(kind)[0])
    if get_origin(kind) is dict:
        return "map[string]" + go_name(get_args(kind)[1])
    if get_origin(kind) is Annotated:
        return str(get_args(kind)[1].go_type)
    return _GO_NAMES.get(kind) or f"{getattr(kind, 'go_package', 'api')}.{kind.__name__}"


def _zero(kind: Any) -> Any:
    """What a null in a list or an object becomes."""
    if kind in (str, bool, int, float) or dataclasses.is_dataclass(kind):
        return kind()
    if get_origin(kind) is Annotated:
        return get_args(kind)[1].zero
    origin = get_origin(kind)
    return origin() if origin in (list, dict) else None


@cache
def _reader_of(kind: Any) -> _Read:
    if kind in _SCALARS:
        return _SCALARS[kind]
    if get_origin(kind) in (Union, types.UnionType):
        return _reader_of(next(each for each in get_args(kind) if each is not type(None)))
    if get_origin(kind) is list:
        return _list(get_args(kind)[0])
    if get_origin(kind) is dict:
        return _map(get_args(kind)[1])
    if get_origin(kind) is Annotated:
        return _custom(get_args(kind)[1])
    return read_object(kind)


@dataclasses.dataclass(frozen=True, slots=True)
class _Field:
    attribute: str
    name: str
    read: _Read
    raw: bool
    """Is the text of the value kept, not the value?"""


@cache
def _fields(kind: Any) -> Mapping[str, _Field]:
    """The fields of a dataclass by their folded JSON names."""
    hints = get_type_hints(kind, include_extras=True)
    table = {}
    for field in dataclasses.fields(kind):
        name, hint = field.metadata.get("json", field.name), hints[field.name]
        raw = RawJson in (hint, *get_args(hint))
        table[fold(name)] = _Field(field.name, name, _reader_of(hint), raw)
    return table


def fill(
    reader: Reader,
    kind: type[T],
    members: Sequence[tuple[str, Any, slice]],
    *,
    text: str = "",
    keep_struct: bool = False,
) -> T:
    """An instance of `kind` from the members of an object: name, value, its place in `text`."""
    fields: Mapping[str, _Field] = _fields(kind)  # type: ignore[arg-type]  # classes can be keys
    outer = reader.struct
    if not (keep_struct and outer):
        reader.struct = kind.__name__
    values: dict[str, Any] = {}
    for name, value, place in members:
        field = fields.get(fold(name))
        if field is None or (value is None and not field.raw):
            continue
        reader.path.append(field.name)
        if field.raw:
            values[field.attribute] = RawJson(text[place] if text else json.dumps(value))
        else:
            values[field.attribute] = field.read(reader, value)
        reader.path.pop()
    reader.struct = outer
    return kind(**values)
