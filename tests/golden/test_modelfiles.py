"""Modelfiles as recorded from Ollama v0.33."""

from __future__ import annotations

import base64

from ollamars.store.modelfile import Modelfile, ModelfileError
from tests.support import golden


def test_every_recorded_file() -> None:
    for row in golden("modelfiles"):
        given = row["in"]
        data = base64.b64decode(given["b64"]) if "b64" in given else given["text"].encode()
        try:
            parsed = Modelfile.parse(data)
        except ModelfileError as error:
            assert error.message == row.get("error"), row
            continue
        assert "error" not in row, row
        commands = [{"name": command.name, "args": command.args} for command in parsed.commands]
        assert commands == row["out"]["commands"], row
        assert str(parsed) == row["out"]["formatted"], row
