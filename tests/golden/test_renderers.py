"""Prompts of the built-in renderers as recorded from Ollama v0.33."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from ollamars.errors import OllamarsError
from ollamars.prompts.messages import messages_from_json, tools_from_json
from ollamars.prompts.renderers import RENDERERS, Conversation, renderer
from tests.support import golden, shared

TODAY = "2026-03-14"


@cache
def recorded_rows(name: str) -> list[dict[str, Any]]:
    return golden(name)


def rendered(name: str, case: dict[str, Any]) -> dict[str, str]:
    """The prompt of a recorded conversation, or the error."""
    try:
        conversation = Conversation(
            messages_from_json(case["messages"]),
            tools_from_json(case.get("tools")) or (),
            case["think"],
            today=TODAY,
            numbered_images=case.get("img_tags", True),
        )
        return {"prompt": renderer(name).render(conversation)}
    except OllamarsError as error:
        return {"error": error.message}


def passes(row: dict[str, Any], got: dict[str, str]) -> bool:
    if "error" in row:
        return got == {"error": row["error"]}
    return got in [{"prompt": text} for text in row.get("any_of", [row.get("prompt")])]


@pytest.mark.parametrize("name", RENDERERS)
def test_as_recorded(name: str) -> None:
    cases = {case["id"]: case for case in recorded_rows("renderers_inputs")}
    rows = [row for row in recorded_rows("renderers") if row["renderer"] == name]
    assert rows
    failed = [row["case"] for row in rows if not passes(row, rendered(name, cases[row["case"]]))]
    assert not failed, f"{len(failed)} of {len(rows)}: {failed[:10]}"


def test_table_as_recorded() -> None:
    table = json.loads(shared("golden", "renderer_table.json").read_text())
    ours = {name: {"leading_bos": item.leading_bos} for name, item in RENDERERS.items()}
    assert ours == table["renderers"]
    for name, message in table["unknown_renderers"].items():
        with pytest.raises(OllamarsError) as caught:
            renderer(name)
        assert caught.value.message == message
