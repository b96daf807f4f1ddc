"""Go's types, as far as templates can see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from ollamars.prompts.gotemplate.values import Value


class Kind(Enum):
    """The kinds that templates treat alike."""

    INVALID = auto()
    BOOL = auto()
    INT = auto()
    UINT = auto()
    FLOAT = auto()
    COMPLEX = auto()
    STRING = auto()
    SLICE = auto()
    MAP = auto()
    STRUCT = auto()
    POINTER = auto()
    INTERFACE = auto()


class StructField(NamedTuple):
    """An exported field, with its name in JSON (empty: its own) and whether JSON omits it empty."""

    name: str
    type: Type
    json: str = ""
    omit_empty: bool = False


Method = Callable[["Value"], "Value"]
"""A method without arguments."""


@dataclass(eq=False, slots=True)
class Type:
    """A type. Two are the same only if they are the same object; it does not change."""

    kind: Kind
    name: str
    """As `%T` prints it."""
    bits: int = 64
    elem: Type | None = None
    key: Type | None = None
    fields: tuple[StructField, ...] = ()
    string: Callable[[Any], str] | None = None
    """`String()` of the data of a value."""
    json: Callable[[Any], str] | None = None
    """`MarshalJSON()` of the data of a value."""
    methods: Mapping[str, Method] = field(default_factory=lambda: MappingProxyType({}))

    def field_index(self, name: str) -> int | None:
        """Position of an exported field."""
        for index, candidate in enumerate(self.fields):
            if candidate.name == name:
                return index
        return None

    @property
    def comparable(self) -> bool:
        """May two values of the type be compared with `==`?"""
        if self.kind is Kind.STRUCT:
            return all(item.type.comparable for item in self.fields)
        return self.kind not in (Kind.SLICE, Kind.MAP)


def _signed(name: str, bits: int) -> Type:
    return Type(Kind.INT, name, bits)


def _unsigned(name: str, bits: int) -> Type:
    return Type(Kind.UINT, name, bits)


INVALID: Final = Type(Kind.INVALID, "invalid")
ANY: Final = Type(Kind.INTERFACE, "interface {}")
BOOL: Final = Type(Kind.BOOL, "bool")
INT: Final = _signed("int", 64)
FLOAT64: Final = Type(Kind.FLOAT, "float64")
COMPLEX128: Final = Type(Kind.COMPLEX, "complex128", 128)
STRING: Final = Type(Kind.STRING, "string")
UINT8: Final = _unsigned("uint8", 8)

BASIC: Final[Mapping[str, Type]] = MappingProxyType(
    {
        "any": ANY,
        "bool": BOOL,
        "int": INT,
        "int8": _signed("int8", 8),
        "int16": _signed("int16", 16),
        "int32": _signed("int32", 32),
        "int64": _signed("int64", 64),
        "uint": _unsigned("uint", 64),
        "uint8": UINT8,
        "uint16": _unsigned("uint16", 16),
        "uint32": _unsigned("uint32", 32),
        "uint64": _unsigned("uint64", 64),
        "float32": Type(Kind.FLOAT, "float32", 32),
        "float64": FLOAT64,
        "string": STRING,
    }
)
"""The predeclared types by name."""


@cache
def slice_of(elem: Type) -> Type:
    """`[]elem`."""
    return Type(Kind.SLICE, f"[]{elem.name}", elem=elem)


@cache
def map_of(key: Type, elem: Type) -> Type:
    """`map[key]elem`."""
    return Type(Kind.MAP, f"map[{key.name}]{elem.name}", elem=elem, key=key)


@cache
def pointer_to(elem: Type) -> Type:
    """`*elem`, with the methods of `elem`."""
    return Type(Kind.POINTER, f"*{elem.name}", elem=elem)


def struct_of(fields: tuple[StructField, ...]) -> Type:
    """A struct type without a name."""
    inner = "; ".join(f"{item.name} {item.type.name}" for item in fields)
    name = f"struct {{ {inner} }}" if fields else "struct {}"
    return Type(Kind.STRUCT, name, fields=fields)


SLICE_OF_ANY: Final = slice_of(ANY)
MAP_OF_ANY: Final = map_of(STRING, ANY)
BYTES: Final = slice_of(UINT8)
