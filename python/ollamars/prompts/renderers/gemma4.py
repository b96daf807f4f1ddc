"""Gemma 4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from ollamars.prompts.messages import Message, ToolCall
from ollamars.prompts.renderers import scalars
from ollamars.prompts.renderers.conversation import Conversation, last_index
from ollamars.prompts.renderers.gemma4_schema import QUOTE, declaration, quoted
from ollamars.prompts.renderers.images import ImageTags
from ollamars.prompts.text import WHITE_SPACE

BOS: Final = "<bos>"
_THOUGHT: Final = "<|channel>thought\n"


@dataclass(frozen=True, slots=True)
class _Turn:
    """A message that is not a tool's result, with the results that follow it."""

    index: int
    message: Message
    responses: Sequence[Message]
    """Results of its own calls."""
    next_role: str
    """Role of the next message that is not a tool's result."""


@dataclass(frozen=True, slots=True)
class Variant:
    """Large models get an empty thought where thinking is off."""

    empty_thought: bool

    def render(self, conversation: Conversation) -> str:
        """The prompt. Results of tools are folded into the turn of their calls."""
        thinking = conversation.thinks(default=False)
        system = conversation.leading("system", "developer")
        messages = conversation.messages[1:] if system else conversation.messages
        last_user = last_index(messages, "user")
        images = ImageTags(conversation)
        parts = [BOS, _system(conversation, system, thinking)]
        turns = _turns(messages)
        previous = ""
        for turn in turns:
            parts.append(_turn(turn, previous, images, current=turn.index > last_user))
            previous = turn.message.role
        last = turns[-1] if turns else None
        if last is None or not last.message.tool_calls:
            thought = f"{_THOUGHT}<channel|>" if self.empty_thought and not thinking else ""
            parts.append("<|turn>model\n" + thought)
        elif last.responses and thinking:
            parts.append(_THOUGHT)
        return "".join(parts)


def _system(conversation: Conversation, system: Message | None, thinking: bool) -> str:
    if not (system or conversation.tools or thinking):
        return ""
    text = "<|think|>\n" if thinking else ""
    text += system.content.strip(WHITE_SPACE) if system else ""
    return f"<|turn>system\n{text}{''.join(map(declaration, conversation.tools))}<turn|>\n"


def _turns(messages: Sequence[Message]) -> list[_Turn]:
    places = [index for index, message in enumerate(messages) if message.role != "tool"]
    turns = []
    for place, following in pairwise([*places, len(messages)]):
        responses = messages[place + 1 : following] if messages[place].tool_calls else ()
        next_role = messages[following].role if following < len(messages) else ""
        turns.append(_Turn(place, messages[place], responses, next_role))
    return turns


def _turn(turn: _Turn, previous: str, images: ImageTags, *, current: bool) -> str:
    message = turn.message
    is_model = message.role == "assistant"
    parts = []
    if not (is_model and previous == "assistant"):
        parts.append(f"<|turn>{'model' if is_model else message.role}\n")
    if is_model and message.thinking and current:
        parts.append(f"{_THOUGHT}{message.thinking}\n<channel|>")
    parts.extend(map(_call, message.tool_calls))
    for response in turn.responses:
        name = _response_name(response, message.tool_calls)
        content = quoted(images.content(response))
        parts.append(f"<|tool_response>response:{name}{{value:{content}}}<tool_response|>")
    text = _without_thoughts(message.content) if is_model else message.content.strip(WHITE_SPACE)
    parts.append(images.content(message, text))
    has_content = bool(text.strip(WHITE_SPACE) or message.images)
    return "".join(parts) + _ending(turn, has_content)


def _ending(turn: _Turn, has_content: bool) -> str:
    if turn.message.tool_calls and not turn.responses:
        return "<|tool_response>"
    if turn.message.role == "assistant" and turn.next_role == "assistant":
        return ""
    goes_on = turn.responses and not has_content and not turn.next_role
    return "" if goes_on else "<turn|>\n"


def _without_thoughts(text: str) -> str:
    """Content without thinking in `<|channel>..<channel|>`, trimmed."""
    kept, opened, rest = text.partition("<|channel>")
    while opened:
        rest = rest.partition("<channel|>")[2]
        before, opened, rest = rest.partition("<|channel>")
        kept += before
    return kept.strip(WHITE_SPACE)


def _response_name(message: Message, calls: Sequence[ToolCall]) -> str:
    for call in calls:
        if message.tool_call_id and call.id == message.tool_call_id:
            return call.name
    return message.tool_name or "unknown"


def _call(call: ToolCall) -> str:
    arguments = scalars.members(
        dict(call.arguments), lambda value: scalars.notation(value, QUOTE, "null")
    )
    return f"<|tool_call>call:{call.name}{arguments}<tool_call|>"


SMALL: Final = Variant(empty_thought=False)
LARGE: Final = Variant(empty_thought=True)
