"""Modelfiles as recorded from Ollama v0.33."""

from __future__ import annotations

import base64

import pytest

from ollamars.store.modelfile import Modelfile, ModelfileError
from tests.support import golden


def test_every_recorded_file() -> None:
    for row in golden("modelfiles"):
        given = row["in"]
        data = base64.b64decode(given["b64"]) if "b64" in given else given["text"].encode()
        if "error" in row:
            with pytest.raises(ModelfileError) as caught:
                Modelfile.parse(data)
            assert caught.value.message == row["error"], row
            continue
        parsed = Modelfile.parse(data)
        commands = [{"name": command.name, "args": command.args} for command in parsed.commands]
        assert commands == row["out"]["commands"], row
        assert str(parsed) == row["out"]["formatted"], row
