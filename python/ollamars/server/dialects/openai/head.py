"""What answers with choices have in common."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

from ollamars.server.inference import Answer

_IDS = 999
"""Ids have random numbers below this, as Ollama's."""


@dataclass(frozen=True, slots=True)
class Head:
    """What all objects of an answer begin with."""

    id: str
    created: int
    """Seconds since 1970."""
    model: str
    """The name as the request has it."""

    def object(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        """An object with choices."""
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": "fp_ollama",
            "choices": choices,
        }


def new_head(prefix: str, model: str) -> Head:
    """The head of an answer that begins now; its id begins with `prefix`."""
    return Head(f"{prefix}-{secrets.randbelow(_IDS)}", int(time.time()), model)


def usage_json(answer: Answer | None) -> dict[str, int]:
    """Counts of tokens; all zero for an answer that has no end."""
    last = answer.last if answer else None
    prompt, made = (last.prompt_tokens, last.eval_tokens) if last else (0, 0)
    return {"prompt_tokens": prompt, "completion_tokens": made, "total_tokens": prompt + made}
