"""The prompt of a single request without a conversation."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ollamars.prompts.chat import Prompt, Render, chat_prompt
from ollamars.prompts.gotemplate.strconv import replace_bad_bytes
from ollamars.prompts.media import Media
from ollamars.prompts.messages import Message, Think
from ollamars.prompts.template import ChatTemplate, Request


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """What a request for a completion asks for."""

    prompt: str
    suffix: str = ""
    system: str = ""
    images: tuple[bytes, ...] = ()
    template: ChatTemplate | None = None
    """The request's own template."""
    context: str | None = None
    """The text of the request's `context`; None: it has none."""
    think: Think = None


def generate_messages(
    request: GenerateRequest, *, system: str = "", messages: Sequence[Message] = ()
) -> list[Message]:
    """The conversation that a request stands for; `system` and `messages` are the model's own.

    The model's messages are left out when the request goes on from a context.
    """
    text = request.system or system
    before = [Message("system", text)] if text else []
    stored = messages if request.context is None else ()
    return [*before, *stored, Message("user", request.prompt, images=request.images)]


def generate_prompt(
    request: GenerateRequest,
    render: Render,
    *,
    template: ChatTemplate,
    today: datetime.date,
    num_ctx: int,
    count_tokens: Callable[[str], int],
    system: str = "",
    messages: Sequence[Message] = (),
    truncate: bool = True,
    has_projector: bool = False,
    families: Sequence[str] = (),
    tag_media: bool = True,
) -> Prompt:
    """The prompt of a request, behind the text of its context.

    With a suffix or a template of its own, the request's template (or `template`, the model's) is
    executed as it is; otherwise the request is the end of a conversation for `render`, as in
    `chat_prompt`, whose parameters the others are. Raises what `chat_prompt` raises.
    """
    before = request.context or ""
    if request.suffix or request.template is not None:
        chosen = request.template or template
        if request.suffix:
            values = Request(prompt=request.prompt, suffix=request.suffix, think=request.think)
        else:
            conversation = generate_messages(request, system=system, messages=messages)
            values = Request(messages=conversation, think=request.think)
        text = replace_bad_bytes(chosen.render(values, today=today))
        media = tuple(Media(i, data) for i, data in enumerate(request.images))
        return Prompt(before + text, media)
    prompt = chat_prompt(
        generate_messages(request, system=system, messages=messages),
        render,
        num_ctx=num_ctx,
        count_tokens=count_tokens,
        truncate=truncate,
        has_projector=has_projector,
        families=families,
        tag_media=tag_media,
    )
    return Prompt(before + prompt.text, prompt.media)
