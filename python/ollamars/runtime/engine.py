"""What the runtime needs of an engine: the part of `_core.Engine` that it uses."""

# ruff: noqa: D102 - `_core.pyi` describes them

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Event(Protocol):
    """One step's news of one request; see `_core.Event`."""

    @property
    def id(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def token(self) -> int: ...
    @property
    def done(self) -> str | None: ...
    @property
    def error(self) -> str | None: ...
    @property
    def prompt_tokens(self) -> int: ...
    @property
    def eval_tokens(self) -> int: ...
    @property
    def prompt_ns(self) -> int: ...
    @property
    def eval_ns(self) -> int: ...


class Tokenizer(Protocol):
    """Text to tokens and back; see `_core.Tokenizer`."""

    @property
    def n_tokens(self) -> int: ...
    def encode(
        self, text: str | bytes, *, special: bool = False, add_special: bool = False
    ) -> list[int]: ...
    def detokenize(self, ids: Sequence[int], *, special: bool = True) -> bytes: ...


class Engine(Protocol):
    """A loaded model and the thread that steps it; see `_core.Engine`."""

    @property
    def num_ctx(self) -> int: ...
    @property
    def memory(self) -> int: ...
    @property
    def exec(self) -> str: ...
    @property
    def tokenizer(self) -> Tokenizer: ...
    @property
    def event_fd(self) -> int: ...
    def submit(self, id: int, prompt: Sequence[int], options: Mapping[str, Any]) -> None: ...
    def cancel(self, id: int) -> None: ...
    def drain(self) -> Sequence[Event]: ...
    def active(self) -> int: ...
    def close(self) -> None: ...


class LoadEngine(Protocol):
    """Loads a model; blocks. The signature of `_core.Engine`."""

    def __call__(
        self,
        path: str,
        *,
        num_ctx: int = 0,
        parallel: int = 1,
        num_batch: int = 512,
        threads: int = 0,
        exec: str = "",
    ) -> Engine: ...
