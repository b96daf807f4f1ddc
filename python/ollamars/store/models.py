"""A stored model with everything that its small layers say."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ollamars.errors import StoreError
from ollamars.store.blobs import Blobs
from ollamars.store.digests import InvalidDigest
from ollamars.store.files import describe
from ollamars.store.gosyntax import SyntaxFault, first_value
from ollamars.store.manifests import Manifest, ModelNotFound
from ollamars.store.names import Name


@dataclass(slots=True)
class StoredModel:
    """What a manifest and its layers say about a model. Its files need not be there."""

    name: Name
    digest: str
    """64 hex digits: the SHA-256 of the manifest."""
    size: int
    """Bytes of all layers."""
    modified_ns: int
    """Modification time of the manifest, in ns since 1970."""
    config: dict[str, Any] = field(default_factory=dict)
    """The configuration: `model_format`, `model_family`, `renderer`, ...; empty without one."""
    model_path: Path | None = None
    """The weights."""
    parent: str = ""
    """The model or file that the weights were taken from."""
    draft_path: Path | None = None
    adapter_paths: list[Path] = field(default_factory=list)
    projector_paths: list[Path] = field(default_factory=list)
    template: str | None = None
    """The Go template; None where the model has none."""
    system: str = ""
    params: dict[str, Any] | None = None
    """Parameters that the model sets; numbers as they are written."""
    messages: list[dict[str, Any]] = field(default_factory=list)
    licenses: list[str] = field(default_factory=list)


def load_model(
    name: Name, manifest: Manifest, blobs: Blobs, *, only: Collection[str] | None = None
) -> StoredModel:
    """Read the configuration and the small layers of a model, or just those of the kinds `only`.

    The paths of its large files are always given. Raises `ModelNotFound` when a small layer is not
    there, `StoreError` when one is damaged.
    """
    model = StoredModel(name, manifest.digest, manifest.size, manifest.modified_ns)
    if manifest.config is not None:
        model.config = _checked(_read_json(blobs, manifest.config.digest, name, dict), _CONFIG)
    for layer in manifest.layers:
        if only is not None and layer.kind not in only and layer.kind not in _PATHS:
            continue
        try:
            path = blobs.path(layer.digest)
        except InvalidDigest as error:
            raise StoreError(error.message) from None
        if layer.kind == "model":
            model.parent = layer.source
        if layer.kind in _PATHS:
            _PATHS[layer.kind](model, path)
        elif layer.kind in _READERS:
            _READERS[layer.kind](model, blobs, layer.digest)
    return model


_CONFIG: dict[str, type] = {
    **dict.fromkeys(("model_format", "model_family", "model_type", "file_type"), str),
    **dict.fromkeys(("renderer", "parser", "requires", "base_name"), str),
    **dict.fromkeys(("remote_host", "remote_model"), str),
    **dict.fromkeys(("model_families", "capabilities"), list),
    **dict.fromkeys(("context_length", "embedding_length"), int),
    "draft": dict,
}
_MESSAGE: dict[str, type] = dict.fromkeys(("role", "content"), str)


def _checked(value: Any, kinds: Mapping[str, type]) -> dict[str, Any]:
    """An object without its null members. Raises `StoreError` for members of another type."""
    if not isinstance(value, dict):
        raise StoreError("json: expected an object")
    members = {key: item for key, item in value.items() if item is not None}
    for key, kind in kinds.items():
        item = members.get(key, kind())
        texts = item if kind is list and isinstance(item, list) else []
        if type(item) is not kind or any(not isinstance(text, str) for text in texts):
            raise StoreError(f"json: field {key} is of a wrong type")
    return members


def _set_model(model: StoredModel, path: Path) -> None:
    model.model_path = path


def _set_draft(model: StoredModel, path: Path) -> None:
    model.draft_path = path


def _add_adapter(model: StoredModel, path: Path) -> None:
    model.adapter_paths.append(path)


def _add_projector(model: StoredModel, path: Path) -> None:
    model.projector_paths.append(path)


_PATHS: dict[str, Callable[[StoredModel, Path], None]] = {
    "model": _set_model,
    "draft": _set_draft,
    "adapter": _add_adapter,
    "projector": _add_projector,
}


def _set_template(model: StoredModel, blobs: Blobs, digest: str) -> None:
    model.template = _read_text(blobs, digest, model.name)


def _set_system(model: StoredModel, blobs: Blobs, digest: str) -> None:
    model.system = _read_text(blobs, digest, model.name)


def _add_license(model: StoredModel, blobs: Blobs, digest: str) -> None:
    model.licenses.append(_read_text(blobs, digest, model.name))


def _set_params(model: StoredModel, blobs: Blobs, digest: str) -> None:
    model.params = (model.params or {}) | _read_json(blobs, digest, model.name, dict)


def _set_messages(model: StoredModel, blobs: Blobs, digest: str) -> None:
    messages = _read_json(blobs, digest, model.name, list)
    model.messages = [_checked(message, _MESSAGE) for message in messages]


_READERS: dict[str, Callable[[StoredModel, Blobs, str], None]] = {
    "prompt": _set_template,
    "template": _set_template,
    "system": _set_system,
    "license": _add_license,
    "params": _set_params,
    "messages": _set_messages,
}


def read_blob(blobs: Blobs, digest: str, name: Name) -> bytes:
    """The bytes of a small blob of a model. Raises `ModelNotFound`, `StoreError`."""
    try:
        return blobs.path(digest).read_bytes()
    except FileNotFoundError:
        raise ModelNotFound(f"model '{name.short}' not found") from None
    except InvalidDigest as error:
        raise StoreError(error.message) from None
    except OSError as error:
        raise StoreError(describe(error, "read")) from error


def _read_text(blobs: Blobs, digest: str, name: Name) -> str:
    return read_blob(blobs, digest, name).decode("utf-8", "replace")


def _read_json(blobs: Blobs, digest: str, name: Name, kind: type) -> Any:
    try:
        value = first_value(read_blob(blobs, digest, name))
    except SyntaxFault as fault:
        raise StoreError(str(fault)) from None
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise StoreError(f"blob {digest}: expected a JSON {kind.__name__}")
    return value
