"""Running a request on a model: loading, fitting the prompt into the context, streaming."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ollamars.conversation import with_call_ids
from ollamars.described import DescribedModel
from ollamars.errors import BadRequest, OllamarsError
from ollamars.prompts.answer import AnswerParser, Parts, sum_of
from ollamars.runtime.batches import Batches
from ollamars.runtime.engine import Event, Grammar, Tokenizer
from ollamars.runtime.loaded import LoadedModel
from ollamars.runtime.options import Options, model_options
from ollamars.runtime.settings import DEFAULT_CONTEXT, Settings
from ollamars.runtime.token_text import TokenProbability, TokenText, special_texts
from ollamars.server.context import Context
from ollamars.server.threads import in_prompt_thread

_NO_SHIFT = ("deepseek2",)
"""Families whose context is not shifted unless a request asks for it."""
MAX_PREDICT_CONTEXTS = 10
"""An answer ends after this many contexts, whatever `num_predict` says."""
TOO_LONG = (
    "the prompt is longer than the context length currently available to the model; shorten the "
    "prompt, adjust the context length in settings, or use a model with a longer context length"
)


@dataclass(frozen=True, slots=True)
class Job:
    """A request that has its model."""

    served: DescribedModel
    loaded: LoadedModel
    options: Options
    shift: bool
    started: int
    """When the request came, in ns of `time.monotonic_ns`."""
    load_duration: int
    """Nanoseconds that it waited for the model."""

    @property
    def num_ctx(self) -> int:
        """Tokens of context that the request has."""
        return self.loaded.settings.num_ctx

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's."""
        return self.loaded.engine.tokenizer

    def count_tokens(self, text: str) -> int:
        """Tokens of a prompt."""
        return len(self.tokenize(text))

    def tokenize(self, text: str) -> list[int]:
        """A prompt's tokens; special tokens in its text count."""
        return self.tokenizer.encode(text, special=True, add_special=True)


async def start_job(
    context: Context,
    served: DescribedModel,
    *,
    options: Mapping[str, Any] | None,
    keep_alive: int | None,
    shift: bool | None,
    started: int,
    on_end: ExitStack,
) -> Job:
    """Check the options and wait for the model. `on_end` gives it back. Raises `OllamarsError`."""
    checked = model_options(
        served.stored.params,
        options,
        default_num_ctx=context.config.context_length or DEFAULT_CONTEXT,
        capabilities=served.capabilities,
        draft=served.stored.draft_path is not None,
    )
    if shift is None:
        shift = served.family not in _NO_SHIFT
    settings = Settings.of(served.stored, checked, shift=shift, trained=served.trained_context)
    asked = time.monotonic_ns()
    loaded = await context.runtime.acquire(
        served.stored, settings, keep_alive=keep_alive, on_end=on_end
    )
    waited = time.monotonic_ns() - asked
    return Job(served, loaded, checked, shift, started, waited)


def fit(
    tokens: list[int], *, num_ctx: int, num_keep: int, shift: bool, truncate: bool
) -> list[int]:
    """A prompt that leaves room for at least one token; a longer one is cut in its middle.

    `num_keep` tokens at the start stay. Raises `BadRequest` where it may not be cut.
    """
    if len(tokens) < num_ctx:
        return tokens
    if not truncate:
        raise BadRequest(
            f"request ({len(tokens)} tokens) exceeds the available context size "
            f"({num_ctx} tokens), try increasing it"
        )
    if not shift:
        raise BadRequest(TOO_LONG)
    keep = min(max(num_keep, 0), num_ctx - 1)
    total = num_ctx - max((num_ctx - keep) // 2, 1)
    return tokens[:keep] + tokens[len(tokens) - (total - keep) :]


def engine_options(
    job: Job, *, logprobs: int | None = None, grammar: Grammar | None = None
) -> dict[str, Any]:
    """What the engine is told.

    `logprobs`: so many of the likeliest tokens of each step. `grammar`: what the text must fit.
    """
    options = job.options
    limit = MAX_PREDICT_CONTEXTS * job.num_ctx
    predict = options.num_predict
    return options.sampling() | {
        "num_predict": predict if 0 < predict <= limit else limit,
        "repeat_last_n": options.repeat_last_n if options.repeat_last_n >= 0 else job.num_ctx,
        "shift": job.shift,
        **({} if logprobs is None else {"logprobs": logprobs}),
        **({} if grammar is None else {"grammar": grammar}),
    }


@dataclass(frozen=True, slots=True)
class _NothingToRun:
    """The only event of a prompt without tokens."""

    id: int = 0
    text: str = ""
    token: int = -1
    logprob: float | None = None
    top: Sequence[tuple[int, float]] = ()
    done: str | None = "stop"
    error: str | None = None
    prompt_tokens: int = 0
    eval_tokens: int = 0
    prompt_ns: int = 0
    eval_ns: int = 0


async def run_prompt(
    job: Job,
    prompt: str,
    *,
    truncate: bool,
    logprobs: int | None = None,
    grammar: Grammar | None = None,
    on_end: ExitStack,
) -> AsyncIterator[Sequence[Event]]:
    """The engine's events for a prompt, in batches of what is ready; the last one has `done`.

    `logprobs`, `grammar`: as in `engine_options`. The end of the request ends the engine's work,
    whether or not the events are read.
    """
    tokens = fit(
        await in_prompt_thread(job.tokenize, prompt),
        num_ctx=job.num_ctx,
        num_keep=job.options.num_keep,
        shift=job.shift,
        truncate=truncate,
    )
    if not tokens:
        nothing: Batches[Event] = Batches()
        nothing.push(_NothingToRun())
        nothing.end()
        return nothing
    bridge = job.loaded.bridge
    stream = bridge.open(tokens, engine_options(job, logprobs=logprobs, grammar=grammar))
    on_end.callback(bridge.close, stream)
    return stream.batches()


def metrics(job: Job, event: Event) -> dict[str, int]:
    """Counts and durations (ns) of a finished request; what is 0 is left out."""
    values = {
        "total_duration": time.monotonic_ns() - job.started,
        "load_duration": job.load_duration,
        "prompt_eval_count": event.prompt_tokens,
        "prompt_eval_duration": event.prompt_ns,
        "eval_count": event.eval_tokens,
        "eval_duration": event.eval_ns,
    }
    return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class Answer:
    """A piece of an answer; the last one has the event that ended it."""

    parts: Parts
    tokens: Sequence[TokenProbability] = ()
    """The tokens whose text is out with this piece, where they were asked for."""
    last: Event | None = None
    said: str = ""
    """With `last`: all that the model said, as it said it."""
    prompt_tokens: int = 0


def empty_answer(reason: str) -> Answer:
    """The answer where there was nothing to say, and why it ended."""
    return Answer(Parts(), last=_NothingToRun(done=reason))


class Answers:
    """The pieces of an answer, in batches. Asking for the first one starts the work."""

    def __init__(
        self,
        job: Job,
        start: Callable[[], Awaitable[AsyncIterator[Sequence[Event]]]],
        parser: AnswerParser,
        *,
        logprobs: bool = False,
        with_empty: bool = False,
        begun: str = "",
    ) -> None:
        """`with_empty`: text of which nothing is certain yet makes an empty piece.

        `logprobs`: pieces tell their tokens, which `start` must have asked for.

        `begun` is the first piece of an answer that begins with text of the request.
        """
        self._start = start
        self._parser = parser
        special = special_texts(job.tokenizer, parser.special)
        self._text = TokenText(job.tokenizer, special, logprobs=logprobs)
        self._with_empty = with_empty
        self._begun = begun
        self._events: AsyncIterator[Sequence[Event]] | None = None
        self._said: list[str] = []
        self._failure: OllamarsError | None = None

    def __aiter__(self) -> AsyncIterator[list[Answer]]:
        return self

    async def __anext__(self) -> list[Answer]:
        """At least one piece. Raises `OllamarsError`."""
        if self._events is None:
            self._events = await self._start()
            if self._begun:
                return [Answer(Parts(content=self._begun))]
        while True:
            if self._failure is not None:
                raise self._failure
            pieces = list(self._read(await anext(self._events)))
            if pieces:
                return pieces

    def _read(self, events: Sequence[Event]) -> Iterator[Answer]:
        """The pieces of a batch; where one cannot be read, those before it."""
        try:
            for event in events:
                yield from self._pieces(event)
        except OllamarsError as error:
            self._failure = error

    def _pieces(self, event: Event) -> Iterator[Answer]:
        news = self._text.add(event)
        self._said.append(news.text)
        parts = with_call_ids(self._parser.add(news.text)) if news.text else Parts()
        if parts or news.tokens or (news.text and self._with_empty):
            yield Answer(parts, news.tokens, prompt_tokens=event.prompt_tokens)
        if event.done is not None:
            said = "".join(self._said)
            yield Answer(with_call_ids(self._parser.finish()), (), event, said, event.prompt_tokens)


async def whole_answer(pieces: AsyncIterator[list[Answer]]) -> Answer:
    """All pieces as one."""
    every = [piece async for batch in pieces for piece in batch]
    parts = sum_of(*(piece.parts for piece in every))
    tokens = [token for piece in every for token in piece.tokens]
    return Answer(parts, tokens, every[-1].last, every[-1].said)


def refuse_media(served: DescribedModel, media: Sequence[object]) -> None:
    """Refuse what cannot be done yet, instead of ignoring it. Raises `OllamarsError`."""
    if media and not served.can("vision"):
        raise BadRequest("this model does not support images")
    if media:
        raise OllamarsError("images are not supported yet", status=501)
