"""What a model says, taken apart: thinking, tool calls, content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ollamars.prompts.messages import Message, Think, Tool, ToolCall
from ollamars.prompts.parsers import PARSERS, Parser, parser
from ollamars.prompts.parsers.before import thinking_before
from ollamars.prompts.text import WHITE_SPACE
from ollamars.prompts.thinking import ThinkingParser, ThinkingTags
from ollamars.prompts.tool_tag import OBJECT_TAG
from ollamars.prompts.tools import ToolParser


@dataclass(frozen=True, slots=True)
class Parts:
    """What a piece of text adds to an answer. Calls have the ids that the model wrote."""

    content: str = ""
    thinking: str = ""
    calls: Sequence[ToolCall] = ()

    def __bool__(self) -> bool:
        return bool(self.content or self.thinking or self.calls)


def sum_of(*pieces: Parts) -> Parts:
    """What pieces of an answer add up to."""
    return Parts(
        "".join(piece.content for piece in pieces),
        "".join(piece.thinking for piece in pieces),
        [call for piece in pieces for call in piece.calls],
    )


class AnswerParser(Protocol):
    """Reads the text of a model as it comes."""

    @property
    def special(self) -> Sequence[str]:
        """What it looks for that may be a special token, whose text the engine leaves out."""

    @property
    def before(self) -> ThinkingTags | None:
        """The marks around what may come before the content.

        Without an opening mark the text begins inside; None: with the content.
        """

    def add(self, text: str) -> Parts:
        """What more text makes certain. Raises `OllamarsError`."""

    def finish(self) -> Parts:
        """What the end of the text makes certain. Raises `OllamarsError`."""


class TaggedAnswer:
    """Thinking between tags and calls behind one, as templates write them."""

    def __init__(
        self,
        thinking: ThinkingTags | None = None,
        *,
        prefilled: bool = False,
        tool_tag: str = "",
        tool_names: Sequence[str] = (),
    ) -> None:
        """None, no names: there is nothing of this kind to look for.

        `prefilled`: the prompt ended inside of thinking.
        """
        self._thinking = ThinkingParser(thinking, prefilled=prefilled) if thinking else None
        inside = ThinkingTags("", thinking.closing) if thinking else None
        self.before = inside if prefilled else thinking
        self._tools = ToolParser(tool_tag, tool_names) if tool_names else None
        tags = [*(thinking or ()), *([tool_tag] if tool_names else [])]
        self.special = [tag for tag in tags if tag and tag != OBJECT_TAG]

    def add(self, text: str) -> Parts:
        """See `AnswerParser`."""
        thinking, content = self._thinking.add(text) if self._thinking else ("", text)
        calls: Sequence[ToolCall] = ()
        if self._tools:
            calls, content = self._tools.add(content)
        return Parts(content, thinking, calls)

    def finish(self) -> Parts:
        """See `AnswerParser`."""
        return Parts(self._tools.finish() if self._tools else "")


class FamilyAnswer:
    """What the built-in parser of a model family reads."""

    def __init__(
        self, read: Parser, special: Sequence[str], before: ThinkingTags | None = None
    ) -> None:
        self._parser = read
        self.special = special
        self.before = before
        self.tools = list(read.tools)
        """The tools of the request under the names that the prompt must give them."""

    def add(self, text: str) -> Parts:
        """See `AnswerParser`."""
        return Parts(*self._parser.add(text))

    def finish(self) -> Parts:
        """See `AnswerParser`."""
        return Parts(*self._parser.add("", True))


def family_answer(
    name: str, tools: Sequence[Tool] | None, last: Message | None, think: Think
) -> FamilyAnswer | None:
    """What reads an answer by the parser of that name; None: there is none.

    `last` is the last message of the request, which the model may go on with.
    """
    found = parser(name, tools or (), last, think)
    if found is None:
        return None
    return FamilyAnswer(found, PARSERS[name].preserved_tokens, thinking_before(name, last, think))


def is_prefilled(prompt: str, tags: ThinkingTags) -> bool:
    """Does a prompt end inside of thinking?"""
    return prompt.rstrip(WHITE_SPACE).endswith(tags.opening)
