"""What a model says, taken apart: thinking, tool calls, content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ollamars.prompts.messages import ToolCall
from ollamars.prompts.text import WHITE_SPACE
from ollamars.prompts.thinking import ThinkingParser, ThinkingTags
from ollamars.prompts.tools import ToolParser


@dataclass(frozen=True, slots=True)
class Parts:
    """What a piece of text adds to an answer."""

    content: str = ""
    thinking: str = ""
    calls: Sequence[ToolCall] = ()

    def __bool__(self) -> bool:
        return bool(self.content or self.thinking or self.calls)


class AnswerParser:
    """Reads the text of a model as it comes."""

    def __init__(
        self,
        *,
        thinking: ThinkingParser | None = None,
        tools: ToolParser | None = None,
        new_call_id: Callable[[], str] = lambda: "",
    ) -> None:
        """None: there is nothing of this kind to look for."""
        self._thinking = thinking
        self._tools = tools
        self._new_call_id = new_call_id

    def add(self, text: str) -> Parts:
        """What more text makes certain."""
        thinking, content = self._thinking.add(text) if self._thinking else ("", text)
        calls: Sequence[ToolCall] = ()
        if self._tools:
            calls, content = self._tools.add(content)
        return Parts(content, thinking, [replace(call, id=self._new_call_id()) for call in calls])

    def finish(self) -> str:
        """Content that was held back for what did not come."""
        return self._tools.finish() if self._tools else ""


def is_prefilled(prompt: str, tags: ThinkingTags) -> bool:
    """Does a prompt end inside of thinking?"""
    return prompt.rstrip(WHITE_SPACE).endswith(tags.opening)
