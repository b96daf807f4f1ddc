"""The identifiers that a template uses."""

from __future__ import annotations

from collections.abc import Iterator

from ollamars.prompts.gotemplate import Template, TemplateError
from ollamars.prompts.gotemplate.nodes import (
    Action,
    Branch,
    Field,
    List,
    Node,
    Pipe,
    TemplateCall,
    Variable,
    walk,
)


def variables(template: Template) -> list[str]:
    """Lower-case names of all fields and variables, sorted, from every template of the text.

    Raises `TemplateError` (`parse`) for a `template` action without an argument.
    """
    names: set[str] = set()
    for root in template.trees.values():
        for pipe in pipelines(root):
            names.update(name.lower() for name in _names(pipe))
    return sorted(names)


def pipelines(root: List) -> Iterator[Pipe]:
    """The pipelines of actions, conditions and template calls in document order."""
    for node in walk(root):
        pipe = pipeline_of(node)
        if pipe is not None:
            yield pipe


def pipeline_of(node: Node) -> Pipe | None:
    """The pipeline of a node that has one."""
    if isinstance(node, TemplateCall) and node.pipe is None:
        raise TemplateError("undefined template specified", "parse")
    return node.pipe if isinstance(node, Action | Branch | TemplateCall) else None


def _names(pipe: Pipe) -> Iterator[str]:
    for command in pipe.commands:
        for arg in command.args:
            if isinstance(arg, Field | Variable):
                yield from arg.names
            elif isinstance(arg, Pipe):
                yield from _names(arg)
