"""The Modelfile of a stored model as recorded from Ollama v0.33."""

from __future__ import annotations

from pathlib import Path

from ollamars.store.models import StoredModel
from ollamars.store.modelstring import model_string
from ollamars.store.names import Name
from tests.support import golden


def test_every_recorded_model() -> None:
    rows = [row for row in golden("show_output") if row["fn"] == "model_string"]
    assert rows
    for row in rows:
        given = row["in"]
        model = StoredModel(
            name=Name.parse("m"),
            digest="",
            size=0,
            modified_ns=0,
            config={key: given.get(key, "") for key in ("renderer", "parser")},
            model_path=Path(given["from"]),
            adapter_paths=[Path(path) for path in given.get("adapters", [])],
            projector_paths=[Path(path) for path in given.get("projectors", [])],
            draft_path=Path(given["draft"]) if "draft" in given else None,
            system=given.get("system", ""),
            licenses=given.get("licenses", []),
            messages=given.get("messages", []),
        )
        found = model_string(
            model, template=given.get("template"), params=given.get("options") or {}
        )
        assert found == row["out"], row
