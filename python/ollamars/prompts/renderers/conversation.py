"""What a prompt is rendered from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ollamars.prompts.messages import Message, Think, Tool


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages, tools and what the request says about thinking."""

    messages: Sequence[Message]
    tools: Sequence[Tool] = ()
    think: Think = None
    today: str = ""
    """The date, `YYYY-MM-DD`."""
    numbered_images: bool = True
    """Are images written as `[img-N]` (else by the family's own marker)?"""

    def thinks(self, *, default: bool) -> bool:
        """Is thinking on? Every level counts as on."""
        return default if self.think is None else bool(self.think)

    def leading(self, *roles: str) -> Message | None:
        """The first message, if it has one of the roles."""
        first = self.messages[0] if self.messages else None
        return first if first is not None and first.role in roles else None

    def last_index(self, role: str) -> int:
        """Index of the last message of a role; -1 if there is none."""
        return last_index(self.messages, role)


Render: TypeAlias = Callable[[Conversation], str]
"""Makes the prompt text of a conversation. Raises `BadRequest` for one that the family refuses."""


def last_index(messages: Sequence[Message], role: str) -> int:
    """Index of the last message of a role; -1 if there is none."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].role == role:
            return index
    return -1


def is_first_of(messages: Sequence[Message], index: int, role: str) -> bool:
    """Does a run of messages of the role start at the index?"""
    return index == 0 or messages[index - 1].role != role


def is_last_of(messages: Sequence[Message], index: int, role: str) -> bool:
    """Does a run of messages of the role end at the index?"""
    return index == len(messages) - 1 or messages[index + 1].role != role
