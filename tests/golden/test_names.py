"""Names, paths, digests and model references as recorded from Ollama v0.33."""

from __future__ import annotations

from typing import Any

import pytest

from ollamars.errors import OllamarsError
from ollamars.store.digests import blob_path
from ollamars.store.names import Name, is_valid_namespace, parse_ref
from tests.support import golden


def parts(name: Name) -> dict[str, str]:
    return {key: getattr(name, key) for key in ("host", "namespace", "model", "tag", "scheme")}


def parsed(given: dict[str, Any]) -> dict[str, Any]:
    name = Name.parse(given["name"])
    out = {
        "parts": parts(name),
        "bare": parts(Name.parse_bare(given["name"])),
        "valid": name.is_valid,
        "string": str(name),
        "short": name.short,
        "namespace_model": name.namespace_model,
        "base_url": name.base_url,
        "filepath": name.path if name.is_valid else None,
    }
    if "other" in given:
        out["equal_fold"] = name.same_as(Name.parse(given["other"]))
    return out


def from_path(given: dict[str, Any]) -> dict[str, Any]:
    name = Name.from_path(given["path"])
    found = name or Name()
    return {"parts": parts(found), "string": str(found), "valid": name is not None}


def ref(given: dict[str, Any]) -> dict[str, Any]:
    found = parse_ref(given["name"], for_pull=given["pull"])
    return {"base": found.base, "name": str(found.name), "source": found.source}


FUNCTIONS = {
    "name": parsed,
    "name_path": from_path,
    "namespace": lambda given: is_valid_namespace(given["namespace"]),
    "digest": lambda given: blob_path(given["digest"]),
    "model_ref": ref,
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_as_recorded(function: str) -> None:
    rows = [row for row in golden("names") if row["fn"] == function]
    assert rows
    for row in rows:
        if "error" in row:
            with pytest.raises(OllamarsError) as caught:
                FUNCTIONS[function](row["in"])
            assert caught.value.message == row["error"], row["in"]
        else:
            assert FUNCTIONS[function](row["in"]) == row["out"], row["in"]
