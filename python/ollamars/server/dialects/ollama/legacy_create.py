"""The older forms of `/api/create`: the text of a Modelfile, or the path of one.

Until 0.5.4 the body was `name` with `modelfile` or `path`; `FROM` and `ADAPTER` named a model, an
uploaded blob (`@sha256:...`), or a file of the server's machine. Paths are read only for callers on
this machine: a server that others reach must not read files for them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ollamars.errors import BadRequest, Forbidden
from ollamars.store.blobs import Blobs
from ollamars.store.files import describe
from ollamars.store.gotext import quote
from ollamars.store.modelfile import Command, Modelfile
from ollamars.store.modelfile_fields import add_command
from ollamars.store.names import Name

_log = logging.getLogger(__name__)

_PIECE = 1 << 20
"""Bytes that are copied at once."""
MAX_MODELFILE = 16 << 20
"""Bytes of the largest Modelfile that is read from a path."""


def legacy_fields(modelfile: Any, path: Any, blobs: Blobs, *, paths: bool) -> dict[str, Any] | None:
    """The fields of the request that a Modelfile stands for; None where there is none.

    `paths`: may files of this machine be read? Their content becomes blobs. Blocks. Raises
    `OllamarsError`.
    """
    folder = "."
    if isinstance(modelfile, str) and modelfile:
        data = modelfile.encode("utf-8", "replace")
        folder = os.path.dirname(path) if isinstance(path, str) else "."
    elif isinstance(path, str) and path:
        data, folder = _read(path, paths=paths), os.path.dirname(path)
    else:
        return None
    builder = _Builder(blobs, folder or ".", paths=paths)
    for command in Modelfile.parse(data).commands:
        builder.add(command)
    return builder.fields


def _read(path: str, *, paths: bool) -> bytes:
    _refuse_paths(path, paths=paths)
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_MODELFILE + 1)
    except (OSError, ValueError) as error:
        raise BadRequest(f"error reading modelfile: {_reason(error)}") from None
    if len(data) > MAX_MODELFILE:
        raise BadRequest(f"error reading modelfile: more than {MAX_MODELFILE} bytes")
    return data


def _refuse_paths(path: str, *, paths: bool) -> None:
    if not paths:
        raise Forbidden(f"{quote(path)}: files of the server are read only for its own machine")


def _reason(error: OSError | ValueError) -> str:
    return describe(error, "open") if isinstance(error, OSError) else str(error)


class _Builder:
    def __init__(self, blobs: Blobs, folder: str, *, paths: bool) -> None:
        self.fields: dict[str, Any] = {}
        self._blobs = blobs
        self._folder = folder
        self._paths = paths

    def add(self, command: Command) -> None:
        """Take one command into the fields."""
        handler = _HANDLERS.get(command.name)
        if handler is not None:
            handler(self, command.args)
        else:
            add_command(self.fields, command, _log.warning)

    def model(self, args: str) -> None:
        if Name.parse(args).is_valid:
            self.fields["from_"] = args
        else:
            self._add_file("files", args)

    def adapter(self, args: str) -> None:
        self._add_file("adapters", args)

    def draft(self, args: str) -> None:
        self._add_file("draft_files", args)

    def _add_file(self, kind: str, args: str) -> None:
        if args.startswith("@"):
            name, digest = args[1:].replace(":", "-"), args[1:]
        else:
            path = os.path.join(self._folder, os.path.expanduser(args))
            name, digest = os.path.basename(path), self._imported(args, Path(path))
        self.fields.setdefault(kind, {})[name] = digest

    def _imported(self, args: str, path: Path) -> str:
        """The digest of a file of this machine, which becomes a blob."""
        _refuse_paths(args, paths=self._paths)
        try:
            with path.open("rb") as file, self._blobs.upload() as upload:
                while piece := file.read(_PIECE):
                    upload.write(piece)
                upload.seal()
                upload.settle()
        except (OSError, ValueError):
            raise BadRequest(f"invalid model reference: {args}") from None
        return upload.digest


_HANDLERS: dict[str, Callable[[_Builder, str], None]] = {
    "model": _Builder.model,
    "adapter": _Builder.adapter,
    "draft": _Builder.draft,
}
"""Commands that name a model or a file."""
