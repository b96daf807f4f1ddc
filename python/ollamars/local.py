"""The model that the embedding API opens: a stored one by its name, or a GGUF file by its path."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ollamars.config import Config
from ollamars.conversation import Turn, checked_think, next_turn
from ollamars.described import DescribedModel, describe
from ollamars.errors import BadRequest, ModelError, NotFound, OllamarsError
from ollamars.prompts.messages import Message, Think, message_from_json, tools_from_json
from ollamars.runtime.forms import GRAMMARS, Form, one_form
from ollamars.runtime.options import SAMPLING, Options
from ollamars.store.gguf_facts import GgufFacts
from ollamars.store.models import StoredModel, load_model
from ollamars.store.names import Name
from ollamars.store.store import Store

EXTRA = frozenset({"mirostat", "mirostat_tau", "mirostat_eta", "ignore_eog", "shift", "logprobs"})
"""Options of a request that Ollama's API does not have; the engine checks their types."""

FORMS = frozenset({"format", *GRAMMARS})
"""Options of a request that say what its text must fit."""


@dataclass(frozen=True, slots=True)
class LocalModel:
    """What is opened: where the weights are, and how prompts and options are made for them."""

    described: DescribedModel
    path: Path

    @property
    def name(self) -> str:
        """The name of a stored model, or that of a file."""
        stored = self.described.stored
        return stored.name.short if stored.digest else self.path.name

    @property
    def num_ctx(self) -> int:
        """Tokens of context that the model's parameters ask for; 0: they do not."""
        return self._defaults().num_ctx

    def options(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Options for the engine: defaults, the model's parameters, what is asked for.

        What a text must fit is not among them: see `form`.

        Raises `BadRequest` for an unknown name or a wrong type.
        """
        asked = {name: value for name, value in asked.items() if name not in FORMS}
        unknown = [name for name in asked if name not in {*SAMPLING, "stop"} | EXTRA]
        if unknown:
            raise BadRequest(f"unknown option {unknown[0]!r}")
        extra = {name: asked[name] for name in asked if name in EXTRA}
        known = {name: asked[name] for name in asked if name not in EXTRA}
        return self._defaults().with_map(known).sampling() | extra

    @staticmethod
    def form(asked: Mapping[str, Any]) -> Form | None:
        """What a text must fit: `format` (`"json"` or a schema), or the text of a grammar.

        Raises `BadRequest` for a `format` of another kind, and for two at once.
        """
        format = asked.get("format")
        if format is None or format == "json":
            form = None if format is None else Form("json")
        elif isinstance(format, Mapping):
            form = Form("schema", _json(format))
        else:
            raise BadRequest('format must be "json" or a JSON schema as a mapping')
        return one_form(form, asked)

    def next_turn(
        self,
        messages: Sequence[Mapping[str, Any] | Message],
        tools: Sequence[Mapping[str, Any]] | None,
        think: Think,
    ) -> Turn:
        """How the answer to a conversation is made.

        Raises `BadRequest` for messages or tools of a wrong form and for what the model cannot do.
        """
        asked = [
            each if isinstance(each, Message) else message_from_json(each, f"messages[{index}]")
            for index, each in enumerate(messages)
        ]
        if not asked:
            raise BadRequest("a chat needs at least one message")
        missing = self.described.missing("tools") if tools else None
        if missing:
            raise BadRequest(f'"{self.name}" {missing}')
        think = checked_think(self.described, self.name, think)
        return next_turn(self.described, asked, tools_from_json(tools), think)

    def _defaults(self) -> Options:
        return Options().with_map(self.described.stored.params or {})


def _json(schema: Mapping[str, Any]) -> str:
    try:
        return json.dumps(schema)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadRequest(f"format: the schema cannot be written as JSON: {error}") from None


def open_model(name_or_path: str | os.PathLike[str]) -> LocalModel:
    """A GGUF file if there is one at the path, else the stored model of that name.

    Raises `NotFound`, `ModelError` (damaged or not a GGUF file), `BadRequest` (bad name).
    """
    path = Path(name_or_path)
    stored = _file(path) if path.is_file() else _stored(os.fspath(name_or_path))
    if stored.model_path is None:
        raise ModelError(f"model {os.fspath(name_or_path)!r} has no weights")
    return LocalModel(describe(stored), stored.model_path)


def _file(path: Path) -> StoredModel:
    """A file as a model without template and parameters of its own."""
    try:
        family = GgufFacts.read(path).architecture
    except OllamarsError as error:
        raise ModelError(f"{path}: {error.message}") from None
    return StoredModel(
        name=Name.parse("file"),
        digest="",
        size=path.stat().st_size,
        modified_ns=path.stat().st_mtime_ns,
        config={"model_family": family, "model_families": [family]},
        model_path=path,
    )


def _stored(name: str) -> StoredModel:
    parsed = Name.parse(name)
    if not parsed.is_valid:
        raise NotFound(f"no such file, and not the name of a model: {name!r}")
    store = Store(Config.from_env(os.environ).models)
    resolved = store.resolve(parsed)
    return load_model(resolved, store.manifests.read(resolved), store.blobs)
