"""The embedding API: a model in this process, without a server.

>>> from ollamars import Model                                          # doctest: +SKIP
>>> with Model("smollm2:135m") as model:                                # doctest: +SKIP
...     for chunk in model.chat([{"role": "user", "content": "Hi"}]):
...         print(chunk.text, end="")
"""

from __future__ import annotations

import itertools
import math
import os
import queue
import select
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from ollamars import _core
from ollamars.config import Config
from ollamars.errors import BadRequest, ModelError, OllamarsError
from ollamars.local import LocalModel, open_model
from ollamars.runtime.forms import Form
from ollamars.runtime.vectors import cut_tokens, normalized

DoneReason = Literal["stop", "length", "cancelled"]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an answer; the last one has `done` and the counts."""

    text: str
    """New text: whole characters, possibly empty."""
    tokens: tuple[int, ...] = ()
    """The tokens behind it, the end token included."""
    done: bool = False
    done_reason: DoneReason | None = None
    prompt_tokens: int = 0
    eval_tokens: int = 0
    prompt_duration: int = 0
    """Nanoseconds from the first prefill step to the first token."""
    eval_duration: int = 0
    """Nanoseconds spent after the first token."""

    def __str__(self) -> str:
        return self.text


class Tokenizer:
    """The tokenizer of a GGUF file, which may hold a vocabulary alone."""

    def __init__(self, gguf_path: str | os.PathLike[str]) -> None:
        """Read the vocabulary; `ModelError`: it is damaged or of an unknown kind."""
        try:
            self._core = _core.Tokenizer(os.fspath(gguf_path))
        except _core.CoreError as error:
            raise ModelError(str(error)) from None

    @classmethod
    def _of(cls, core: _core.Tokenizer) -> Tokenizer:
        tokenizer = cls.__new__(cls)
        tokenizer._core = core
        return tokenizer

    @property
    def n_tokens(self) -> int:
        """Size of the vocabulary."""
        return self._core.n_tokens

    @property
    def special_ids(self) -> dict[str, int]:
        """Ids of bos, eos, eot, pad, ...; -1 where there is none."""
        return self._core.special_ids

    def encode(
        self, text: str | bytes, *, special: bool = False, add_special: bool = False
    ) -> list[int]:
        """Token ids of `text`.

        With `special`, special tokens written in the text are recognised; with `add_special`, BOS
        and EOS are added as the vocabulary asks.
        """
        return self._core.encode(text, special=special, add_special=add_special)

    @overload
    def decode(self, ids: Sequence[int], *, raw: Literal[False] = False) -> str: ...
    @overload
    def decode(self, ids: Sequence[int], *, raw: Literal[True]) -> bytes: ...
    def decode(self, ids: Sequence[int], *, raw: bool = False) -> str | bytes:
        """Text of `ids`, without special tokens; a broken character becomes U+FFFD.

        With `raw`, the bytes exactly as the tokens hold them, special tokens rendered: what a
        stream of these tokens sends.
        """
        if raw:
            return self._core.pieces(ids, special=True)
        return self._core.detokenize(ids, special=False).decode("utf-8", "replace")


@dataclass
class _Dispatcher:
    """Hands the engine's events to the threads that wait for them."""

    engine: _core.Engine
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    waiting: dict[int, queue.SimpleQueue[_core.Event]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    thread: threading.Thread | None = None
    closed: bool = False

    def open(self, prompt: Sequence[int], options: Mapping[str, Any]) -> int:
        with self.lock:
            if self.closed:
                raise BadRequest("the model is closed")
            if self.thread is None:
                self.thread = threading.Thread(target=self.run, name="ollamars-model", daemon=True)
                self.thread.start()
            request = next(self.ids)
            self.waiting[request] = queue.SimpleQueue()
        try:
            self.engine.submit(request, prompt, options)
        except (_core.CoreError, TypeError, ValueError) as error:
            self.forget(request)
            raise BadRequest(str(error)) from None
        return request

    def forget(self, request: int) -> None:
        with self.lock:
            self.waiting.pop(request, None)

    def run(self) -> None:
        ready = select.poll()
        ready.register(self.engine.event_fd, select.POLLIN)
        while not self.closed:
            ready.poll()
            os.read(self.engine.event_fd, 8)  # first the descriptor, then the queue: none is lost
            self.deliver()

    def deliver(self) -> None:
        for event in self.engine.drain():
            waiter = self.waiting.get(event.id)
            if waiter is not None:
                waiter.put(event)

    def close(self) -> None:
        with self.lock:
            self.closed = True
        self.engine.close()  # makes the descriptor readable: the thread sees that it is closed
        if self.thread is not None and self.thread is not threading.current_thread():
            self.thread.join()
        self.deliver()


class Model:
    """A loaded model. Safe to use from several threads; the work happens without the GIL."""

    def __init__(
        self,
        name_or_path: str | os.PathLike[str],
        *,
        threads: int | None = None,
        num_ctx: int | None = None,
        parallel: int = 8,
    ) -> None:
        """Load a stored model by name, or a GGUF file by path.

        `threads`: threads to compute with (default: physical cores). `num_ctx`: tokens of context
        of each sequence (default: the model's parameter, else 4096, never above what it was trained
        for). `parallel`: sequences that share each step.

        Raises `NotFound` (no such model), `ModelError` (damaged or unsupported file).
        """
        self._local: LocalModel = open_model(name_or_path)
        try:
            self._engine = _core.Engine(
                str(self._local.path),
                num_ctx=num_ctx or self._local.num_ctx,
                parallel=parallel,
                threads=threads or 0,
                exec=Config.load().executor,
            )
        except _core.CoreError as error:
            raise ModelError(str(error)) from None
        self._dispatcher = _Dispatcher(self._engine)
        self._finalizer = weakref.finalize(self, self._dispatcher.close)
        self.tokenizer = Tokenizer._of(self._engine.tokenizer)

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the model. Running generations end with `cancelled`. Idempotent."""
        self._dispatcher.close()

    @property
    def path(self) -> Path:
        """The GGUF file."""
        return self._local.path

    @property
    def num_ctx(self) -> int:
        """Tokens of context of each sequence."""
        return self._engine.num_ctx

    @property
    def architecture(self) -> str:
        """`general.architecture` of the file, e.g. `llama`."""
        return self._engine.architecture

    def tokenize(self, text: str, *, special: bool = True) -> list[int]:
        """Token ids of `text`, with BOS and EOS as the vocabulary asks.

        With `special`, special tokens written in the text are recognised.
        """
        return self.tokenizer.encode(text, special=special, add_special=True)

    def detokenize(self, ids: Sequence[int]) -> str:
        """Text of `ids`, without special tokens."""
        return self.tokenizer.decode(ids)

    def logits(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Logits `[len(ids), vocabulary]` of a causal pass over `ids` (nothing is added)."""
        try:
            return self._engine.logits(ids)
        except _core.CoreError as error:
            raise BadRequest(str(error)) from None

    def embed(self, texts: Sequence[str], *, normalize: bool = True) -> NDArray[np.float32]:
        """Embeddings `[len(texts), dimensions]`, each of length 1 unless `normalize` is False.

        A text that is longer than the context is cut. A model that was made for something else
        gives the hidden state of the last token. Texts share the steps of the model.
        """
        special = self.tokenizer.special_ids
        tokens = [cut_tokens(self.tokenize(text), self.num_ctx, special) for text in texts]
        vectors = self._vectors(self._engine.embed, tokens)
        return normalized(vectors) if normalize else vectors

    @overload
    def generate(
        self, prompt: str, *, stream: Literal[True] = True, **options: Any
    ) -> Iterator[Chunk]: ...
    @overload
    def generate(self, prompt: str, *, stream: Literal[False], **options: Any) -> Chunk: ...
    def generate(
        self, prompt: str, *, stream: bool = True, **options: Any
    ) -> Iterator[Chunk] | Chunk:
        """Continue `prompt` as it stands: special tokens in it count, no template is applied.

        `options` are Ollama's (`temperature`, `num_predict`, `stop`, `seed`, ...), over the model's
        own parameters, and one that the text must fit: `format` (`"json"` or a JSON schema as a
        mapping), `regex`, `lark` or `gbnf` (the text of a grammar).

        Streams `Chunk`s; with `stream=False` returns the whole as one. Raises `BadRequest`: an
        option that is not known or makes no sense, a schema that cannot be met.
        """
        return self._run(self.tokenize(prompt), stream, options)

    @overload
    def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        stream: Literal[True] = True,
        **options: Any,
    ) -> Iterator[Chunk]: ...
    @overload
    def chat(
        self, messages: Sequence[Mapping[str, Any]], *, stream: Literal[False], **options: Any
    ) -> Chunk: ...
    def chat(
        self, messages: Sequence[Mapping[str, Any]], *, stream: bool = True, **options: Any
    ) -> Iterator[Chunk] | Chunk:
        """Answer a conversation through the model's template.

        `messages`: `[{"role": "user", "content": "..."}]`. The oldest are left out when the whole
        does not fit the context. `options` as in `generate`.
        """
        prompt = self._local.chat_prompt(
            messages,
            self._engine.tokenizer,
            num_ctx=self.num_ctx,
            count_tokens=lambda text: len(self.tokenize(text)),
        )
        return self._run(self.tokenize(prompt), stream, options)

    def perplexity(self, text: str, n_ctx: int) -> float:
        """Perplexity of `text` over windows of `n_ctx` tokens, the second half of each counted.

        The tokens are cut into whole windows (a rest is dropped); where the vocabulary adds a BOS
        it replaces the first token of every window: the measure of llama.cpp's `perplexity`.
        """
        ids = self.tokenizer.encode(text, special=False, add_special=True)
        windows = len(ids) // n_ctx if n_ctx > 1 else 0
        if windows == 0:
            raise BadRequest(f"the text has {len(ids)} tokens, fewer than one window of {n_ctx}")
        bos = self.tokenizer.special_ids["bos"] if self._engine.tokenizer.add_bos else None
        total, count = 0.0, 0
        for window in range(windows):
            tokens = ids[window * n_ctx : (window + 1) * n_ctx]
            if bos is not None:
                tokens[0] = bos
            second_half = self._log_probs(tokens)[n_ctx // 2 :]
            total -= float(second_half.sum(dtype=np.float64))
            count += len(second_half)
        return math.exp(total / count)

    def _vectors(
        self,
        work: Callable[[int, Sequence[Sequence[int]]], NDArray[np.float32]],
        tokens: Sequence[Sequence[int]],
    ) -> NDArray[np.float32]:
        try:
            return work(next(self._dispatcher.ids), tokens)
        except _core.CoreError as error:
            raise BadRequest(str(error)) from None

    def _log_probs(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """log p of each id after the first, `[len(ids) - 1]`."""
        try:
            return self._engine.log_probs(ids)
        except _core.CoreError as error:
            raise BadRequest(str(error)) from None

    def _run(
        self, prompt: list[int], stream: bool, options: Mapping[str, Any]
    ) -> Iterator[Chunk] | Chunk:
        asked = self._local.options(options)
        form = self._local.form(options)
        if form is not None:
            asked["grammar"] = self._grammar(form)
        chunks = self._chunks(prompt, asked)
        return chunks if stream else _join(list(chunks))

    def _grammar(self, form: Form) -> _core.Grammar:
        try:
            return self._engine.grammar(form.kind, form.text)
        except _core.CoreError as error:
            raise BadRequest(str(error)) from None

    def _chunks(self, prompt: list[int], options: Mapping[str, Any]) -> Iterator[Chunk]:
        request = self._dispatcher.open(prompt, options)
        waiter = self._dispatcher.waiting[request]
        try:
            while True:
                event = waiter.get()
                yield _chunk(event)
                if event.done:
                    return
        finally:
            self._engine.cancel(request)
            self._dispatcher.forget(request)


def _chunk(event: _core.Event) -> Chunk:
    if event.done == "error":
        raise OllamarsError(event.error or "the engine failed")
    return Chunk(
        text=event.text,
        tokens=(event.token,) if event.token >= 0 else (),
        done=event.done is not None,
        done_reason=event.done,  # type: ignore[arg-type]  # "error" was raised above
        prompt_tokens=event.prompt_tokens,
        eval_tokens=event.eval_tokens,
        prompt_duration=event.prompt_ns,
        eval_duration=event.eval_ns,
    )


def _join(chunks: list[Chunk]) -> Chunk:
    last = chunks[-1]
    return Chunk(
        text="".join(chunk.text for chunk in chunks),
        tokens=tuple(token for chunk in chunks for token in chunk.tokens),
        done=last.done,
        done_reason=last.done_reason,
        prompt_tokens=last.prompt_tokens,
        eval_tokens=last.eval_tokens,
        prompt_duration=last.prompt_duration,
        eval_duration=last.eval_duration,
    )
