"""The next message of a conversation, whatever the API."""

from __future__ import annotations

import datetime
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from functools import partial

from ollamars.described import DescribedModel, prompt_renderer, tool_calls
from ollamars.errors import BadRequest
from ollamars.prompts.chat import Prompt, chat_prompt
from ollamars.prompts.jinja import begun_answer
from ollamars.prompts.jinja_calls import CallFormat
from ollamars.prompts.messages import Message, Think, Tool
from ollamars.prompts.thinking import (
    DEFAULT_TAGS,
    ThinkingTags,
    thinking_tags,
    without_old_thinking,
)
from ollamars.runtime.engine import Event
from ollamars.server.answer import TaggedAnswer, family_answer, is_prefilled
from ollamars.server.calls import ChatCall, Nothing, Outcome, Rendered, Running
from ollamars.server.checks import (
    check_capability,
    check_completion,
    check_top_logprobs,
    checked_think,
)
from ollamars.server.context import Context
from ollamars.server.formats import grammar_of, wanted_form
from ollamars.server.inference import Answers, Job, refuse_media, run_prompt, start_job
from ollamars.server.served import find_served
from ollamars.server.threads import in_prompt_thread


async def start_chat(context: Context, call: ChatCall, on_end: ExitStack) -> Outcome:
    """Check a call and get its answer ready. `on_end` ends its work. Raises `OllamarsError`."""
    started = time.monotonic_ns()
    check_top_logprobs(call.top_logprobs)
    served = await find_served(context, call.model, unnamed=BadRequest("model is required"))
    if not call.messages and call.keep_alive == 0:
        await context.runtime.unload(served.stored)
        return Nothing("unload")
    think = _check(call, served)
    job = await start_job(
        context,
        served,
        options=call.options,
        keep_alive=call.keep_alive,
        shift=call.shift,
        started=started,
        on_end=on_end,
    )
    if not call.messages:
        return Nothing("load")
    return await _ready(call, job, think, on_end)


def _check(call: ChatCall, served: DescribedModel) -> Think:
    """Raises `BadRequest` for what the model cannot do; whether it shall think."""
    think = checked_think(served, call.model, call.think, if_possible=call.think_if_possible)
    check_completion(served, call.model, "chat")
    if call.tools:
        check_capability(served, "tools")
    return think


async def _ready(call: ChatCall, job: Job, think: Think, on_end: ExitStack) -> Rendered | Running:
    """The prompt, and with it the answer if more than that was asked for."""
    served, tools = job.served, call.tools
    calls = (
        await in_prompt_thread(tool_calls, served) if tools else CallFormat(family=served.parser)
    )
    family = family_answer(calls.family, tools, call.messages[-1], think)
    named = family.tools if family and tools else tools
    prompt = await in_prompt_thread(_prompt, call, job, named, think)
    if call.debug:
        return Rendered(prompt)
    begun = _begun(call, served)
    parser = family or _tagged(call, job, prompt, calls, think and not begun)
    start = partial(_start, call, job, prompt, parser.before, on_end)
    return Running(job, prompt, Answers(job, start, parser, logprobs=call.logprobs, begun=begun))


def _conversation(call: ChatCall, served: DescribedModel) -> list[Message]:
    """The messages of the model, its system text where the request has none, the request's."""
    asked = call.messages
    system = served.stored.system
    own = [Message("system", system)] if system and asked[0].role != "system" else []
    messages = [*own, *served.messages, *asked]
    return without_old_thinking(messages, served.family, served.stored.name.model)


def _prompt(call: ChatCall, job: Job, tools: Sequence[Tool] | None, think: Think) -> Prompt:
    """The prompt; blocks. Raises `OllamarsError`."""
    today = datetime.date.today()
    return chat_prompt(
        _conversation(call, job.served),
        prompt_renderer(job.served, job.tokenizer, tools=tools, think=think, today=today),
        num_ctx=job.num_ctx,
        count_tokens=job.count_tokens,
        truncate=call.truncate,
        has_projector=bool(job.served.stored.projector_paths),
        families=job.served.families,
        tag_media=not job.served.has_renderer,
    )


async def _start(
    call: ChatCall, job: Job, prompt: Prompt, thinking: ThinkingTags | None, on_end: ExitStack
) -> AsyncIterator[Sequence[Event]]:
    form = wanted_form(call.format, call.options)
    refuse_media(job.served, prompt.media)
    return await run_prompt(
        job,
        prompt.text,
        truncate=call.truncate,
        logprobs=call.wanted_logprobs,
        grammar=await grammar_of(job, form, thinking),
        on_end=on_end,
    )


def _begun(call: ChatCall, served: DescribedModel) -> str:
    """Text of the request that the answer begins with, on the native path."""
    return (begun_answer(call.messages) or "") if served.is_native else ""


def _tagged(
    call: ChatCall, job: Job, prompt: Prompt, calls: CallFormat, think: Think
) -> TaggedAnswer:
    served = job.served
    tags = DEFAULT_TAGS if served.is_native else thinking_tags(served.template)
    return TaggedAnswer(
        tags if think and tags else None,
        prefilled=is_prefilled(prompt.text, tags),
        tool_tag=calls.tag,
        tool_names=[tool.name for tool in call.tools or ()],
    )
