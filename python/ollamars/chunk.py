"""Pieces of an answer of the embedding API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from ollamars.prompts.messages import Message

DoneReason = Literal["stop", "length", "cancelled"]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an answer; the last one has `done` and the counts."""

    text: str
    """New text: whole characters, possibly empty."""
    tokens: tuple[int, ...] = ()
    """The tokens behind it, the end token included."""
    done: bool = False
    done_reason: DoneReason | None = None
    prompt_tokens: int = 0
    eval_tokens: int = 0
    prompt_duration: int = 0
    """Nanoseconds from the first prefill step to the first token."""
    eval_duration: int = 0
    """Nanoseconds spent after the first token."""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class ChatChunk(Chunk):
    """A piece of an answer in a conversation. Its text is the content, without thinking and calls.

    The pieces of `message` joined, as `stream=False` gives them, go on in the next `messages`.
    """

    message: Message = field(default_factory=lambda: Message("assistant"))
    """What is new of the answer: `content`, `thinking`, `tool_calls`."""

    __str__ = Chunk.__str__


_C = TypeVar("_C", bound=Chunk)


def joined(chunks: Sequence[_C]) -> _C:
    """All pieces of an answer as one, without what `ChatChunk` adds."""
    return replace(
        chunks[-1],
        text="".join(chunk.text for chunk in chunks),
        tokens=tuple(token for chunk in chunks for token in chunk.tokens),
    )


def joined_chat(chunks: Sequence[ChatChunk]) -> ChatChunk:
    """All pieces of an answer in a conversation as one."""
    messages = [chunk.message for chunk in chunks]
    whole = Message(
        "assistant",
        content="".join(message.content for message in messages),
        thinking="".join(message.thinking for message in messages),
        tool_calls=tuple(call for message in messages for call in message.tool_calls),
    )
    return replace(joined(chunks), message=whole)
