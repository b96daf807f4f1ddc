"""Parameters typed from text as recorded from Ollama v0.33."""

from __future__ import annotations

from ollamars.errors import BadRequest
from ollamars.store.params import format_params
from tests.support import golden


def test_every_recorded_parameter() -> None:
    rows = [row for row in golden("options") if row["in"]["kind"] == "format_params"]
    assert rows
    for row in rows:
        try:
            out = format_params(row["in"]["params"])
        except BadRequest as error:
            assert error.message == row.get("error"), row
            continue
        assert out == row["out"], row
