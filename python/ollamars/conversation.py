"""The next message of a conversation: what makes its prompt, and what reads the answer."""

from __future__ import annotations

import datetime
import secrets
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ollamars.described import DescribedModel, Vocabulary, prompt_renderer, tool_calls
from ollamars.errors import BadRequest
from ollamars.prompts.answer import (
    AnswerParser,
    FamilyAnswer,
    Parts,
    TaggedAnswer,
    family_answer,
    is_prefilled,
)
from ollamars.prompts.chat import Prompt, chat_prompt
from ollamars.prompts.jinja import begun_answer
from ollamars.prompts.jinja_calls import CallFormat
from ollamars.prompts.messages import Message, Think, Tool
from ollamars.prompts.thinking import DEFAULT_TAGS, thinking_tags, without_old_thinking

_CALL_ID_CHARS = string.ascii_lowercase + string.digits
_CALL_ID_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of the model that is to come; see `next_turn`."""

    model: DescribedModel
    messages: Sequence[Message]
    """What the request says, at least one message."""
    tools: Sequence[Tool] | None
    think: Think
    calls: CallFormat
    family: FamilyAnswer | None
    """What reads the answer where the model has a built-in parser."""

    @property
    def begun(self) -> str:
        """Text of the request that the answer begins with, where Jinja makes the prompt."""
        return (begun_answer(self.messages) or "") if self.model.is_native else ""

    def prompt(
        self,
        vocabulary: Vocabulary,
        *,
        today: datetime.date,
        num_ctx: int,
        count_tokens: Callable[[str], int],
        truncate: bool = True,
    ) -> Prompt:
        """The prompt, cut to `num_ctx` tokens from its beginning. Raises `OllamarsError`."""
        model, tools = self.model, self.family.tools if self.family and self.tools else self.tools
        return chat_prompt(
            self._conversation(),
            prompt_renderer(model, vocabulary, tools=tools, think=self.think, today=today),
            num_ctx=num_ctx,
            count_tokens=count_tokens,
            truncate=truncate,
            has_projector=bool(model.stored.projector_paths),
            families=model.families,
            tag_media=not model.has_renderer,
        )

    def parser(self, prompt: Prompt) -> AnswerParser:
        """What reads the answer to a prompt; good for one answer."""
        return self.family or self._tagged(prompt)

    def _conversation(self) -> list[Message]:
        """The messages of the model, its system text where there is none, those of the request."""
        stored = self.model.stored
        system, asked = stored.system, self.messages
        own = [Message("system", system)] if system and asked[0].role != "system" else []
        messages = [*own, *self.model.messages, *asked]
        return without_old_thinking(messages, self.model.family, stored.name.model)

    def _tagged(self, prompt: Prompt) -> TaggedAnswer:
        tags = DEFAULT_TAGS if self.model.is_native else thinking_tags(self.model.template)
        return TaggedAnswer(
            tags if self.think and not self.begun and tags else None,
            prefilled=is_prefilled(prompt.text, tags),
            tool_tag=self.calls.tag,
            tool_names=[tool.name for tool in self.tools or ()],
        )


def next_turn(
    model: DescribedModel, messages: Sequence[Message], tools: Sequence[Tool] | None, think: Think
) -> Turn:
    """How the answer to `messages` is made. May render a Jinja text, so it blocks."""
    calls = tool_calls(model) if tools else CallFormat(family=model.parser)
    family = family_answer(calls.family, tools, messages[-1], think)
    return Turn(model, messages, tools, think, calls, family)


def checked_think(
    model: DescribedModel, wanted: str, think: Think, *, if_possible: bool = False
) -> Think:
    """Whether the model shall think: a model that can does unless told not to.

    `wanted` is the name as the request has it. `if_possible`: a model that cannot just does not.
    Raises `BadRequest`.
    """
    missing = model.missing("thinking")
    if think and missing and if_possible:
        return None
    if think and missing:
        raise BadRequest(f'"{wanted}" {missing}')
    return True if think is None and not missing else think


def with_call_ids(parts: Parts) -> Parts:
    """The parts with new ids for the calls, also where the model wrote one."""
    calls = [replace(call, id=_new_call_id()) for call in parts.calls]
    return replace(parts, calls=calls) if calls else parts


def _new_call_id() -> str:
    return "call_" + "".join(secrets.choice(_CALL_ID_CHARS) for _ in range(_CALL_ID_LENGTH))
