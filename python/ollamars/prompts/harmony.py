"""Harmony, the format of gpt-oss: messages with a role, a channel and a recipient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from ollamars.prompts.messages import Message
from ollamars.prompts.text import WHITE_SPACE, overlap

START: Final = "<|start|>"
MESSAGE: Final = "<|message|>"
END: Final = "<|end|>"
CHANNEL: Final = "<|channel|>"
_CONSTRAIN: Final = "<|constrain|>"
_ASSISTANT: Final = START + "assistant"


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before a message; empty: not said."""

    role: str = ""
    channel: str = ""
    recipient: str = ""


@dataclass(frozen=True, slots=True)
class MessageStart:
    """A message begins."""


@dataclass(frozen=True, slots=True)
class MessageEnd:
    """A message has ended."""


Event: TypeAlias = MessageStart | Header | str | MessageEnd
"""A text is content."""


def read_header(text: str) -> Header:
    """The header between `<|start|>` and `<|message|>`.

    The recipient may stand before or behind the channel.
    """
    text = text.replace(_CONSTRAIN, " " + _CONSTRAIN, 1)
    before, found, after = text.partition(CHANNEL)
    channel = ""
    if found:
        size = next((i for i, char in enumerate(after) if char in WHITE_SPACE), len(after))
        channel, text = after[:size], before + after[size:]
    words = _words(text)
    if not words:
        return Header(channel=channel)
    role, recipient = words[0], ""
    if role.startswith("to="):
        role, recipient = "tool", role.removeprefix("to=")
    if not recipient and len(words) > 1 and words[1].startswith("to="):
        recipient = words[1].removeprefix("to=")
    return Header(role, channel, recipient)


def _words(text: str) -> list[str]:
    """The words of a text, at white space as Unicode defines it."""
    spaced = "".join(" " if char in WHITE_SPACE else char for char in text)
    return [word for word in spaced.split(" ") if word]


class HarmonyReader:
    """Reads events out of a stream. Text that may be part of a tag is held back."""

    def __init__(self, opening: str = "") -> None:
        """`opening`: text that the prompt ended with, which the stream goes on from."""
        self._buffer = opening
        self._tag = START
        """The tag that ends what is being read."""

    def add(self, text: str) -> Iterator[Event]:
        """The events that the next piece makes certain."""
        self._buffer += text
        while self._tag in self._buffer:
            before, _, self._buffer = self._buffer.partition(self._tag)
            if self._tag == START:
                self._tag = MESSAGE
                yield MessageStart()
            elif self._tag == MESSAGE:
                self._tag = END
                yield read_header(before)
            else:
                self._tag = START
                if before:
                    yield before
                yield MessageEnd()
        size = len(self._buffer) - overlap(self._buffer, END)
        if self._tag == END and size:
            content, self._buffer = self._buffer[:size], self._buffer[size:]
            yield content


def opening(last: Message | None) -> str:
    """What a stream goes on from, by the last message of the request."""
    if last is not None and last.role == "assistant":
        if last.content:
            return f"{_ASSISTANT}{CHANNEL}final{MESSAGE}"
        if last.thinking:
            return f"{_ASSISTANT}{CHANNEL}analysis{MESSAGE}"
    return _ASSISTANT
