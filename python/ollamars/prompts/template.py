"""A model's Go template: what it uses, and the prompt that it makes of a conversation."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from ollamars.prompts.gotemplate import Limits, Template
from ollamars.prompts.gotemplate.nodes import Action, Command, Field, List, Pipe
from ollamars.prompts.gotemplate.strconv import canonical
from ollamars.prompts.legacy import cut_at_response, turns
from ollamars.prompts.messages import Message, Think, Tool
from ollamars.prompts.schema import messages_value, tools_value
from ollamars.prompts.variables import variables

DEFAULT_TEMPLATE: Final = "{{ .Prompt }}"
"""The template of a model that has none."""
_STEPS_PER_MESSAGE: Final = 1_000
"""What each message adds to the work that a template may do; the usual ones do some 20 steps."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a template is given. `tools` None: the request has none."""

    messages: Sequence[Message] = ()
    tools: Sequence[Tool] | None = None
    prompt: str = ""
    suffix: str = ""
    think: Think = None


def collate(messages: Sequence[Message]) -> list[Message]:
    """Join neighbours of the same role (not `tool`) with a blank line.

    Of the later ones only the content stays: their images, thinking and calls are dropped.
    """
    collated: list[Message] = []
    for message in messages:
        last = collated[-1] if collated else None
        if last is not None and last.role == message.role != "tool":
            collated[-1] = replace(last, content=f"{last.content}\n\n{message.content}")
        else:
            collated.append(message)
    return collated


def _thinking(think: Think) -> dict[str, Any]:
    """`Think`, `ThinkLevel` and `IsThinkSet` of a template."""
    level = think if isinstance(think, str) else "medium" if think else ""
    return {"Think": bool(think), "ThinkLevel": level, "IsThinkSet": think is not None}


class ChatTemplate:
    """A parsed Go template of a model. Immutable; safe to share."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self.text = template.text
        self.variables = variables(template)
        """Lower-case identifiers, sorted."""
        self._root = template.root
        if not {"messages", "response"} & set(self.variables):
            self.variables = sorted({*self.variables, "response"})
            self._root = _with_response(template)

    @classmethod
    def parse(cls, text: str) -> ChatTemplate:
        """Parse. Raises `TemplateError` with stage `parse`."""
        return cls(Template.parse(text))

    @property
    def root(self) -> List:
        """The tree, with the `{{ .Response }}` that is added where the text uses neither."""
        return self._root

    @property
    def is_legacy(self) -> bool:
        """Does it know one turn at a time instead of a list of messages?"""
        return "messages" not in self.variables

    def render(self, request: Request, *, today: datetime.date) -> str:
        """The prompt; `today` is the local date. Raises `TemplateError` with stage `exec`.

        A byte that is not UTF-8 (of a character cut in two) is a lone surrogate.
        """
        data: dict[str, Any] = {"Response": "", **_thinking(request.think)}
        if request.prompt and request.suffix:
            data |= {"Prompt": request.prompt, "Suffix": request.suffix}
            return self._execute(data, today)
        messages = collate(request.messages)
        if self.is_legacy:
            return self._render_turns(messages, data, today)
        system = [message.content for message in request.messages if message.role == "system"]
        data |= {
            "System": "\n\n".join(system),
            "Messages": messages_value(messages),
            "Tools": tools_value(request.tools),
        }
        return self._execute(data, today, _STEPS_PER_MESSAGE * len(messages))

    def _execute(self, data: dict[str, Any], today: datetime.date, more: int = 0) -> str:
        """The text for data, with so many steps more than usual."""
        limits = Limits(steps=Limits().steps + more)
        return self._template.execute_tree(self._root, data, today=today, limits=limits)

    def _render_turns(
        self, messages: Sequence[Message], data: dict[str, Any], today: datetime.date
    ) -> str:
        *finished, last = turns([(message.role, message.content) for message in messages])
        parts = [self._execute({**data, **_turn(turn)}, today) for turn in finished]
        parts.append(self._template.execute_bare(self._cut, {**data, **_turn(last)}))
        return canonical("".join(parts))

    @cached_property
    def _cut(self) -> List:
        return cut_at_response(self._root)


def _turn(turn: tuple[str, str, str]) -> dict[str, str]:
    return dict(zip(("System", "Prompt", "Response"), turn, strict=True))


def _with_response(template: Template) -> List:
    """The tree with `{{ .Response }}` at its end."""
    end = len(template.text)
    pipe = Pipe(end, commands=[Command(end, [Field(end, ("Response",))])])
    return List(template.root.pos, [*template.root.nodes, Action(end, pipe)])
