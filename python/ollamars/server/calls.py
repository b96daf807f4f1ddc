"""Requests for text as no API in particular writes them, and what comes of them.

A dialect is two pure functions around these: from its request to a call, from the outcome to its
answer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ollamars.prompts.chat import Prompt
from ollamars.prompts.messages import Message, Think, Tool
from ollamars.server.inference import Answer, Answers, Job, empty_answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What every request for text may ask for."""

    model: str
    """The name as the request has it."""
    options: Mapping[str, Any] | None = None
    """Under Ollama's names; not checked yet."""
    format: str | None = None
    """JSON text of the format that the answer must have."""
    keep_alive: int | None = None
    """Nanoseconds that the model stays loaded; None: the server's default."""
    think: Think = None
    think_if_possible: bool = False
    """Is a wish to think dropped where the model cannot, instead of refused?"""
    truncate: bool = True
    """May a prompt that is too long be cut?"""
    shift: bool | None = None
    """May the oldest tokens be dropped when the context is full? None: as the model's family."""
    debug: bool = False
    """Answer with the prompt instead."""
    logprobs: bool = False
    top_logprobs: int = 0
    """With `logprobs`: so many of the likeliest tokens of each step."""

    @property
    def wanted_logprobs(self) -> int | None:
        """What the engine is told: None for no log-probabilities at all."""
        return self.top_logprobs if self.logprobs else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatCall(Call):
    """The next message of a conversation is wanted. No messages: load the model, or unload it."""

    messages: Sequence[Message] = ()
    tools: Sequence[Tool] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateCall(Call):
    """Text for one prompt is wanted. No prompt: load the model, or unload it."""

    prompt: str = ""
    suffix: str = ""
    system: str = ""
    template: str = ""
    context: Sequence[int] | None = None
    """Tokens of a former answer to go on from."""
    images: tuple[bytes, ...] = ()
    raw: bool = False
    """The prompt is the model's input as it stands."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """There was nothing to say: the model was loaded (`load`) or unloaded (`unload`)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """The prompt, where only that was asked for."""

    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Running:
    """An answer whose work begins when its first piece is asked for."""

    job: Job
    prompt: Prompt
    pieces: Answers


Outcome: TypeAlias = Nothing | Rendered | Running


async def pieces_of(outcome: Nothing | Running) -> AsyncIterator[list[Answer]]:
    """The pieces of an answer; where there was nothing to say, only its end."""
    if isinstance(outcome, Nothing):
        yield [empty_answer(outcome.reason)]
        return
    async for batch in outcome.pieces:
        yield batch
