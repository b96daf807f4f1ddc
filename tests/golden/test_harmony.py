"""Headers, tool names and events of the harmony format as recorded from Ollama v0.33."""

from __future__ import annotations

from typing import Any

import pytest

from ollamars.prompts.harmony import (
    Event,
    HarmonyReader,
    Header,
    MessageEnd,
    MessageStart,
    opening,
    read_header,
)
from ollamars.prompts.harmony_names import HarmonyNames
from ollamars.prompts.messages import message_from_json
from tests.golden.test_parsers import pieces
from tests.support import golden


def header(row: dict[str, Any]) -> bool:
    return read_header(row["header"]) == Header(row["role"], row["channel"], row["recipient"])


def names(row: dict[str, Any]) -> bool:
    made = HarmonyNames()
    converted = [made.add(name) for name in row["names"]]
    back = [made.given(name) for name in row["converted"]]
    found = [made.given(name) for name in row["lookup"]]
    return {"converted": converted, "back": back, "lookup_result": found}.items() <= row.items()


def plain(event: Event) -> list[str]:
    if isinstance(event, str):
        return ["content", event]
    if isinstance(event, Header):
        return ["header", event.role, event.channel, event.recipient]
    return ["start"] if isinstance(event, MessageStart) else ["end"]


def events(row: dict[str, Any]) -> bool:
    start = ""
    if row["start"] != "none":
        last = row.get("last")
        start = opening(message_from_json(last) if last else None)
    reader = HarmonyReader(start)
    has_pieces = row["text"] or row["cut"] in ("whole", "awk")
    found = [
        [step, *plain(event)]
        for step, text in enumerate(pieces(row["text"], row) if has_pieces else ())
        for event in reader.add(text)
    ]
    wanted: list[list[Any]] = row["events"] or []
    return found == wanted


KINDS = {"header": header, "names": names, "events": events}


@pytest.mark.parametrize("kind", KINDS)
def test_as_recorded(kind: str) -> None:
    rows = [row for row in golden("harmony") if row["kind"] == kind]
    assert rows
    assert [row["id"] for row in rows if not KINDS[kind](row)] == []


def test_an_end_is_not_a_start() -> None:
    assert plain(MessageEnd()) == ["end"]
