"""Thinking: its tags, as a template writes them, and a parser of what a model streams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import Enum, auto
from typing import Final, NamedTuple

from ollamars.prompts.gotemplate.nodes import (
    Action,
    Branch,
    Field,
    List,
    Node,
    Pipe,
    Range,
    Text,
)
from ollamars.prompts.messages import Message
from ollamars.prompts.template import ChatTemplate
from ollamars.prompts.text import WHITE_SPACE, overlap


class ThinkingTags(NamedTuple):
    """What a model writes before and behind its thinking; empty: unknown."""

    opening: str = ""
    closing: str = ""

    def __bool__(self) -> bool:
        """Are both known?"""
        return bool(self.opening and self.closing)


DEFAULT_TAGS: Final = ThinkingTags("<think>", "</think>")


def thinking_tags(template: ChatTemplate) -> ThinkingTags:
    """The tags around `.Thinking` in the messages of a template.

    They are the first and the last text of the list of nodes that the field stands in, if it
    stands in a `range` over the messages. A later field overwrites what an earlier one gave.
    """
    opening = closing = ""
    for pipe, nodes, loop in _pipelines(template.root):
        if not _has_field(pipe, "Thinking") or loop is None:
            continue
        if not _has_field(loop.pipe, "Messages"):
            continue
        first, last = nodes.nodes[0], nodes.nodes[-1]
        if isinstance(first, Text):
            opening = first.text.strip(WHITE_SPACE)
        if isinstance(last, Text):
            closing = last.text.strip(WHITE_SPACE)
    return ThinkingTags(opening, closing)


def _pipelines(root: List) -> Iterator[tuple[Pipe, List, Range | None]]:
    """Each pipeline in document order, with the nearest list and `range` around it."""
    waiting: list[tuple[Node, List, Range | None]] = [(root, root, None)]
    while waiting:
        node, nodes, loop = waiting.pop()
        if isinstance(node, List):
            waiting.extend((child, node, loop) for child in reversed(node.nodes))
        elif isinstance(node, Branch):
            inner = node if isinstance(node, Range) else loop
            yield node.pipe, nodes, inner
            lists = [node.body] if node.otherwise is None else [node.otherwise, node.body]
            waiting.extend((each, each, inner) for each in lists)
        elif isinstance(node, Action):
            yield node.pipe, nodes, loop


def _has_field(pipe: Pipe, name: str) -> bool:
    """Does a field of the dot that starts with `name` stand in it?"""
    return any(
        (isinstance(arg, Field) and arg.names[0] == name)
        or (isinstance(arg, Pipe) and _has_field(arg, name))
        for command in pipe.commands
        for arg in command.args
    )


class _State(Enum):
    BEFORE = auto()
    OPENED = auto()
    """Behind the opening tag, dropping white space."""
    THINKING = auto()
    CLOSED = auto()
    """Behind the closing tag, dropping white space."""
    DONE = auto()


class ThinkingParser:
    """Splits a stream into thinking and content.

    Text that may turn out to be part of a tag is held back; what is held back at the end of the
    stream is dropped, as Ollama does.
    """

    def __init__(self, tags: ThinkingTags = DEFAULT_TAGS, *, prefilled: bool = False) -> None:
        """`prefilled`: the prompt ended with the opening tag."""
        self._tags = tags
        self._state = _State.OPENED if prefilled else _State.BEFORE
        self._blank: list[str] = []
        """White space before anything else; it is content if no tag follows."""
        self._held = ""

    def add(self, chunk: str) -> tuple[str, str]:
        """Thinking and content that the next piece of text makes certain."""
        thinking = ""
        if self._state is _State.BEFORE:
            chunk, certain = self._before(chunk)
            if certain is not None:
                return "", certain
        if self._state is _State.OPENED:
            chunk = chunk.lstrip(WHITE_SPACE)
            if chunk:
                self._state = _State.THINKING
        if self._state is _State.THINKING:
            thinking, chunk = self._thinking(chunk)
        if self._state is _State.CLOSED:
            chunk = chunk.lstrip(WHITE_SPACE)
            if chunk:
                self._state = _State.DONE
        return (thinking, chunk) if self._state is _State.DONE else (thinking, "")

    def _before(self, chunk: str) -> tuple[str, str | None]:
        """What follows the opening tag; or the content, if there is no tag."""
        if not self._held:
            visible = chunk.lstrip(WHITE_SPACE)
            self._blank.append(chunk[: len(chunk) - len(visible)])
            chunk = visible
        self._held += chunk
        if self._held.startswith(self._tags.opening):
            rest = self._held.removeprefix(self._tags.opening)
            self._state, self._held, self._blank = _State.OPENED, "", []
            return rest, None
        if self._tags.opening.startswith(self._held):
            return "", ""
        content = "".join((*self._blank, self._held))
        self._state, self._held, self._blank = _State.DONE, "", []
        return "", content

    def _thinking(self, chunk: str) -> tuple[str, str]:
        """Certain thinking, and what follows the closing tag."""
        text = self._held + chunk
        before, found, after = text.partition(self._tags.closing)
        if found:
            self._state, self._held = _State.CLOSED, ""
            return before, after
        size = overlap(text, self._tags.closing)
        self._held = text[len(text) - size :]
        return text[: len(text) - size], ""


_FILTERED_FAMILY: Final = "qwen3"
_FILTERED_NAME: Final = "deepseek-r1"


def is_old_thinking_model(family: str, name: str) -> bool:
    """Is it one of the models that got thinking before thinking was known?"""
    model = name.rpartition("/")[2].partition(":")[0]
    return family == _FILTERED_FAMILY or model == _FILTERED_NAME


def without_old_thinking(messages: Sequence[Message], family: str, name: str) -> list[Message]:
    """Messages without the thinking that stands in the text of earlier answers.

    Only for models that wrote it there (by `family` or model `name`), and only before the last
    user message.
    """
    if not is_old_thinking_model(family, name):
        return list(messages)
    users = [index for index, message in enumerate(messages) if message.role == "user"]
    last_user = users[-1] if users else -1
    return [
        replace(message, content=ThinkingParser().add(message.content)[1])
        if message.role == "assistant" and index < last_user
        else message
        for index, message in enumerate(messages)
    ]
