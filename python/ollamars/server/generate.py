"""Text for one prompt, whatever the API."""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial

from ollamars.conversation import checked_think
from ollamars.described import DescribedModel, prompt_renderer
from ollamars.errors import BadRequest, OllamarsError
from ollamars.prompts import generate as prompts
from ollamars.prompts.answer import TaggedAnswer, family_answer, is_prefilled
from ollamars.prompts.chat import Prompt
from ollamars.prompts.gotemplate import TemplateError
from ollamars.prompts.messages import Think
from ollamars.prompts.template import ChatTemplate
from ollamars.prompts.thinking import thinking_tags
from ollamars.server.calls import GenerateCall, Nothing, Outcome, Rendered, Running
from ollamars.server.checks import (
    check_capability,
    check_completion,
    check_top_logprobs,
)
from ollamars.server.context import Context
from ollamars.server.inference import Answers, Job, start_job
from ollamars.server.run_call import run_call
from ollamars.server.served import find_served
from ollamars.server.threads import in_prompt_thread


async def start_generate(context: Context, call: GenerateCall, on_end: ExitStack) -> Outcome:
    """Check a call and get its answer ready. `on_end` ends its work. Raises `OllamarsError`."""
    started = time.monotonic_ns()
    check_top_logprobs(call.top_logprobs)
    served = await find_served(context, call.model)
    if not call.prompt and call.keep_alive == 0:
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
    if not call.prompt:
        return Nothing("load")
    prompt = await in_prompt_thread(_prompt, call, job, think)
    if call.debug:
        return Rendered(prompt)
    return Running(job, prompt, _answers(call, job, prompt, think, on_end))


def _check(call: GenerateCall, served: DescribedModel) -> Think:
    """Raises `BadRequest` for what cannot be; whether the model shall think."""
    if call.raw and (call.template or call.system or call.context):
        raise BadRequest("raw mode does not support template, system, or context")
    think = checked_think(served, call.model, call.think)
    check_completion(served, call.model, "generate")
    if call.suffix:
        check_capability(served, "insert")
    return think


def _prompt(call: GenerateCall, job: Job, think: Think) -> Prompt:
    """The prompt; blocks. Raises `OllamarsError`."""
    if call.raw:
        return Prompt(call.prompt)
    today = datetime.date.today()
    stored = job.served.stored
    return prompts.generate_prompt(
        prompts.GenerateRequest(
            prompt=call.prompt,
            suffix=call.suffix,
            system=call.system,
            images=call.images,
            template=_own_template(call.template),
            context=_context_text(job, call.context),
            think=think,
        ),
        prompt_renderer(job.served, job.tokenizer, think=think, today=today, conversation=False),
        template=job.served.template,
        today=today,
        num_ctx=job.num_ctx,
        count_tokens=job.count_tokens,
        system=stored.system,
        messages=job.served.messages,
        truncate=call.truncate,
        has_projector=bool(stored.projector_paths),
        families=job.served.families,
        tag_media=not job.served.has_renderer,
    )


def _own_template(text: str) -> ChatTemplate | None:
    if not text:
        return None
    try:
        return ChatTemplate.parse(text)
    except TemplateError as error:
        raise OllamarsError(error.message) from None


def _context_text(job: Job, context: Sequence[int] | None) -> str | None:
    """The text of a former answer's `context`. Raises `OllamarsError` for a foreign token."""
    if context is None:
        return None
    tokenizer = job.tokenizer
    foreign = next((token for token in context if not 0 <= token < tokenizer.n_tokens), None)
    if foreign is not None:
        raise OllamarsError(f"context: token {foreign} is not in the vocabulary")
    return tokenizer.detokenize(context, special=True).decode("utf-8", "replace")


def _answers(
    call: GenerateCall, job: Job, prompt: Prompt, think: Think, on_end: ExitStack
) -> Answers:
    family = None if call.raw else family_answer(job.served.parser, None, None, think)
    parser = family or _tagged(call, job, prompt, think)
    return Answers(
        job,
        partial(run_call, call, job, prompt.text, call.images, parser.before, on_end),
        parser,
        logprobs=call.logprobs,
        with_empty=family is None,
    )


def _tagged(call: GenerateCall, job: Job, prompt: Prompt, think: Think) -> TaggedAnswer:
    """Thinking is told apart only where the Go template knows its tags."""
    tags = thinking_tags(job.served.template)
    if call.raw or not think or not tags:
        return TaggedAnswer()
    return TaggedAnswer(tags, prefilled=is_prefilled(prompt.text, tags))
