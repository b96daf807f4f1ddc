"""From a Modelfile to the body of `POST /api/create`, local files hashed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ollamars.cli.errors import CommandError
from ollamars.cli.local_files import expand_path, files_of, sent_names
from ollamars.store.modelfile import Command, Modelfile
from ollamars.store.modelfile_fields import add_command

Hash = Callable[[str], str]
"""Hex SHA-256 of a file, by its path."""


@dataclass
class CreateRequest:
    """What a Modelfile asks the server to create."""

    body: dict[str, Any] = field(default_factory=dict)
    """The fields of the request that are set, without the files."""
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    """For `files`, `adapters`, `draft_files`: local path to digest (`sha256:...`)."""

    def local_files(self) -> dict[str, str]:
        """Every file to upload, with its digest."""
        return {path: digest for group in self.files.values() for path, digest in group.items()}

    def json(self, model: str) -> dict[str, Any]:
        """The body of the request; files by the names that the server is told."""
        groups = {}
        for kind, digests in self.files.items():
            names = sent_names(list(digests))
            groups[kind] = {names[path]: digest for path, digest in digests.items()}
        return {"model": model, **self.body, **groups, "name": ""}


def create_request(
    modelfile: Modelfile, folder: str, sha256: Hash, warn: Callable[[str], object]
) -> CreateRequest:
    """Read the commands; paths are relative to `folder`, deprecated parameters are warned about.

    Raises `CommandError` or `BadRequest` with Ollama's text.
    """
    builder = _Builder(folder, sha256, warn)
    for command in modelfile.commands:
        builder.add(command)
    return builder.request


class _Builder:
    def __init__(self, folder: str, sha256: Hash, warn: Callable[[str], object]) -> None:
        self.folder = folder
        self.sha256 = sha256
        self.warn = warn
        self.request = CreateRequest()
        self.from_paths: list[str] = []
        self.draft_paths: list[str] = []

    def add(self, command: Command) -> None:
        """Take one command into the request."""
        handler = _HANDLERS.get(command.name)
        if handler is not None:
            handler(self, command)
        else:
            add_command(self.request.body, command, self.warn)

    def model(self, command: Command) -> None:
        path = expand_path(command.args, self.folder)
        try:
            digests = self.digests(path)
        except FileNotFoundError:
            self.request.body["from"] = command.args
            return
        self.refuse_same(path, self.draft_paths)
        self.from_paths.append(path)
        self.request.files.setdefault("files", {}).update(digests)

    def draft(self, command: Command) -> None:
        path = expand_path(command.args, self.folder)
        digests = self.existing(path)
        self.refuse_same(path, self.from_paths)
        self.draft_paths.append(path)
        self.request.files.setdefault("draft_files", {}).update(digests)

    def adapter(self, command: Command) -> None:
        digests = self.existing(expand_path(command.args, self.folder))
        self.request.files["adapters"] = digests

    def digests(self, path: str) -> dict[str, str]:
        return {file: f"sha256:{self.sha256(file)}" for file in files_of(path)}

    def existing(self, path: str) -> dict[str, str]:
        try:
            return self.digests(path)
        except FileNotFoundError:
            raise CommandError(f"stat {path}: no such file or directory") from None

    def refuse_same(self, path: str, others: list[str]) -> None:
        if os.path.realpath(path) in map(os.path.realpath, others):
            raise CommandError(f"DRAFT must not reference the same local path as FROM: {path}")


_HANDLERS: Mapping[str, Callable[[_Builder, Command], None]] = {
    "model": _Builder.model,
    "draft": _Builder.draft,
    "adapter": _Builder.adapter,
}
"""Commands that name files."""
