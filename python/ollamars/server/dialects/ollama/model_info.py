"""The answer of `/api/show`, kept for each model until its manifest changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import quart

from ollamars.config import Config
from ollamars.described import DescribedModel
from ollamars.described import describe as describe_model
from ollamars.prompts.template import DEFAULT_TEMPLATE
from ollamars.server.context import Context
from ollamars.server.dialects.ollama.details import details
from ollamars.store.gguf_facts import GgufContent
from ollamars.store.gotext import format_source
from ollamars.store.gotime import format_time
from ollamars.store.manifests import ModelNotFound
from ollamars.store.models import StoredModel, load_model
from ollamars.store.modelstring import model_string
from ollamars.store.names import Name
from ollamars.store.store import Store

KEPT = 64
"""Answers that are kept."""
_EXTENSION = "ollamars.shown"
_NAME_WIDTH = 30


@dataclass(frozen=True, slots=True)
class ShowOptions:
    """What a request asks beyond the model."""

    verbose: bool = False
    """With the lists of the metadata: vocabulary, merges, ..."""
    system: str = ""
    """Shown instead of the model's."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Shown in the Modelfile on top of the model's."""

    @property
    def plain(self) -> bool:
        """Is it the answer that nearly all ask for, and small?"""
        return not (self.verbose or self.system or self.params)


class Shown:
    """The answers of a store. Blocks; may be called from any thread."""

    def __init__(self, store: Store, config: Config) -> None:
        self._store = store
        self._config = config
        self._lock = threading.Lock()
        self._kept: OrderedDict[Name, tuple[str, dict[str, Any]]] = OrderedDict()

    def answer(self, name: Name, options: ShowOptions) -> dict[str, Any]:
        """The answer for a model; not to be changed. Raises `ModelNotFound`, `StoreError`."""
        manifest = self._store.manifests.read(name)
        if options.plain:
            digest, answer = self._kept.get(name, ("", {}))
            if digest == manifest.digest:
                return answer
        model = load_model(name, manifest, self._store.blobs)
        answer = describe(model, options, self._config)
        if options.plain:
            with self._lock:
                self._kept[name] = (manifest.digest, answer)
                if len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return answer


def current_shown(context: Context) -> Shown:
    """The answers that the running application keeps."""
    extensions = quart.current_app.extensions
    shown: Shown = extensions.setdefault(_EXTENSION, Shown(context.store, context.config))
    return shown


def describe(model: StoredModel, options: ShowOptions, config: Config) -> dict[str, Any]:
    """The answer for a model. Raises `ModelNotFound` without its weights, `StoreError`."""
    model.system = options.system or model.system
    go_template = DEFAULT_TEMPLATE if model.template is None else model.template
    is_remote = bool(model.config.get("remote_host"))
    content = None if is_remote else _content(model.model_path, model.name, options.verbose)
    projector = _projector(model, options.verbose)
    described = describe_model(model, go_template=config.go_template_setting)
    file_type = content.facts.file_type if content else "unknown"
    answer = {
        "license": "\n".join(model.licenses),
        "modelfile": _modelfile(model, go_template, options.params),
        "parameters": _parameters(model.params or {}),
        "template": _selected_template(described, go_template),
        "system": model.system,
        "details": details(model, parent=model.parent, file_type=file_type),
        "messages": [
            {key: message.get(key, "") for key in ("role", "content")} for message in model.messages
        ],
        "remote_model": model.config.get("remote_model"),
        "remote_host": model.config.get("remote_host"),
        "model_info": _model_info(content) if content else _remote_info(model.config),
        "projector_info": projector.metadata if projector else None,
        "tensors": content.tensors if content else None,
        "capabilities": described.capabilities,
        "modified_at": format_time(model.modified_ns),
        "requires": model.config.get("requires"),
    }
    always = ("details", "model_info", "modified_at")
    return {key: value for key, value in answer.items() if value or key in always}


def _content(path: Path | None, name: Name, verbose: bool) -> GgufContent:
    try:
        return GgufContent.read(path or Path(), arrays=verbose)
    except FileNotFoundError:
        raise ModelNotFound(f"model '{name.short}' not found") from None


def _modelfile(model: StoredModel, template: str, params: Mapping[str, Any]) -> str:
    shown = (model.params or {}) | dict(params)
    return (
        '# Modelfile generated by "ollama show"\n'
        "# To build a new Modelfile based on this, replace FROM with:\n"
        f"# FROM {model.name.short}\n\n" + model_string(model, template=template, params=shown)
    )


def _parameters(params: Mapping[str, Any]) -> str:
    """One line for each value: the name padded, the value in Go's syntax."""
    return "\n".join(
        f"{name:<{_NAME_WIDTH}} {format_source(item)}"
        for name, value in sorted(params.items())
        for item in (value if isinstance(value, list) else [value])
    )


def _model_info(content: GgufContent) -> dict[str, Any]:
    hidden = ("general.name", "tokenizer.chat_template")
    return {key: value for key, value in content.metadata.items() if key not in hidden}


def _remote_info(config: Mapping[str, Any]) -> dict[str, Any]:
    family = config.get("model_family")
    if not family:
        return {}
    info = {
        "general.architecture": family,
        "general.basename": config.get("base_name"),
        f"{family}.context_length": config.get("context_length"),
        f"{family}.embedding_length": config.get("embedding_length"),
    }
    return {key: value for key, value in sorted(info.items()) if value}


def _projector(model: StoredModel, verbose: bool) -> GgufContent | None:
    if not model.projector_paths or model.config.get("remote_host"):
        return None
    return _content(model.projector_paths[0], model.name, verbose)


def _selected_template(described: DescribedModel, go_template: str) -> str:
    """The text that makes the prompts: the Jinja text of the weights, or the Go template."""
    if described.facts.chat_template and described.is_native:
        return described.facts.chat_template
    return go_template
