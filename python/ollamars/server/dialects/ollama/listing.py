"""What `/api/tags` tells about each stored model, kept until the model's manifest changes."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import Any

import quart

from ollamars.errors import OllamarsError
from ollamars.prompts.parsers import PARSERS
from ollamars.prompts.template import DEFAULT_TEMPLATE, ChatTemplate
from ollamars.prompts.thinking import thinking_tags
from ollamars.server.dialects.ollama.details import details
from ollamars.store.gguf_facts import FILE_TYPES, GgufFacts
from ollamars.store.gotime import format_time
from ollamars.store.manifests import Manifest
from ollamars.store.models import StoredModel, load_model
from ollamars.store.names import Name
from ollamars.store.store import Store

_log = logging.getLogger(__name__)

_EXTENSION = "ollamars.listing"


@dataclass(slots=True)
class _Head:
    """What the metadata before the vocabulary says."""

    file_type: str = "unknown"
    context_length: int = 0
    embedding_length: int = 0
    capabilities: list[str] = field(default_factory=list)


class Listing:
    """The list of a store. Blocks; may be called from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._entries: dict[Name, tuple[int, dict[str, Any]]] = {}

    def models(self) -> list[dict[str, Any]]:
        """All models, the last modified first. Those that are damaged are left out."""
        manifests = self._store.list()
        with self._lock:
            self._entries = {
                name: entry
                for name, manifest in manifests.items()
                if (entry := self._entry(name, manifest)) is not None
            }
            entries = sorted(self._entries.values(), key=lambda entry: -entry[0])
        return [row for _, row in entries]

    def _entry(self, name: Name, manifest: Manifest) -> tuple[int, dict[str, Any]] | None:
        known = self._entries.get(name)
        if known is not None and known[1]["digest"] == manifest.digest:
            return known
        try:
            model = load_model(name, manifest, self._store.blobs, only=("template", "prompt"))
            return manifest.modified_ns // 10**9, _row(model)
        except OllamarsError as error:
            _log.warning("model %s is left out of the list: %s", name, error.message)
            return None


def current_listing(store: Store) -> Listing:
    """The list that the running application keeps."""
    listing: Listing = quart.current_app.extensions.setdefault(_EXTENSION, Listing(store))
    return listing


def _row(model: StoredModel) -> dict[str, Any]:
    head = _head(model)
    lengths = {
        "context_length": model.config.get("context_length") or head.context_length,
        "embedding_length": model.config.get("embedding_length") or head.embedding_length,
    }
    facts = details(model, parent=model.parent, file_type=head.file_type)
    facts |= {key: value for key, value in lengths.items() if value}
    row = {
        "name": model.name.short,
        "model": model.name.short,
        "remote_model": model.config.get("remote_model"),
        "remote_host": model.config.get("remote_host"),
        "modified_at": format_time(model.modified_ns),
        "size": model.size,
        "digest": model.digest,
        "details": facts,
        "capabilities": _capabilities(model, head),
    }
    optional = ("remote_model", "remote_host", "capabilities")
    return {key: value for key, value in row.items() if value or key not in optional}


def _head(model: StoredModel) -> _Head:
    """Facts of the weights, empty where they cannot be read or are elsewhere."""
    head = _Head()
    remote = model.config.get("remote_host") or model.config.get("remote_model")
    if model.model_path is None or remote:
        return head
    try:
        facts = GgufFacts.read(model.model_path)
    except OllamarsError as error:
        _log.debug("weights of %s cannot be read: %s", model.name, error.message)
        return head
    keys = _keys_before_vocabulary(facts)
    head.file_type = FILE_TYPES.get(facts.integer("general.file_type"), "unknown")
    head.context_length = facts.integer("context_length")
    head.embedding_length = facts.integer("embedding_length")
    encoders = (("vision.block_count", "vision"), ("audio.block_count", "audio"))
    head.capabilities = [name for key, name in encoders if f"{facts.architecture}.{key}" in keys]
    pooled = f"{facts.architecture}.pooling_type" in keys
    head.capabilities.append("embedding" if pooled else "completion")
    return head


def _keys_before_vocabulary(facts: GgufFacts) -> set[str]:
    keys: set[str] = set()
    for key in facts.metadata:
        if key.startswith("tokenizer.") and "general.architecture" in keys:
            break
        keys.add(key)
    return keys


def _capabilities(model: StoredModel, head: _Head) -> list[str]:
    """In the order of Ollama's list, which differs from that of `show` and knows less."""
    family = PARSERS.get(model.config.get("parser", ""))
    template = ChatTemplate.parse(DEFAULT_TEMPLATE if model.template is None else model.template)
    gptoss = model.config.get("model_family") in ("gptoss", "gpt-oss")
    more = {
        "tools": "tools" in template.variables or (family is not None and family.has_tools),
        "insert": "suffix" in template.variables,
        "thinking": bool(thinking_tags(template))
        or gptoss
        or (family is not None and family.has_thinking),
        "vision": bool(model.projector_paths),
    }
    configured = model.config.get("capabilities") or []
    names = [*head.capabilities, *configured, *(name for name, has in more.items() if has)]
    return [name for name in dict.fromkeys(names) if name]
