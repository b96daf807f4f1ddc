"""The embedding API: a model in this process, without a server.

>>> from ollamars import Model                                          # doctest: +SKIP
>>> with Model("smollm2:135m") as model:                                # doctest: +SKIP
...     for chunk in model.chat([{"role": "user", "content": "Hi"}]):
...         print(chunk.text, end="")
"""

from __future__ import annotations

import datetime
import math
import os
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from ollamars import _core
from ollamars.chunk import ChatChunk, Chunk, joined, joined_chat
from ollamars.config import Config
from ollamars.conversation import with_call_ids
from ollamars.dispatch import Dispatcher
from ollamars.errors import BadRequest, ModelError, OllamarsError
from ollamars.local import LocalModel, open_model
from ollamars.prompts.answer import AnswerParser, Parts, sum_of
from ollamars.prompts.chat import Prompt
from ollamars.prompts.messages import Message, Think
from ollamars.runtime.forms import Form
from ollamars.runtime.reranking import pairs
from ollamars.runtime.token_text import TokenText, special_texts
from ollamars.runtime.vectors import cut_tokens, normalized


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
        self._dispatcher = Dispatcher(self._engine)
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

    def rank(self, query: str, documents: Sequence[str]) -> NDArray[np.float32]:
        """How relevant each document is to a query, `[len(documents)]`, by a reranker.

        A document that is too long is cut. Raises `BadRequest` where the model is no reranker.
        """
        engine = self._engine
        tokens = pairs(engine.tokenizer, engine.rerank_template, query, documents, self.num_ctx)
        return self._vectors(engine.relevances, tokens)

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
        messages: Sequence[Mapping[str, Any] | Message],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        think: Think = None,
        stream: Literal[True] = True,
        **options: Any,
    ) -> Iterator[ChatChunk]: ...
    @overload
    def chat(
        self,
        messages: Sequence[Mapping[str, Any] | Message],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        think: Think = None,
        stream: Literal[False],
        **options: Any,
    ) -> ChatChunk: ...
    def chat(
        self,
        messages: Sequence[Mapping[str, Any] | Message],
        *,
        tools: Sequence[Mapping[str, Any]] | None = None,
        think: Think = None,
        stream: bool = True,
        **options: Any,
    ) -> Iterator[ChatChunk] | ChatChunk:
        """Answer a conversation through the model's template or built-in renderer.

        `messages`: `[{"role": "user", "content": "..."}]`, as in Ollama's API, or `Message`s of
        former answers. The oldest are left out when the whole does not fit the context. `tools`:
        JSON schemas of functions that the model may call. `think`: yes, no or a level; a model that
        can thinks unless told not to. `options` as in `generate`.

        Raises `BadRequest` for what the model cannot do, `OllamarsError` where its template fails
        or where it writes a call that cannot be read.
        """
        turn = self._local.next_turn(messages, tools, think)
        prompt = turn.prompt(
            self._engine.tokenizer,
            today=datetime.date.today(),
            num_ctx=self.num_ctx,
            count_tokens=lambda text: len(self.tokenize(text)),
        )
        if prompt.media:
            raise BadRequest("images are not supported")
        parser = turn.parser(prompt)
        asked = self._options(options, parser.before)
        chunks = self._answer(turn.begun, parser, prompt, asked)
        return chunks if stream else joined_chat(list(chunks))

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
        chunks = self._chunks(prompt, self._options(options))
        return chunks if stream else joined(list(chunks))

    def _options(
        self, asked: Mapping[str, Any], thinking: tuple[str, str] | None = None
    ) -> dict[str, Any]:
        """What the engine is told. What a text must fit holds behind `thinking`."""
        options = self._local.options(asked)
        form = self._local.form(asked)
        if form is not None:
            options["grammar"] = self._grammar(form, thinking)
        return options

    def _grammar(self, form: Form, thinking: tuple[str, str] | None) -> _core.Grammar:
        try:
            return self._engine.grammar(form.kind, form.text, after=thinking)
        except _core.CoreError as error:
            raise BadRequest(str(error)) from None

    def _chunks(self, prompt: list[int], options: Mapping[str, Any]) -> Iterator[Chunk]:
        with closing(self._events(prompt, options)) as events:
            yield from map(_chunk, events)

    def _answer(
        self, begun: str, parser: AnswerParser, prompt: Prompt, options: Mapping[str, Any]
    ) -> Iterator[ChatChunk]:
        """The pieces of an answer; special tokens that its parser looks for count as text."""
        tokenizer = self._engine.tokenizer
        text = TokenText(tokenizer, special_texts(tokenizer, parser.special))
        parts = Parts(begun)
        with closing(self._events(self.tokenize(prompt.text), options)) as events:
            for event in events:
                new = text.add(event).text
                parts = sum_of(parts, parser.add(new) if new else Parts())
                if event.done:
                    parts = sum_of(parts, parser.finish())
                yield _chat_chunk(_chunk(event), with_call_ids(parts))
                parts = Parts()

    def _events(self, prompt: list[int], options: Mapping[str, Any]) -> Generator[_core.Event]:
        """The engine's news of a prompt. Raises `OllamarsError` where it fails."""
        request = self._dispatcher.open(prompt, options)
        waiter = self._dispatcher.waiting[request]
        try:
            while True:
                event = waiter.get()
                if event.done == "error":
                    raise OllamarsError(event.error or "the engine failed")
                yield event
                if event.done:
                    return
        finally:
            self._engine.cancel(request)
            self._dispatcher.forget(request)


def _chunk(event: _core.Event) -> Chunk:
    return Chunk(
        text=event.text,
        tokens=(event.token,) if event.token >= 0 else (),
        done=event.done is not None,
        done_reason=event.done,  # type: ignore[arg-type]  # "error" was raised before
        prompt_tokens=event.prompt_tokens,
        eval_tokens=event.eval_tokens,
        prompt_duration=event.prompt_ns,
        eval_duration=event.eval_ns,
    )


def _chat_chunk(chunk: Chunk, parts: Parts) -> ChatChunk:
    message = Message(
        "assistant",
        content=parts.content,
        thinking=parts.thinking,
        tool_calls=tuple(parts.calls),
    )
    counts = {field.name: getattr(chunk, field.name) for field in fields(Chunk)}
    return ChatChunk(**counts | {"text": parts.content}, message=message)
