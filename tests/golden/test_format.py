"""Human-readable values as recorded from Ollama v0.33."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from ollamars.cli import format as fmt
from ollamars.durations import format_duration
from tests.support import golden

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def in_words(moment: datetime | None, zero: str) -> list[str]:
    return [fmt.human_time(moment, NOW, zero), fmt.human_time_lower(moment, NOW, zero)]


KINDS: dict[str, Callable[[int, str], Any]] = {
    "bytes": lambda value, _: fmt.human_bytes(value),
    "bytes2": lambda value, _: fmt.human_bytes_binary(value),
    "number": lambda value, _: fmt.human_number(value),
    "duration_ns": lambda value, _: fmt.human_duration(value),
    "go_duration_ns": lambda value, _: format_duration(value),
    "time_zero": lambda _, zero: in_words(None, zero),
    "time_offset_ms": lambda value, zero: in_words(NOW + timedelta(milliseconds=value), zero),
}


def test_every_recorded_value() -> None:
    for row in golden("format"):
        given = row["in"]
        found = KINDS[given["kind"]](given["value"], given.get("zero", ""))
        assert found == row["out"], row["id"]
