"""Images and sounds that come with a message."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["image", "audio", ""]

_SIGNATURES: Final[tuple[tuple[Kind, re.Pattern[bytes]], ...]] = (
    ("audio", re.compile(rb"RIFF....WAVE|ID3|\xff[\xe0-\xff]", re.DOTALL)),
    (
        "image",
        re.compile(
            rb"\x00\x00[\x01\x02]\x00|BM|GIF8[79]a|RIFF....WEBPVP|\x89PNG\r\n\x1a\n|\xff\xd8\xff",
            re.DOTALL,
        ),
    ),
)
"""First bytes: those of Ollama for sounds, those of the WHATWG's MIME sniffing for images."""


@dataclass(frozen=True, slots=True)
class Media:
    """A picture or a sound of a prompt, which names it `[img-ID]`."""

    id: int
    data: bytes

    @property
    def kind(self) -> Kind:
        """What its first bytes say; empty: unknown."""
        return next((kind for kind, first in _SIGNATURES if first.match(self.data)), "")
