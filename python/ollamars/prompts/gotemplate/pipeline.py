"""Evaluates pipelines: commands, fields, and calls of functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ollamars.prompts.gotemplate.functions import VALUE, Function, FunctionError
from ollamars.prompts.gotemplate.nodes import (
    Bool,
    Chain,
    Command,
    Dot,
    Field,
    Identifier,
    Nil,
    Number,
    Operand,
    Pipe,
    String,
    Variable,
)
from ollamars.prompts.gotemplate.state import CHARACTERS_PER_STEP, PRINTED_PER_STEP, Located, State
from ollamars.prompts.gotemplate.strconv import quote
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
    elements,
    field,
    indirect,
    is_true,
    unwrap,
    zero,
)

_MISSING: Final = Value(Type(Kind.INVALID, "missing"), None)
"""The piped argument of a command that is first in its pipeline."""

_NO_ARGUMENTS: Final = {
    Kind.STRUCT: "has arguments but cannot be invoked as function",
    Kind.MAP: "is not a method but has arguments",
}
_FIELDS: Final = (Field, Chain, Variable)
_SIZED: Final = (str, list, bytes)
"""Tuples, because a union is made anew where it is written."""
_NUMBER_TYPES: Final = {int: INT, float: FLOAT64, complex: COMPLEX128}


class PipelineEvaluator(State):
    """Gives the values of pipelines."""

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

    def _command(self, command: Command, dot: Value, final: Value) -> Value:
        self._step()
        first = command.args[0]
        if isinstance(first, Identifier):
            return self._function(first, command, command.args[1:], dot, final)
        if isinstance(first, _FIELDS):
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
        found = self._member(receiver, name)
        if found is None and nil:
            raise self._error(f"nil pointer evaluating {type_name}.{name}")
        if found is None:
            raise self._error(f"can't evaluate field {name} in type {type_name}")
        if has_arguments:
            raise self._error(f"{name} {_NO_ARGUMENTS[receiver.kind]}")
        return found

    def _member(self, receiver: Value, name: str) -> Value | None:
        """A field of a struct or an element of a map with string keys; None: there is none."""
        if receiver.kind is Kind.STRUCT:
            place = receiver.type.field_index(name)
            return None if place is None else field(receiver, place)
        elem = receiver.type.elem
        if receiver.kind is not Kind.MAP or receiver.type.key is not STRING or elem is None:
            return None
        data = receiver.data or {}
        if name in data:
            return Value(elem, data[name])
        return zero(elem) if self._missing_is_zero else NOTHING

    # Functions

    def _function(
        self,
        name_node: Identifier,
        node: Located,
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
        values = self._arguments(function, args, dot, final)
        self._step(len(args) + self._reading(function, values))
        if name == "call":
            values.insert(0, Value(STRING, _callee(args, final)))
        try:
            result = function.call(values)
        except FunctionError as error:
            self._node = node
            raise self._error(f"error calling {name}: {error}") from None
        size = _size(result)
        self._step(size // (PRINTED_PER_STEP if function.prints else CHARACTERS_PER_STEP))
        if size > self._limits.output:
            raise self._limit("the template writes too much")
        return result

    def _arguments(
        self, function: Function, args: Sequence[Operand], dot: Value, final: Value
    ) -> list[Value]:
        values = [
            self._argument(arg, function.parameter(place), dot) for place, arg in enumerate(args)
        ]
        if final is not _MISSING:
            values.append(self._validated(final, function.parameter(len(args))))
        return values

    def _reading(self, function: Function, values: Sequence[Value]) -> int:
        """Steps for what a function reads."""
        if function.prints:
            return sum(elements(value.data) for value in values)
        return sum(map(_size, values)) // CHARACTERS_PER_STEP

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
        if isinstance(node, _FIELDS):
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


def _size(value: Value) -> int:
    """Characters of a string, elements of a slice: what it costs to read or to make."""
    data = unwrap(value).data
    return len(data) if isinstance(data, _SIZED) else 0


def _callee(args: Sequence[Operand], final: Value) -> str:
    if args:
        return str(args[0])
    return final.data if final.type is STRING else f"<{final.type.name} Value>"
