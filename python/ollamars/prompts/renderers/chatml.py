"""Turns between `<|im_start|>` and `<|im_end|>`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ollamars.prompts.messages import Message

START: Final = "<|im_start|>"
END: Final = "<|im_end|>\n"


def opened(role: str) -> str:
    """The start of a turn."""
    return f"{START}{role}\n"


def turn(role: str, text: str) -> str:
    """A whole turn."""
    return f"{START}{role}\n{text}{END}"


def first_system(messages: Sequence[Message]) -> Message | None:
    """The first system message anywhere."""
    return next((message for message in messages if message.role == "system"), None)
