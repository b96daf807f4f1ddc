"""Modelfiles, the requests that they become, and what is shown of models."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ollamars.cli.create_request import create_request
from ollamars.cli.show_text import show_text
from ollamars.errors import OllamarsError
from ollamars.store.modelfile import Modelfile
from ollamars.store.models import StoredModel
from ollamars.store.modelstring import model_string
from ollamars.store.names import Name
from tests.golden.data import Data

Given = dict[str, Any]


class _Failed(OllamarsError):
    """An error with the stage that failed."""

    def __init__(self, message: str, stage: str) -> None:
        super().__init__(message)
        self.stage = stage


def modelfile(given: Given, data: Data) -> Given:
    """The commands of a Modelfile, and the file printed back."""
    text = base64.b64decode(given["b64"]) if "b64" in given else given["text"].encode()
    parsed = Modelfile.parse(text)
    commands = [{"name": command.name, "args": command.args} for command in parsed.commands]
    return {"commands": commands, "formatted": str(parsed)}


def create(given: Given, data: Data) -> Given:
    """The request to create a model, and the local files that it names."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        _fill(folder, given)
        return _created(str(folder), given["modelfile"])


def _created(here: str, text: str) -> Given:
    stage = "parse"
    try:
        parsed = Modelfile.parse(text.replace("@DIR@", here).encode())
        stage = "create"
        request = create_request(parsed, here, _sha256, lambda warning: None)
    except OllamarsError as error:
        raise _Failed(str(error).replace(here, "@DIR@"), stage) from None
    local = {
        kind: {path.replace(here, "@DIR@"): digest for path, digest in files.items()}
        for kind, files in request.files.items()
    }
    return {"local_files": local, "request": request.json("")}


def _sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _fill(folder: Path, given: Given) -> None:
    for name in given.get("dirs", []):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, content in given.get("files", {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(base64.b64decode(content))
    for name, target in given.get("links", {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(target)


def show(given: Given, data: Data) -> str:
    """The text of the command `show`."""
    return show_text(given["response"], verbose=given["verbose"])


def stored_modelfile(given: Given, data: Data) -> str:
    """The Modelfile of a stored model."""
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
    return model_string(model, template=given.get("template"), params=given.get("options") or {})
