"""A loaded engine, without a server, and whole answers from it."""

from __future__ import annotations

import itertools
import os
import select
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ollamars import _core


@dataclass
class Whole:
    """An answer."""

    text: str = ""
    tokens: list[int] = field(default_factory=list)
    done: str = ""
    error: str | None = None


class Running:
    """An engine that runs several requests at once."""

    def __init__(self, path: Path, *, parallel: int = 16, num_ctx: int = 1024) -> None:
        self.engine = _core.Engine(str(path), parallel=parallel, num_ctx=num_ctx)
        self._ids = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.engine.close()

    def answers(self, requests: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Whole]:
        """The answers to prompts with options, in their order."""
        answers: dict[int, Whole] = {}
        for prompt, options in requests:
            number = next(self._ids)
            answers[number] = Whole()
            tokens = self.engine.tokenizer.encode(prompt, special=True, add_special=True)
            self.engine.submit(number, tokens, options)
        waiting = set(answers)
        while waiting:
            select.select([self.engine.event_fd], [], [], 60)
            os.read(self.engine.event_fd, 8)
            for event in self.engine.drain():
                answer = answers[event.id]
                answer.text += event.text
                answer.tokens += [event.token] if event.token >= 0 else []
                if event.done:
                    answer.done, answer.error = event.done, event.error
                    waiting.discard(event.id)
        return list(answers.values())

    def answer(self, prompt: str, **options: Any) -> Whole:
        """One answer."""
        return self.answers([(prompt, options)])[0]
