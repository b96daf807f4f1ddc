"""The next message of a conversation, whatever the API."""

from __future__ import annotations

import datetime
import time
from contextlib import ExitStack
from functools import partial

from ollamars.conversation import Turn, checked_think, next_turn
from ollamars.described import DescribedModel
from ollamars.errors import BadRequest
from ollamars.prompts.chat import Prompt
from ollamars.prompts.messages import Think
from ollamars.server.calls import ChatCall, Nothing, Outcome, Rendered, Running
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
    turn = await in_prompt_thread(next_turn, job.served, call.messages, call.tools, think)
    prompt = await in_prompt_thread(_prompt, call, job, turn)
    if call.debug:
        return Rendered(prompt)
    parser = turn.parser(prompt)
    start = partial(run_call, call, job, prompt.text, prompt.media, parser.before, on_end)
    pieces = Answers(job, start, parser, logprobs=call.logprobs, begun=turn.begun)
    return Running(job, prompt, pieces)


def _prompt(call: ChatCall, job: Job, turn: Turn) -> Prompt:
    """The prompt; blocks. Raises `OllamarsError`."""
    return turn.prompt(
        job.tokenizer,
        today=datetime.date.today(),
        num_ctx=job.num_ctx,
        count_tokens=job.count_tokens,
        truncate=call.truncate,
    )
