"""Executes a parsed template."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ollamars.prompts.gotemplate.errors import TemplateError, TemplateLimitError
from ollamars.prompts.gotemplate.fmt import format_value
from ollamars.prompts.gotemplate.functions import VALUE, Function, FunctionError, printable
from ollamars.prompts.gotemplate.nodes import (
    Action,
    Bool,
    Break,
    Chain,
    Command,
    Continue,
    Dot,
    Field,
    Identifier,
    If,
    List,
    Nil,
    Node,
    Number,
    Operand,
    Pipe,
    Range,
    String,
    TemplateCall,
    Text,
    Variable,
    With,
)
from ollamars.prompts.gotemplate.parser import Trees
from ollamars.prompts.gotemplate.strconv import byte_length, canonical, quote
from ollamars.prompts.gotemplate.types import (
    ANY,
    BOOL,
    COMPLEX128,
    FLOAT64,
    INT,
    STRING,
    Kind,
    Type,
)
from ollamars.prompts.gotemplate.values import (
    NOTHING,
    Value,
    element,
    field,
    indirect,
    is_true,
    length,
    sorted_items,
    unwrap,
    zero,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one execution may use up."""

    steps: int = 2_000_000
    """Nodes visited, and characters made by functions in units of 256."""
    output: int = 64 << 20
    """Characters of the result, and of a single value."""
    depth: int = 120
    """Nesting of control structures, parentheses and template calls together."""


class _BreakLoop(Exception):
    """`{{break}}`."""


class _ContinueLoop(Exception):
    """`{{continue}}`."""


_MISSING: Final = Value(Type(Kind.INVALID, "missing"), None)
"""The piped argument of a command that is first in its pipeline."""

_NUMBER_TYPES: Final = {int: INT, float: FLOAT64, complex: COMPLEX128}
_CHARACTERS_PER_STEP: Final = 256
_Located = Node | Operand | Command


class Execution:
    """One execution of a template: where it is, its variables, what it has written."""

    def __init__(
        self,
        text: str,
        trees: Trees,
        functions: Mapping[str, Function],
        limits: Limits,
        *,
        missing_is_zero: bool = True,
    ) -> None:
        self._text = text
        self._trees = trees
        self._functions = functions
        self._limits = limits
        self._missing_is_zero = missing_is_zero
        self._name = ""
        self._node: _Located = trees[""]
        self._variables: list[tuple[str, Value]] = []
        self._out: list[str] = []
        self._written = 0
        self._steps = 0
        self._depth = 0

    def run(self, root: List, dot: Value) -> str:
        """The text that `root` gives for `dot`. Raises `TemplateError`."""
        self._variables = [("$", dot)]
        try:
            self._walk_list(root, dot)
        except RecursionError:
            raise self._limit("nested too deeply") from None
        return canonical("".join(self._out))

    # Errors and limits

    def _error(self, message: str) -> TemplateError:
        return TemplateError(self._located(message), "exec")

    def _limit(self, message: str) -> TemplateLimitError:
        return TemplateLimitError(self._located(message), "exec")

    def _located(self, message: str) -> str:
        before = self._text[: self._node.pos]
        line = before.count("\n") + 1
        column = byte_length(before[before.rfind("\n") + 1 :])
        context = "" if isinstance(self._node, List) else f" at <{self._node}>"
        where = f"template: :{line}:{column}: executing {quote(self._name)}"
        return f"{where}{context}: {message}"

    def _step(self, cost: int = 1) -> None:
        self._steps += cost
        if self._steps > self._limits.steps:
            raise self._limit("the template does too much work")

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > self._limits.depth:
            raise self._limit(f"exceeded maximum template depth ({self._limits.depth})")

    def _write(self, text: str) -> None:
        self._written += len(text)
        if self._written > self._limits.output:
            raise self._limit("the template writes too much")
        self._out.append(text)

    # Nodes

    def _walk_list(self, nodes: List, dot: Value) -> None:
        self._enter()
        for node in nodes.nodes:
            self._step()
            self._node = node
            _WALKERS[type(node)](self, node, dot)
        self._depth -= 1

    def _walk_text(self, node: Text, _dot: Value) -> None:
        self._write(node.text)

    def _walk_action(self, node: Action, dot: Value) -> None:
        value = self._pipeline(node.pipe, dot)
        if not node.pipe.declared:
            self._node = node
            self._print(value)

    def _print(self, value: Value) -> None:
        if value.type is STRING:
            self._write(value.data)
            return
        text = format_value(printable(value))
        self._step(len(text) // _CHARACTERS_PER_STEP)
        self._write(text)

    def _walk_break(self, _node: Break, _dot: Value) -> None:
        raise _BreakLoop

    def _walk_continue(self, _node: Continue, _dot: Value) -> None:
        raise _ContinueLoop

    def _walk_if(self, node: If, dot: Value) -> None:
        """A chain of `else if` is walked in a loop, however long it is."""
        mark = len(self._variables)
        branch: If | None = node
        while branch is not None:
            following = None
            if is_true(self._pipeline(branch.pipe, dot)):
                self._walk_list(branch.body, dot)
            elif branch.otherwise is not None:
                following = _only_if(branch.otherwise)
                if following is None:
                    self._walk_list(branch.otherwise, dot)
            branch = following
        del self._variables[mark:]

    def _walk_with(self, node: With, dot: Value) -> None:
        mark = len(self._variables)
        value = self._pipeline(node.pipe, dot)
        if is_true(value):
            self._walk_list(node.body, value)
        elif node.otherwise is not None:
            self._walk_list(node.otherwise, dot)
        del self._variables[mark:]

    def _walk_range(self, node: Range, dot: Value) -> None:
        mark = len(self._variables)
        value, _ = indirect(self._pipeline(node.pipe, dot))
        depth, inner = self._depth, len(self._variables)
        ran = False
        try:
            for key, item in self._iterate(value, node.pipe):
                ran = True
                self._step()
                self._bind(node.pipe, key, item)
                try:
                    self._walk_list(node.body, item)
                except _ContinueLoop:
                    self._depth = depth
                del self._variables[inner:]
        except _BreakLoop:
            self._depth = depth
        if not ran and node.otherwise is not None:
            self._walk_list(node.otherwise, dot)
        del self._variables[mark:]

    def _iterate(self, value: Value, pipe: Pipe) -> Iterable[tuple[Value, Value]]:
        """Keys and elements in order. Over an integer there is no key."""
        if value.kind is Kind.SLICE:
            return ((Value(INT, i), element(value, i)) for i in range(length(value)))
        if value.kind is Kind.MAP:
            return sorted_items(value)
        if value.kind in (Kind.INT, Kind.UINT):
            if len(pipe.declared) > 1:
                text = format_value(value)
                raise self._error(f"can't use {text} to iterate over more than one variable")
            return ((NOTHING, Value(value.type, i)) for i in range(value.data))
        if not value.is_valid or value.data is None:
            return ()
        raise self._error(f"range can't iterate over {format_value(value)}")

    def _bind(self, pipe: Pipe, key: Value, item: Value) -> None:
        """Give the variables of a `range` their values: the key first if there are two."""
        values = (item,) if len(pipe.declared) == 1 else (key, item)
        for place, (variable, value) in enumerate(zip(pipe.declared, values, strict=False)):
            name = variable.names[0]
            if pipe.assigns:
                self._assign(name, value)
            else:
                self._variables[len(self._variables) - len(pipe.declared) + place] = (name, value)

    def _walk_template(self, node: TemplateCall, dot: Value) -> None:
        root = self._trees.get(node.name)
        if root is None:
            raise self._error(f"template {quote(node.name)} not defined")
        argument = NOTHING if node.pipe is None else self._pipeline(node.pipe, dot)
        name, variables = self._name, self._variables
        self._name, self._variables = node.name, [("$", argument)]
        self._walk_list(root, argument)
        self._name, self._variables = name, variables

    # Pipelines

    def _pipeline(self, pipe: Pipe, dot: Value) -> Value:
        self._node = pipe
        self._enter()
        value = _MISSING
        for command in pipe.commands:
            value = unwrap(self._command(command, dot, value))
        for variable in pipe.declared:
            if pipe.assigns:
                self._assign(variable.names[0], value)
            else:
                self._variables.append((variable.names[0], value))
        self._depth -= 1
        return value

    def _assign(self, name: str, value: Value) -> None:
        for place in range(len(self._variables) - 1, -1, -1):
            if self._variables[place][0] == name:
                self._variables[place] = (name, value)
                return
        raise self._error(f"undefined variable: {name}")

    def _lookup(self, name: str) -> Value:
        for known, value in reversed(self._variables):
            if known == name:
                return value
        raise self._error(f"undefined variable: {name}")

    def _command(self, command: Command, dot: Value, final: Value) -> Value:
        self._step()
        first = command.args[0]
        if isinstance(first, Identifier):
            return self._function(first, command, command.args[1:], dot, final)
        if isinstance(first, Field | Chain | Variable):
            return self._fields(first, dot, command.args, final)
        if not isinstance(first, Pipe):
            self._node = first
        self._not_a_function(command.args, final)
        if isinstance(first, Pipe):
            return self._pipeline(first, dot)
        if isinstance(first, Nil):
            raise self._error("nil is not a command")
        return self._literal(first, dot)

    def _not_a_function(self, args: Sequence[Operand], final: Value) -> None:
        if len(args) > 1 or final is not _MISSING:
            raise self._error(f"can't give argument to non-function {args[0]}")

    def _literal(self, node: Operand, dot: Value) -> Value:
        if isinstance(node, Dot):
            return dot
        if isinstance(node, Bool):
            return Value(BOOL, node.value)
        if isinstance(node, String):
            return Value(STRING, node.text)
        assert isinstance(node, Number)
        if node.value is None:
            raise self._error(f"{node.text} overflows int")
        return Value(_NUMBER_TYPES[type(node.value)], node.value)

    # Fields

    def _fields(
        self, node: Field | Chain | Variable, dot: Value, args: Sequence[Operand], final: Value
    ) -> Value:
        """A field of the dot, of a variable or of a parenthesis; the last may have arguments."""
        self._node = node
        if isinstance(node, Field):
            value, names = dot, node.names
        elif isinstance(node, Variable):
            value, names = self._lookup(node.names[0]), node.names[1:]
            if not names:
                self._not_a_function(args, final)
                return value
        else:
            value, names = self._argument(node.node, VALUE, dot), node.names
        has_arguments = len(args) > 1 or final is not _MISSING
        for name in names[:-1]:
            value = self._field(value, name, has_arguments=False)
        return self._field(value, names[-1], has_arguments=has_arguments)

    def _field(self, receiver: Value, name: str, *, has_arguments: bool) -> Value:
        """A method without arguments, a field of a struct, or an element of a map."""
        if not receiver.is_valid:
            return NOTHING
        type_name = receiver.type.name
        receiver, nil = indirect(receiver)
        if nil and receiver.kind is Kind.INTERFACE:
            raise self._error(f"nil pointer evaluating {type_name}.{name}")
        method = receiver.type.methods.get(name)
        if method is not None:
            if has_arguments:
                raise self._error(f"wrong number of args for {name}: want 0 got 1")
            return method(receiver)
        found = None
        if receiver.kind is Kind.STRUCT:
            place = receiver.type.field_index(name)
            found = None if place is None else field(receiver, place)
            complaint = "has arguments but cannot be invoked as function"
        elif receiver.kind is Kind.MAP and receiver.type.key is STRING:
            assert receiver.type.elem is not None
            data = receiver.data or {}
            elem = receiver.type.elem
            missing = zero(elem) if self._missing_is_zero else NOTHING
            found = Value(elem, data[name]) if name in data else missing
            complaint = "is not a method but has arguments"
        elif nil:
            raise self._error(f"nil pointer evaluating {type_name}.{name}")
        if found is None:
            raise self._error(f"can't evaluate field {name} in type {type_name}")
        if has_arguments:
            raise self._error(f"{name} {complaint}")
        return found

    # Functions

    def _function(
        self,
        name_node: Identifier,
        node: _Located,
        args: Sequence[Operand],
        dot: Value,
        final: Value,
    ) -> Value:
        self._node = name_node
        name = name_node.name
        function = self._functions.get(name)
        if function is None:
            raise self._error(f"{quote(name)} is not a defined function")
        self._check_count(name, function, len(args), final)
        if name in ("and", "or"):
            return self._and_or(name == "or", args, dot, final)
        values = [
            self._argument(arg, function.parameter(place), dot) for place, arg in enumerate(args)
        ]
        if final is not _MISSING:
            values.append(self._validated(final, function.parameter(len(args))))
        if name == "call":
            values.insert(0, Value(STRING, _callee(args, final)))
        try:
            result = function.call(values)
        except FunctionError as error:
            self._node = node
            raise self._error(f"error calling {name}: {error}") from None
        if result.type is STRING:
            self._check_size(result.data)
        return result

    def _check_size(self, text: str) -> None:
        self._step(len(text) // _CHARACTERS_PER_STEP)
        if len(text) > self._limits.output:
            raise self._limit("the template writes too much")

    def _check_count(self, name: str, function: Function, given: int, final: Value) -> None:
        wanted, total = len(function.fixed), given + (final is not _MISSING)
        if function.variadic is not None:
            if total < wanted:
                message = f"want at least {wanted} got {given}"
                raise self._error(f"wrong number of args for {name}: {message}")
        elif total != wanted:
            raise self._error(f"wrong number of args for {name}: want {wanted} got {total}")

    def _and_or(self, stop_at: bool, args: Sequence[Operand], dot: Value, final: Value) -> Value:
        """The first argument that decides, or the last one; the others are not evaluated."""
        value = NOTHING
        for arg in args:
            value = self._argument(arg, VALUE, dot)
            if is_true(value) is stop_at:
                return value
        return value if final is _MISSING else final

    def _argument(self, node: Operand, type_: Type, dot: Value) -> Value:
        """An argument for a parameter of this type."""
        self._step()
        self._node = node
        if isinstance(node, Nil):
            if type_ is VALUE:
                return NOTHING
            if type_ is not ANY:
                raise self._error(f"cannot assign nil to {type_.name}")
            return zero(ANY)
        if isinstance(node, Pipe):
            return self._validated(self._pipeline(node, dot), type_)
        if isinstance(node, Identifier):
            return self._validated(self._function(node, node, (), dot, _MISSING), type_)
        if isinstance(node, Field | Chain | Variable):
            return self._validated(self._fields(node, dot, (), _MISSING), type_)
        if type_ is STRING and not isinstance(node, String | Dot):
            raise self._error(f"expected string; found {node}")
        return self._validated(self._literal(node, dot), type_)

    def _validated(self, value: Value, type_: Type) -> Value:
        """The value for a parameter of this type: as it is, or what its interface holds."""
        if type_ is VALUE:
            return value
        if not value.is_valid:
            if type_ is ANY:
                return zero(ANY)
            raise self._error(f"invalid value; expected {type_.name}")
        if type_ is ANY or value.type is type_:
            return value
        held = unwrap(value)
        if held.type is type_:
            return held
        got = held if held.is_valid else value
        raise self._error(f"wrong type for value; expected {type_.name}; got {got.type.name}")


def _only_if(nodes: List) -> If | None:
    """The `if` that is all there is in an `else`."""
    if len(nodes.nodes) == 1 and isinstance(nodes.nodes[0], If):
        return nodes.nodes[0]
    return None


def _callee(args: Sequence[Operand], final: Value) -> str:
    if args:
        return str(args[0])
    return final.data if final.type is STRING else f"<{final.type.name} Value>"


_WALKERS: Final[dict[type, Callable[[Execution, Any, Value], None]]] = {
    Text: Execution._walk_text,
    Action: Execution._walk_action,
    Break: Execution._walk_break,
    Continue: Execution._walk_continue,
    If: Execution._walk_if,
    With: Execution._walk_with,
    Range: Execution._walk_range,
    TemplateCall: Execution._walk_template,
    List: Execution._walk_list,
}
