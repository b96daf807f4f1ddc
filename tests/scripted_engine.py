"""An engine without a model, for tests: it has the methods of `_core.Engine` and a known text.

Every request gets the tokens ` t0`, ` t1`, ... until `num_predict` (default 5) is reached, or the
pieces of a script and then its end. A token of a prompt is a byte of its text.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ollamars import _core


@dataclass(frozen=True, slots=True)
class ScriptedEvent:
    id: int
    text: str = ""
    token: int = -1
    done: str | None = None
    error: str | None = None
    prompt_tokens: int = 0
    eval_tokens: int = 0
    prompt_ns: int = 1
    eval_ns: int = 1
    logprob: float | None = None
    top: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class ScriptedGrammar:
    """What was asked for."""

    kind: str
    text: str
    after: tuple[str, str] | None


class ByteTokenizer:
    n_tokens = 256
    kind = "bytes"
    add_bos = False
    add_eos = False
    add_sep = False
    eog: ClassVar[Sequence[int]] = ()
    special_ids: ClassVar[dict[str, int]] = {"bos": -1, "eos": -1, "sep": -1}

    def piece(self, id: int, *, special: bool = True) -> bytes:
        return bytes([id])

    def encode(
        self, text: str | bytes, *, special: bool = False, add_special: bool = False
    ) -> list[int]:
        return list(text.encode() if isinstance(text, str) else text)

    def detokenize(self, ids: Sequence[int], *, special: bool = True) -> bytes:
        return bytes(ids)


@dataclass
class Loads:
    """What was loaded, in order, and how loading behaves."""

    step: float = 0.0
    """Seconds between two tokens."""
    load_time: float = 0.0
    failure: Exception | None = None
    """What loading raises."""
    script: list[str] = field(default_factory=list)
    """What a request gets instead; may be changed at any time."""
    labels: int = 1
    """Scores that a text gets; 0: the model is no reranker."""
    settings: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    engines: list[ScriptedEngine] = field(default_factory=list)

    def __call__(self, path: str, **settings: Any) -> ScriptedEngine:
        time.sleep(self.load_time)
        if self.failure is not None:
            raise self.failure
        self.paths.append(path)
        self.settings.append(settings)
        engine = ScriptedEngine(settings["num_ctx"], self.step, self.script)
        engine.n_labels = self.labels
        self.engines.append(engine)
        return engine

    @property
    def alive(self) -> int:
        """Engines that were not closed."""
        return sum(not engine.closed for engine in self.engines)


class ScriptedEngine:
    memory = 1000
    exec = "scripted/cpu"
    architecture = "scripted"
    n_embd = 2
    n_labels = 1
    fallback: str | None = None
    rerank_template: str | None = None

    def __init__(self, num_ctx: int = 128, step: float = 0.0, script: Sequence[str] = ()) -> None:
        self.num_ctx = num_ctx
        self.tokenizer = ByteTokenizer()
        self.event_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.closed = False
        self.requests: list[tuple[Sequence[int], Mapping[str, Any]]] = []
        self.broken = False
        self._step = step
        self._script = script
        self._lock = threading.Lock()
        self._events: list[ScriptedEvent] = []
        self._running: dict[int, tuple[int, int]] = {}
        """Tokens made and tokens wanted, by request."""
        self._wake = threading.Event()
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def grammar(
        self, kind: str, text: str = "", *, after: tuple[str, str] | None = None
    ) -> ScriptedGrammar:
        if "wrong" in text:
            raise _core.CoreError(f"format: {text} is wrong")
        return ScriptedGrammar(kind, text, after)

    def submit(self, id: int, prompt: Sequence[int], options: Mapping[str, Any]) -> None:
        self.requests.append((prompt, options))
        wanted = options.get("num_predict", -1)
        with self._lock:
            self._running[id] = (0, len(self._script) or (wanted if wanted > 0 else 5))
        self._wake.set()

    @property
    def cancelled(self) -> bool:
        """Was the work of an embedding ended?"""
        return self._cancelled.is_set()

    def cancel(self, id: int) -> None:
        self._cancelled.set()
        with self._lock:
            if self._running.pop(id, None) is not None:
                self._emit(ScriptedEvent(id, done="cancelled"))

    def drain(self) -> list[ScriptedEvent]:
        if self.broken:
            raise RuntimeError("the engine broke")
        with self._lock:
            events, self._events = self._events, []
        return events

    def embed(self, id: int, texts: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Number of tokens, and the first one."""
        self.requests.append((texts[0], {}))
        self._cancelled.wait(self._step)
        return np.array([[len(text), text[0]] for text in texts], np.float32)

    def relevances(self, id: int, texts: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """The last token."""
        return np.array([text[-1] for text in texts], np.float32)

    def active(self) -> int:
        with self._lock:
            return len(self._running)

    def close(self) -> None:
        self.closed = True
        self._wake.set()
        self._thread.join()
        os.close(self.event_fd)

    def _emit(self, event: ScriptedEvent) -> None:
        self._events.append(event)
        os.eventfd_write(self.event_fd, 1)

    def _step_one(self, id: int, made: int, wanted: int) -> None:
        if made == wanted:
            del self._running[id]
            reason = "stop" if self._script else "length"
            self._emit(ScriptedEvent(id, "", -1, reason, None, 1, made))
            return
        self._running[id] = (made + 1, wanted)
        text = self._script[made] if self._script else f" t{made}"
        self._emit(ScriptedEvent(id, text, made % 256, None, None, 1, made + 1))

    def _work(self) -> None:
        while not self.closed:
            with self._lock:
                for id, (made, wanted) in list(self._running.items()):
                    self._step_one(id, made, wanted)
                idle = not self._running
            if idle:
                self._wake.wait()
                self._wake.clear()
            elif self._step:
                time.sleep(self._step)
