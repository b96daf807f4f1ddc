"""Requests that Modelfiles become, as recorded from Ollama v0.33."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from ollamars.cli.create_request import create_request
from ollamars.errors import OllamarsError
from ollamars.store.modelfile import Modelfile
from tests.support import golden


def sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def fill(folder: Path, given: dict[str, Any]) -> None:
    for name in given.get("dirs", []):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, data in given.get("files", {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(base64.b64decode(data))
    for name, target in given.get("links", {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(target)


def outcome(folder: Path, text: str) -> dict[str, Any]:
    here = str(folder)
    stage = "parse"
    try:
        modelfile = Modelfile.parse(text.replace("@DIR@", here).encode())
        stage = "create"
        request = create_request(modelfile, here, sha256, lambda warning: None)
    except OllamarsError as error:
        return {"error": str(error).replace(here, "@DIR@"), "stage": stage}
    local = {
        kind: {path.replace(here, "@DIR@"): digest for path, digest in files.items()}
        for kind, files in request.files.items()
    }
    return {"out": {"local_files": local, "request": request.json("")}}


def test_every_recorded_request(tmp_path: Path) -> None:
    for row in golden("create_requests"):
        folder = tmp_path.resolve() / row["id"]
        folder.mkdir()
        fill(folder, row["in"])
        expected = {key: row[key] for key in ("out", "error", "stage") if key in row}
        assert outcome(folder, row["in"]["modelfile"]) == expected, row["id"]
