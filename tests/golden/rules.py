"""When a recorded row counts as passed."""

from __future__ import annotations

import base64
import datetime
import json
import struct
from collections.abc import Callable
from typing import Any

from ollamars.errors import OllamarsError
from tests.golden.data import Data, Row

TODAY = datetime.date(2025, 3, 1)
"""The date that `@TODAY@` stands for."""

Run = Callable[[dict[str, Any], Data], Any]
"""Gives the `out` of a row for its `in`, or raises `OllamarsError`."""


def judge(row: Row, run: Run, data: Data) -> str | None:
    """None if a row passes, else how it differs."""
    try:
        found = run(row["in"], data)
    except OllamarsError as error:
        found = error
    if "error" in row:
        passed = isinstance(found, OllamarsError) and _same_error(row, found)
        wanted: Any = (row.get("stage"), row["error"])
    else:
        wanted = recorded(row["out"])
        passed = same(wanted, found) or _better(row, wanted, found)
    return None if passed else told(row["in"], wanted, found)


def told(given: Any, wanted: Any, found: Any) -> str:
    """How a row differs."""
    text = json.dumps(given, ensure_ascii=False)
    return f"{text:.300}\n    wanted {wanted!r:.600}\n    found  {found!r:.600}"


def _same_error(row: Row, error: OllamarsError) -> bool:
    stage = getattr(error, "stage", None)
    return row.get("stage") in (None, stage) and str(error) == recorded(row["error"])


def _better(row: Row, wanted: Any, found: Any) -> bool:
    """The original sends some text twice at the end of a stream; not to do so is better."""
    return row.get("fault") == "rest" and same({**wanted, "rest": ""}, found)


def same(wanted: Any, found: Any) -> bool:
    """Are two values equal: integers exactly, others as numbers or as 32-bit floats?"""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return wanted.keys() == found.keys() and all(
            same(wanted[key], found[key]) for key in wanted
        )
    if isinstance(wanted, list) and isinstance(found, list | tuple):
        return len(wanted) == len(found) and all(map(same, wanted, found))
    if isinstance(wanted, bool) or isinstance(found, bool):
        return wanted is found
    if isinstance(wanted, float) or isinstance(found, float):
        return wanted == found or _same_float32(wanted, found)
    return bool(wanted == found)


def _same_float32(wanted: Any, found: Any) -> bool:
    try:
        return struct.pack("<f", wanted) == struct.pack("<f", found)
    except (OverflowError, struct.error):
        return False


def recorded(value: Any) -> Any:
    """A recorded value with the dates of the run, and with bytes as a string holds them."""
    if isinstance(value, dict) and set(value) == {"b64"}:
        return base64.b64decode(value["b64"]).decode("utf-8", "surrogateescape")
    if isinstance(value, dict):
        return {key: recorded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [recorded(item) for item in value]
    if isinstance(value, str):
        yesterday = TODAY - datetime.timedelta(days=1)
        dated = value.replace("@TODAY@", TODAY.isoformat())
        return dated.replace("@YESTERDAY@", yesterday.isoformat())
    return value
