"""What a family's model may write before its content: thinking between two marks."""

from __future__ import annotations

from typing import Final

from ollamars.prompts.messages import Message, Think
from ollamars.prompts.parsers import PARSERS
from ollamars.prompts.parsers.stream import ToolCallError, goes_on
from ollamars.prompts.thinking import ThinkingTags

_MARKS: Final = (
    ThinkingTags("<think>", "</think>"),
    ThinkingTags("[THINK]", "[/THINK]"),
    ThinkingTags("<|channel>", "<channel|>"),
    ThinkingTags("<|START_THINKING|>", "<|END_THINKING|>"),
)
_FINAL: Final = ThinkingTags("", "<|channel|>final<|message|>")
"""A text of harmony begins with the header of a message; its content is the final one."""


def thinking_before(name: str, last: Message | None, think: Think) -> ThinkingTags | None:
    """The marks around what comes before the content of an answer, by the name of its parser.

    Without an opening mark the answer begins inside; None: it begins with content. `last` is the
    last message of the request, `think` what it says about thinking.
    """
    family = PARSERS.get(name)
    if family is None:
        return None
    if name == "harmony":
        return None if goes_on(last) else _FINAL
    marks = next((each for each in _MARKS if each.closing in family.preserved_tokens), None)
    if marks is None:
        return None

    def is_thinking(text: str) -> bool:
        try:
            return bool(family.parser((), last, think).add(text, True).thinking)
        except ToolCallError:
            return False

    if is_thinking("x"):
        return ThinkingTags("", marks.closing)
    return marks if is_thinking(f"{marks.opening}x{marks.closing}") else None
