"""How a blob is cut into parts for a transfer, and the small file that keeps a part's state.

The format is Ollama's, so that either program resumes what the other began: one line of JSON,
`{"N":0,"Offset":0,"Size":416,"Completed":100}`, in the file `<blob>-partial-<n>`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

MIN_PART = 100_000_000
"""Bytes."""
MAX_PART = 1_000_000_000
"""Bytes."""
WANTED_PARTS = 16


@dataclass(slots=True)
class Part:
    """A range of a blob, and how much of it is in the partial file. All numbers are bytes."""

    number: int
    offset: int
    size: int
    completed: int = 0

    @property
    def is_complete(self) -> bool:
        """Is all of it there?"""
        return self.completed == self.size

    def encode(self) -> bytes:
        """The content of the part's file."""
        state = {"N": self.number, "Offset": self.offset, "Size": self.size}
        return msgspec.json.encode(state | {"Completed": self.completed}) + b"\n"

    @classmethod
    def decode(cls, data: bytes) -> Part:
        """Read a part's file. Raises `ValueError`."""
        value: Any = msgspec.json.decode(data)
        if not isinstance(value, dict):
            raise ValueError("a part is an object")
        numbers: list[Any] = [value.get(key) for key in ("N", "Offset", "Size", "Completed")]
        if any(type(number) is not int for number in numbers):
            raise ValueError("a part has four whole numbers")
        return cls(*numbers)


def split(total: int) -> list[Part]:
    """The parts of a blob of `total` bytes: sixteen, unless that makes them too small or large."""
    size = min(max(total // WANTED_PARTS, MIN_PART), MAX_PART)
    offsets = range(0, total, size)
    return [Part(n, offset, min(size, total - offset)) for n, offset in enumerate(offsets)]


def length(parts: Sequence[Part]) -> int | None:
    """Bytes of the blob that `parts`, in order, cover without gap; None: they do not."""
    end = 0
    for number, part in enumerate(parts):
        fits = part.number == number and part.offset == end and part.size > 0
        if not fits or not 0 <= part.completed <= part.size:
            return None
        end += part.size
    return end
