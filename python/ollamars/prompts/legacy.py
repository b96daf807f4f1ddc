"""Templates that know one turn at a time: a system text, a prompt, a response."""

from __future__ import annotations

from collections.abc import Sequence

from ollamars.prompts.gotemplate import TemplateError
from ollamars.prompts.gotemplate.nodes import (
    Action,
    Command,
    Field,
    If,
    List,
    Node,
    Operand,
    Pipe,
    Range,
    With,
)


class _Cut:
    """Copies a tree up to the first field `Response`, and nothing behind it."""

    def __init__(self) -> None:
        self._done = False

    def list(self, nodes: List) -> List:
        return List(nodes.pos, [kept for node in nodes.nodes if (kept := self._node(node))])

    def _node(self, node: Node) -> Node | None:
        if self._done:
            return None
        if isinstance(node, List):
            return self.list(node)
        if isinstance(node, If | Range | With):
            return self._branch(node)
        if isinstance(node, Action):
            pipe = self._pipe(node.pipe)
            return None if pipe is None else Action(node.pos, pipe)
        return node

    def _branch(self, node: If | Range | With) -> If | Range | With:
        """The condition is not looked at. A chain of `else if` is followed in a loop."""
        chain: list[tuple[If | Range | With, List]] = []
        current, otherwise = node, None
        while True:
            chain.append((current, self.list(current.body)))
            following = current.otherwise
            if following is None:
                break
            if self._done:
                raise TemplateError(
                    "a template without messages must not have .Response in a branch "
                    "that has an else",
                    "exec",
                )
            inner = following.nodes[0] if len(following.nodes) == 1 else None
            if not isinstance(inner, If):
                otherwise = self.list(following)
                break
            current = inner
        for branch, body in reversed(chain):
            kept = type(branch)(branch.pos, branch.pipe, body, otherwise)
            otherwise = List(branch.pos, [kept])
        return kept

    def _pipe(self, pipe: Pipe) -> Pipe | None:
        commands: list[Command] = []
        for command in pipe.commands:
            args = [kept for arg in command.args if (kept := self._operand(arg)) is not None]
            if not args:
                return None
            commands.append(Command(command.pos, args))
        return Pipe(pipe.pos, pipe.declared, pipe.assigns, commands)

    def _operand(self, operand: Operand) -> Operand | None:
        if isinstance(operand, Field) and "Response" in operand.names:
            self._done = True
            return operand
        if self._done:
            return None
        return self._pipe(operand) if isinstance(operand, Pipe) else operand


def cut_at_response(root: List) -> List:
    """The tree of the last turn: all up to the first field `Response`.

    What is left of a turn behind the response is for finished turns only. Raises `TemplateError`.
    """
    return _Cut().list(root)


def turns(messages: Sequence[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """System, prompt, response of each turn, from (role, content); the last is unfinished."""
    done: list[tuple[str, str, str]] = []
    system = prompt = response = ""
    for role, content in messages:
        if (role == "system" and (prompt or response)) or (role == "user" and response):
            done.append((system, prompt, response))
            system = prompt = response = ""
        if role == "system":
            system = content
        elif role == "user":
            prompt = content
        elif role == "assistant":
            response = content
    return [*done, (system, prompt, response)]
