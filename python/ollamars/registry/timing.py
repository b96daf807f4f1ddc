"""How long transfers wait for what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """All in seconds; the defaults are Ollama's where it has any."""

    tick: float = 0.06
    """Between two progress events of a blob."""
    retries: tuple[float, ...] = (1, 2, 4, 8, 16, 32)
    """Waits after the failures of a part; one more failure ends the transfer."""
    locate: float = 30
    """For finding out where a blob's content lies, in all."""
    stall: float = 30
    """Without a byte: the attempt is given up."""
    connect: float = 30
    answer: float = 120
    """Until an answer begins, where there is nothing big to wait for."""
    checkpoint: float = 1
    """Between two times that a running part's state is written down."""
    lock: float = 0.2
    """Between two looks whether another process has ended its transfer of the same blob."""
