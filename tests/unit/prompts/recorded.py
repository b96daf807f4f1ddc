"""How the recorded cases of prompts are run and compared."""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from ollamars.errors import OllamarsError
from ollamars.prompts.template import ChatTemplate
from tests.support import golden, shared

TODAY = datetime.date(2025, 3, 1)
SHOWN = 5

Run = Callable[[dict[str, Any]], Any]


def check(name: str, runs: dict[str, Run]) -> None:
    """Run all rows of a golden file; fail with the first few that differ.

    `runs` maps the `fn` of a row (the name of the file where rows have none) to what runs it.
    """
    rows = golden(name)
    wrong = [text for row in rows if (text := _compare(row, runs[row.get("fn", name)]))]
    if wrong:
        pytest.fail(f"{len(wrong)} of {len(rows)} rows differ\n" + "\n".join(wrong[:SHOWN]))


def _compare(row: dict[str, Any], run: Run) -> str | None:
    wanted: Any
    found: Any
    if "error" in row:
        wanted = (row.get("stage"), row["error"])
        try:
            found = run(row["in"])
        except OllamarsError as error:
            stage = getattr(error, "stage", None) if row.get("stage") else None
            found = (stage, str(error))
    else:
        wanted = _dated(row["out"])
        try:
            found = run(row["in"])
        except OllamarsError as error:
            found = error
    if _same(wanted, found, row):
        return None
    given = json.dumps(row["in"], ensure_ascii=False)[:300]
    return f"{row['id']}: {given}\n  wanted {wanted!r:.600}\n  found  {found!r:.600}"


def _same(wanted: Any, found: Any, row: dict[str, Any]) -> bool:
    if wanted == found:
        return True
    # The original sends some text twice at the end of a stream; not to do so is better.
    if not isinstance(wanted, dict) or not wanted.get("rest"):
        return False
    return bool({**wanted, "rest": ""} == found) and _is_fault(row)


def _is_fault(row: dict[str, Any]) -> bool:
    """Was the text at the end already sent as content?"""
    sent = "".join(row["in"]["chunks"])
    return bool(row["out"]["content"] == sent)


def _dated(value: Any) -> Any:
    """A recorded value with the dates of the test and with bytes as a string holds them."""
    if isinstance(value, dict) and set(value) == {"b64"}:
        return base64.b64decode(value["b64"]).decode("utf-8", "surrogateescape")
    if isinstance(value, dict):
        return {key: _dated(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_dated(item) for item in value]
    if isinstance(value, str):
        yesterday = TODAY - datetime.timedelta(days=1)
        dated = value.replace("@TODAY@", TODAY.isoformat())
        return dated.replace("@YESTERDAY@", yesterday.isoformat())
    return value


@cache
def library() -> dict[str, str]:
    """Texts of the recorded templates by name."""
    data = json.loads(shared("golden", "template_library.json").read_text(encoding="utf-8"))
    return {
        name: item["text"] for part in ("templates", "extra") for name, item in data[part].items()
    }


def template_of(given: dict[str, Any]) -> ChatTemplate:
    """The template of a row: a name in the library, or a text."""
    template = given["template"]
    return ChatTemplate.parse(
        template["text"] if isinstance(template, dict) else library()[template]
    )
