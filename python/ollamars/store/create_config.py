"""The configuration of a model that is being created."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ollamars.errors import BadRequest, StoreError
from ollamars.store import gojson
from ollamars.store.gguf_facts import GgufFacts, human_number
from ollamars.store.manifests import Manifest, ModelNotFound
from ollamars.store.models import load_model
from ollamars.store.names import Name
from ollamars.store.store import Store

_MAX_INT = 2**63 - 1


@dataclass(slots=True, kw_only=True)
class ConfigDraft:
    """The fields of the configuration; empty ones are filled in from the weights."""

    model_format: str = ""
    model_family: str = ""
    model_families: list[str] = field(default_factory=list)
    model_type: str = ""
    """Parameter count for people."""
    file_type: str = ""
    """Name of the quantization."""
    renderer: str = ""
    parser: str = ""
    requires: str = ""
    remote_host: str = ""
    remote_model: str = ""
    capabilities: list[str] = field(default_factory=list)
    context_length: int = 0
    embedding_length: int = 0
    base_name: str = ""
    draft: dict[str, str] | None = None

    def encode(self) -> bytes:
        """The blob: keys in Ollama's order, those that are empty left out after `file_type`."""
        always = {
            "model_format": self.model_format,
            "model_family": self.model_family,
            "model_families": self.model_families or None,
            "model_type": self.model_type,
            "file_type": self.file_type,
        }
        optional = {
            "renderer": self.renderer,
            "parser": self.parser,
            "requires": self.requires,
            "remote_host": self.remote_host,
            "remote_model": self.remote_model,
            "capabilities": self.capabilities,
            "context_length": self.context_length,
            "embedding_length": self.embedding_length,
            "base_name": self.base_name,
            "draft": self.draft,
        }
        given = {key: value for key, value in optional.items() if value}
        platform = {"architecture": "amd64", "os": "linux"}
        return gojson.dumps(always | given | platform) + b"\n"

    def inherit(self, store: Store, manifest: Manifest, name: Name) -> None:
        """Take over from a base model what the request leaves open."""
        try:
            base = load_model(name, Manifest(manifest.config, ()), store.blobs).config
        except (ModelNotFound, StoreError):
            return
        for key in ("renderer", "parser", "requires", "model_format"):
            value = base.get(key)
            if not getattr(self, key) and isinstance(value, str):
                setattr(self, key, value)
        if not self.capabilities and isinstance(base.get("capabilities"), list):
            self.capabilities = [item for item in base["capabilities"] if isinstance(item, str)]

    def add_weights(self, facts: GgufFacts) -> None:
        """Fill in what a model's weights say."""
        self.model_format = self.model_format or "gguf"
        self.model_family = self.model_family or facts.architecture
        self.model_type = self.model_type or human_number(facts.parameter_count)
        self.file_type = self.file_type or facts.file_type
        self.model_families.append(facts.architecture)


def apply_info(config: ConfigDraft, info: Mapping[str, Any] | None) -> None:
    """Override fields by the request's `info`. Raises `BadRequest`."""
    if info is None:
        return
    capabilities = info.get("capabilities")
    if isinstance(capabilities, list):
        texts = [item if isinstance(item, str) else "" for item in capabilities]
        config.capabilities = [*config.capabilities, *texts]
    config.model_family = _text(info, "model_family")
    if config.model_family:
        config.model_families = [config.model_family]
    config.base_name = _text(info, "base_name")
    config.file_type = _text(info, "quantization_level")
    config.model_type = _text(info, "parameter_size")
    config.context_length = _length(info, "context_length")
    config.embedding_length = _length(info, "embedding_length")


def _text(info: Mapping[str, Any], key: str) -> str:
    value = info.get(key, "")
    if not isinstance(value, str):
        raise BadRequest(f'info field "{key}" must be a string')
    return value


def _length(info: Mapping[str, Any], key: str) -> int:
    value = info.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadRequest(f'info field "{key}" must be a number')
    if not 0 <= value <= _MAX_INT or value != int(value):
        raise BadRequest(f'info field "{key}" must be a non-negative integer')
    return int(value)
