"""Environment variables read as recorded from Ollama v0.33."""

from __future__ import annotations

from typing import Any

from ollamars.config import DEFAULT_PARALLEL, VARIABLES, Config
from tests.support import golden

_FIELDS = {row.name: row.field for row in VARIABLES}
_BY_DEFAULT = {"OLLAMA_FLASH_ATTENTION", "OLLAMA_GO_TEMPLATE", "OLLAMA_VULKAN"}


def value(name: str, text: str | None) -> Any:
    env = {"HOME": "/home/user"} | ({} if text is None else {name: text})
    config = Config.from_env(env)
    if name == "OLLAMA_HOST":
        host = config.host
        return {
            "scheme": host.scheme,
            "host": host.netloc,
            "path": host.path,
            "url": host.url,
            "client_url": host.client_url,
        }
    found = getattr(config, _FIELDS[name])
    if name in _BY_DEFAULT:
        return {
            "default_false": False if found is None else found,
            "default_true": True if found is None else found,
        }
    return list(found) if isinstance(found, tuple) else found


def test_every_recorded_value() -> None:
    for row in golden("env"):
        name, text = row["in"]["var"], row["in"]["value"]
        default = name == "OLLAMA_NUM_PARALLEL" and not (text or "").isdigit()
        expected = DEFAULT_PARALLEL if default else row["out"]
        assert value(name, text) == expected, (name, text)
