"""The text of `show` as recorded from Ollama v0.33."""

from __future__ import annotations

from ollamars.cli.show_text import show_text
from tests.support import golden


def test_every_recorded_text() -> None:
    rows = [row for row in golden("show_output") if row["fn"] == "show"]
    assert rows
    for row in rows:
        given = row["in"]
        assert show_text(given["response"], verbose=given["verbose"]) == row["out"], row["id"]
