"""Where the recorded data and the test models lie, and how to read them."""

from __future__ import annotations

import base64
import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


def shared(*parts: str) -> Path:
    """A path of the recorded contract; skips the test when it is not there."""
    base = Path(os.environ.get("OLLAMARS_SHARED", ROOT.parent / "shared"))
    path = base.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"recorded data not here: {'/'.join(parts)}")
    return path


def has_shared() -> bool:
    """Is the recorded contract here?"""
    return Path(os.environ.get("OLLAMARS_SHARED", ROOT.parent / "shared")).exists()


def test_model(name: str) -> Path:
    """A real model or vocabulary; skips the test when it was not fetched."""
    base = Path(os.environ.get("OLLAMARS_TEST_MODELS", Path.home() / ".cache/ollamars-test-models"))
    path = base / name
    if not path.exists():
        pytest.skip(f"test model not here: {name}")
    return path


test_model.__test__ = False  # type: ignore[attr-defined]  # a helper with a name pytest would collect


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON-lines file (`.gz` or not), split on newline only."""
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    for line in text.split(b"\n"):
        if line.strip():
            yield json.loads(line)


def golden(name: str) -> list[dict[str, Any]]:
    """All rows of a golden file, by its name without suffix; skips when absent."""
    folder = shared("golden")
    for suffix in (".jsonl", ".jsonl.gz"):
        if (folder / (name + suffix)).exists():
            return list(lines(folder / (name + suffix)))
    pytest.skip(f"golden data not here: {name}")


def text_of(value: Any) -> Any:
    """A recorded string: text, or bytes when it was not valid UTF-8."""
    if isinstance(value, dict) and set(value) == {"b64"}:
        return base64.b64decode(value["b64"])
    return value
