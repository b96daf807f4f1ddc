"""What a stream shall have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """A member of requests for text."""

    go_package: ClassVar[str] = "openai"

    include_usage: bool = False


def wants_usage(options: StreamOptions | None) -> bool:
    """Shall the stream end with the counts of tokens?"""
    return options is not None and options.include_usage
