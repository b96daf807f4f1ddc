"""Executes a parsed template."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from ollamars.prompts.gotemplate.fmt import format_value
from ollamars.prompts.gotemplate.functions import printable
from ollamars.prompts.gotemplate.nodes import (
    Action,
    Break,
    Continue,
    If,
    List,
    Pipe,
    Range,
    TemplateCall,
    Text,
    With,
)
from ollamars.prompts.gotemplate.pipeline import PipelineEvaluator
from ollamars.prompts.gotemplate.state import CHARACTERS_PER_STEP
from ollamars.prompts.gotemplate.strconv import canonical, quote
from ollamars.prompts.gotemplate.types import INT, STRING, Kind
from ollamars.prompts.gotemplate.values import (
    NOTHING,
    Value,
    element,
    elements,
    indirect,
    is_true,
    length,
    sorted_items,
)


class _BreakLoop(Exception):
    """`{{break}}`."""


class _ContinueLoop(Exception):
    """`{{continue}}`."""


class Execution(PipelineEvaluator):
    """One execution of a template."""

    def run(self, root: List, dot: Value) -> str:
        """The text that `root` gives for `dot`. Raises `TemplateError`."""
        self._variables = [("$", dot)]
        try:
            self._walk_list(root, dot)
        except RecursionError:
            raise self._limit("nested too deeply") from None
        return canonical("".join(self._out))

    def _walk_list(self, nodes: List, dot: Value) -> None:
        self._enter()
        self._step(len(nodes.nodes))
        for node in nodes.nodes:
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
        self._step(elements(value.data))
        text = format_value(printable(value))
        self._step(len(text) // CHARACTERS_PER_STEP)
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
            self._step(length(value))
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


def _only_if(nodes: List) -> If | None:
    """The `if` that is all there is in an `else`."""
    if len(nodes.nodes) == 1 and isinstance(nodes.nodes[0], If):
        return nodes.nodes[0]
    return None


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
