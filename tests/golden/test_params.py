"""Parameters typed from text as recorded from Ollama v0.33."""

from __future__ import annotations

import pytest

from ollamars.errors import BadRequest
from ollamars.store.params import format_params
from tests.support import golden


def test_every_recorded_parameter() -> None:
    rows = [row for row in golden("options") if row["in"]["kind"] == "format_params"]
    assert rows
    for row in rows:
        if "error" in row:
            with pytest.raises(BadRequest) as caught:
                format_params(row["in"]["params"])
            assert caught.value.message == row["error"], row
        else:
            assert format_params(row["in"]["params"]) == row["out"], row
