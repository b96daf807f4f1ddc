"""The tree of a template. `str(node)` is the node in normal form, as error texts quote it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from ollamars.prompts.gotemplate.strconv import quote


@dataclass(slots=True)
class Text:
    """Literal text."""

    pos: int
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(slots=True)
class Identifier:
    """The name of a function."""

    pos: int
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(slots=True)
class Dot:
    """The cursor."""

    pos: int

    def __str__(self) -> str:
        return "."


@dataclass(slots=True)
class Nil:
    """The constant nil."""

    pos: int

    def __str__(self) -> str:
        return "nil"


@dataclass(slots=True)
class Bool:
    """A boolean constant."""

    pos: int
    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(slots=True)
class Number:
    """A number; `value` is an int, float or complex, None where it fits no integer."""

    pos: int
    text: str
    value: int | float | complex | None

    def __str__(self) -> str:
        return self.text


@dataclass(slots=True)
class String:
    """A string constant, and how it was written."""

    pos: int
    quoted: str
    text: str

    def __str__(self) -> str:
        return self.quoted


@dataclass(slots=True)
class Variable:
    """`$x.Field`: the name with its dollar, then fields."""

    pos: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(slots=True)
class Field:
    """`.A.B`: fields of the dot."""

    pos: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return "." + ".".join(self.names)


@dataclass(slots=True)
class Chain:
    """`(pipeline).A.B`: fields of another operand."""

    pos: int
    node: Operand
    names: tuple[str, ...]

    def __str__(self) -> str:
        inner = f"({self.node})" if isinstance(self.node, Pipe) else str(self.node)
        return inner + "".join("." + name for name in self.names)


@dataclass(slots=True)
class Command:
    """A function or a value, and its arguments."""

    pos: int
    args: list[Operand]

    def __str__(self) -> str:
        return " ".join(f"({arg})" if isinstance(arg, Pipe) else str(arg) for arg in self.args)


@dataclass(slots=True)
class Pipe:
    """Commands, each given the result of the one before; declares or assigns variables."""

    pos: int
    declared: list[Variable] = field(default_factory=list)
    assigns: bool = False
    commands: list[Command] = field(default_factory=list)

    def __str__(self) -> str:
        text = " | ".join(map(str, self.commands))
        if not self.declared:
            return text
        return f"{', '.join(map(str, self.declared))} {'=' if self.assigns else ':='} {text}"


Operand: TypeAlias = (
    Identifier | Dot | Nil | Bool | Number | String | Variable | Field | Chain | Pipe
)


@dataclass(slots=True)
class Action:
    """A pipeline whose result is printed, unless it declares variables."""

    pos: int
    pipe: Pipe

    def __str__(self) -> str:
        return f"{{{{{self.pipe}}}}}"


@dataclass(slots=True)
class List:
    """Nodes one after the other."""

    pos: int
    nodes: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Branch:
    """What `if`, `range` and `with` share."""

    pos: int
    pipe: Pipe
    body: List
    otherwise: List | None


@dataclass(slots=True)
class If(Branch):
    """`{{if}}`."""


@dataclass(slots=True)
class Range(Branch):
    """`{{range}}`."""


@dataclass(slots=True)
class With(Branch):
    """`{{with}}`."""


@dataclass(slots=True)
class Break:
    """`{{break}}`."""

    pos: int


@dataclass(slots=True)
class Continue:
    """`{{continue}}`."""

    pos: int


@dataclass(slots=True)
class TemplateCall:
    """`{{template "name" pipeline}}`."""

    pos: int
    name: str
    pipe: Pipe | None

    def __str__(self) -> str:
        pipe = f" {self.pipe}" if self.pipe is not None else ""
        return f"{{{{template {quote(self.name)}{pipe}}}}}"


Node: TypeAlias = Text | Action | List | If | Range | With | Break | Continue | TemplateCall


def is_empty(node: List) -> bool:
    """Does the list hold nothing but white space?"""
    return all(isinstance(child, Text) and not child.text.strip() for child in node.nodes)


def walk(node: Node) -> Iterator[Node]:
    """The node and all nodes under it in document order, without recursion."""
    waiting: list[Node] = [node]
    while waiting:
        current = waiting.pop()
        yield current
        if isinstance(current, List):
            waiting.extend(reversed(current.nodes))
        elif isinstance(current, Branch):
            if current.otherwise is not None:
                waiting.append(current.otherwise)
            waiting.append(current.body)
