"""Where an execution is, what it knows, what it has written and used up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ollamars.prompts.gotemplate.errors import TemplateError, TemplateLimitError
from ollamars.prompts.gotemplate.functions import Function
from ollamars.prompts.gotemplate.nodes import Command, List, Node, Operand
from ollamars.prompts.gotemplate.parser import Trees
from ollamars.prompts.gotemplate.strconv import byte_length, quote
from ollamars.prompts.gotemplate.values import Value

CHARACTERS_PER_STEP: Final = 256
"""How much text that is only copied or compared costs one step."""
PRINTED_PER_STEP: Final = 32
"""How much text that a function writes character by character costs one step."""

Located = Node | Operand | Command
"""What an error may stand at."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one execution may use up."""

    steps: int = 100_000
    """Nodes visited, elements printed, text that functions read or make; about a microsecond each.
    A conversation of 200 messages takes some 3,000."""
    output: int = 64 << 20
    """Characters of the result, and of a single value."""
    depth: int = 120
    """Nesting of control structures, parentheses and template calls together."""


class State:
    """The state of one execution."""

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
        self._node: Located = trees[""]
        self._variables: list[tuple[str, Value]] = []
        self._out: list[str] = []
        self._written = 0
        self._steps = 0
        self._depth = 0

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

    # Variables

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
