"""Options of requests and models as recorded from Ollama v0.33."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ollamars.config import Config
from ollamars.errors import OllamarsError
from ollamars.runtime.options import Options, model_options
from tests.support import golden


def outcome(row: dict[str, Any]) -> Any:
    case = row["in"]
    environment = Config.from_env({"OLLAMA_CONTEXT_LENGTH": case.get("context_length_env", "")})
    try:
        if case["kind"] == "from_map":
            return asdict(Options(num_ctx=environment.context_length).with_map(case["options"]))
        options = model_options(
            case["model"],
            case["options"],
            default_num_ctx=environment.context_length or case["default_num_ctx"],
            capabilities=case.get("capabilities", ["completion"]),
            draft=case.get("draft", False),
        )
        return asdict(options)
    except OllamarsError as error:
        return error.message


def test_every_recorded_row() -> None:
    rows = [row for row in golden("options") if row["in"]["kind"] in ("from_map", "model")]
    assert rows
    for row in rows:
        assert outcome(row) == row.get("out", row.get("error")), row
