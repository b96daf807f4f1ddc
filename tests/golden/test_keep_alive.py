"""The fields `keep_alive` and `think` as recorded from Ollama v0.33."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ollamars.durations import format_duration
from ollamars.errors import BadRequest
from ollamars.server.body import decode
from ollamars.server.fields import KeepAlive, Think
from tests.support import golden


@dataclass
class Fields:
    keep_alive: KeepAlive | None = None
    think: Think | None = None


def outcome(function: str, text: str) -> Any:
    try:
        fields = decode(f'{{"{function}": {text}}}'.encode(), Fields)
    except BadRequest as error:
        return error.message
    ns, think = fields.keep_alive, fields.think
    if ns is not None:
        return {"ns": ns, "json": format_duration(ns)}
    if think is not None:
        level = think if isinstance(think, str) else "medium" if think else ""
        return {"bool": bool(think), "level": level, "json": think}
    return None


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def test_every_recorded_row() -> None:
    rows = [row for row in golden("keep_alive") if is_json(row["in"]["json"])]
    assert rows
    for row in rows:
        assert outcome(row["fn"], row["in"]["json"]) == row.get("out", row.get("error")), row


def test_what_is_no_json_is_refused() -> None:
    rows = [row for row in golden("keep_alive") if not is_json(row["in"]["json"])]
    assert rows
    for row in rows:
        assert isinstance(outcome(row["fn"], row["in"]["json"]), str), row
