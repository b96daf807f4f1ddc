"""The prompt of a conversation: what fits into the context, with tags for its pictures."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ollamars.errors import BadRequest
from ollamars.prompts.gotemplate.strconv import replace_bad_bytes
from ollamars.prompts.media import Media
from ollamars.prompts.messages import Message, Think, Tool
from ollamars.prompts.template import ChatTemplate, Request

Render = Callable[[Sequence[Message]], str]
"""The text of a conversation: by a Go template, a Jinja template or a named renderer."""

IMAGE_TOKENS: Final = 768
"""What a picture is taken to need, before it is seen by the model."""

_SEARCH_FROM: Final = 64
_TAG: Final = "[img]"


@dataclass(frozen=True, slots=True)
class Prompt:
    """Text for the model, and the media that it names."""

    text: str
    media: tuple[Media, ...] = ()


def template_renderer(
    template: ChatTemplate,
    *,
    today: datetime.date,
    tools: Sequence[Tool] | None = None,
    think: Think = None,
) -> Render:
    """A Go template as a `Render`."""

    def render(messages: Sequence[Message]) -> str:
        request = Request(messages=messages, tools=tools, think=think)
        return replace_bad_bytes(template.render(request, today=today))

    return render


def chat_prompt(
    messages: Sequence[Message],
    render: Render,
    *,
    num_ctx: int,
    count_tokens: Callable[[str], int],
    truncate: bool = True,
    has_projector: bool = False,
    families: Sequence[str] = (),
    tag_media: bool = True,
) -> Prompt:
    """The prompt of a conversation, the oldest messages dropped until it has `num_ctx` tokens.

    System messages and the last message always stay. Media are numbered in order; each takes the
    place of the next `[img]` of its message, or stands before its text (`tag_media` off: the
    renderer does that). Raises what `render` raises, and `BadRequest` for several pictures in one
    message where the model's family takes only one.
    """

    def fits(start: int) -> bool:
        kept = _kept(messages, start)
        count = count_tokens(render(kept))
        if has_projector:
            count += IMAGE_TOKENS * sum(len(message.images) for message in messages[start:])
        return count <= num_ctx

    start = _first_that_fits(len(messages), fits) if truncate else 0
    media: list[Media] = []
    tagged = [
        _tagged(message, media, families, tag_media=tag_media) for message in messages[start:]
    ]
    return Prompt(render([*_system(messages, start), *tagged]), tuple(media))


def _system(messages: Sequence[Message], start: int) -> list[Message]:
    return [message for message in messages[:start] if message.role == "system"]


def _kept(messages: Sequence[Message], start: int) -> list[Message]:
    return [*_system(messages, start), *messages[start:]]


def _first_that_fits(count: int, fits: Callable[[int], bool]) -> int:
    """The first start with which the prompt fits; the last message where none does.

    A long conversation is searched by halves, which rests on prompts not growing when messages are
    dropped.
    """
    for start in range(min(count - 1, _SEARCH_FROM)):
        if fits(start):
            return start
    low, high = min(count - 1, _SEARCH_FROM), count - 1
    while low < high:
        middle = (low + high) // 2
        if fits(middle):
            high = middle
        else:
            low = middle + 1
    return max(low, 0)


def _tagged(
    message: Message, media: list[Media], families: Sequence[str], *, tag_media: bool
) -> Message:
    """The message with tags for its media, which are added to `media`."""
    if "mllama" in families and len(message.images) > 1:
        raise BadRequest("this model only supports one image while more than one image requested")
    prefix, content = "", message.content
    for data in message.images:
        tag = f"[img-{len(media)}]"
        media.append(Media(len(media), data))
        if not tag_media:
            continue
        if _TAG in content:
            content = content.replace(_TAG, tag, 1)
        else:
            prefix += tag
    return replace(message, content=prefix + content) if message.images else message
