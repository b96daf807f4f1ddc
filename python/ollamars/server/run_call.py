"""The engine's part of an answer, whatever was asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack

from ollamars.prompts.thinking import ThinkingTags
from ollamars.runtime.engine import Event
from ollamars.server.calls import Call
from ollamars.server.formats import grammar_of, wanted_form
from ollamars.server.inference import Job, refuse_media, run_prompt


async def run_call(
    call: Call,
    job: Job,
    prompt: str,
    media: Sequence[object],
    thinking: ThinkingTags | None,
    on_end: ExitStack,
) -> AsyncIterator[Sequence[Event]]:
    """Start to answer `prompt`; a format holds behind `thinking`. Raises `OllamarsError`."""
    form = wanted_form(call.format, call.options)
    refuse_media(job.served, media)
    return await run_prompt(
        job,
        prompt,
        truncate=call.truncate,
        logprobs=call.wanted_logprobs,
        grammar=await grammar_of(job, form, thinking),
        on_end=on_end,
    )
