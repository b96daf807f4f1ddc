"""Layers-to-be of a model that is being created, from files or from a stored model."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ollamars.errors import BadRequest, OllamarsError, StoreError
from ollamars.store.blobs import Upload
from ollamars.store.digests import InvalidDigest
from ollamars.store.gguf_facts import GgufFacts, has_gguf_magic
from ollamars.store.manifests import LAYER_PREFIX, Manifest
from ollamars.store.names import Name
from ollamars.store.store import Store

WEIGHT_KINDS = ("model", "projector", "adapter", "draft")
"""Kinds of layers that are GGUF files."""

_SPLIT_NAME = re.compile(r"(?:.*/)?(.*)-(\d{5})-of-(\d{5})\.gguf", re.DOTALL)


@dataclass(slots=True, kw_only=True)
class Part:
    """A layer that the new model will have. Its content is one of `digest`, `data`, `upload`."""

    kind: str
    """`model`, `template`, ...; or a whole media type."""
    digest: str = ""
    """A blob that is in the store already."""
    data: bytes | None = None
    """Content that becomes a blob."""
    upload: Upload | None = None
    """A sealed temporary file that becomes a blob."""
    facts: GgufFacts | None = None
    source: str = ""
    """`from` of the layer."""
    name: str = ""
    status: str = ""
    """The status line; empty: the usual one, by whether the blob is new."""
    is_uploaded: bool = False
    """The weights come from the request's files: they are rewritten."""

    @property
    def media_type(self) -> str:
        """The layer's media type."""
        return self.kind if "/" in self.kind else LAYER_PREFIX + self.kind


def parts_from_model(store: Store, name: Name, manifest: Manifest) -> list[Part]:
    """All layers of a stored model, in their order. Raises `StoreError`."""
    parts = []
    for layer in manifest.layers:
        try:
            store.blobs.touch(layer.digest)
            path = store.blobs.path(layer.digest)
        except InvalidDigest as error:
            raise StoreError(error.message) from None
        facts = GgufFacts.read(path) if layer.kind in WEIGHT_KINDS else None
        part = Part(
            kind=layer.kind,
            digest=layer.digest,
            facts=facts,
            source=name.short,
            name=layer.name,
        )
        parts.append(part)
    return parts


def parts_from_files(
    store: Store,
    files: Mapping[str, str],
    emit: Callable[[str], None],
    *,
    kind: str = "",
    adapters: bool = False,
) -> list[Part]:
    """The weights among uploaded files (name to digest), sorted by name.

    `kind` overrides what a file says it is. Raises `BadRequest`, `StoreError`.
    """
    file_format = _file_format(store, files)
    if file_format == "safetensors":
        emit("converting model")
        if "config.json" not in files:
            raise OllamarsError("open config.json: no such file or directory")
        raise OllamarsError("creating from safetensors is not supported yet", status=501)
    if file_format != "gguf":
        raise BadRequest("unknown type")
    if adapters and len(files) > 1:
        raise BadRequest("only one adapter is currently supported")
    parts = [_gguf_part(store, name, files[name], kind, emit) for name in sorted(files)]
    _refuse_split(parts)
    return parts


def _file_format(store: Store, files: Mapping[str, str]) -> str:
    """`safetensors`, `gguf` or empty, by the names or the first bytes."""
    for name, digest in files.items():
        for suffix in ("safetensors", "gguf"):
            if name.endswith("." + suffix):
                return suffix
        try:
            if has_gguf_magic(store.blobs.path(digest)):
                return "gguf"
        except (InvalidDigest, OSError):
            return ""
    return ""


def _gguf_part(
    store: Store, name: str, digest: str, kind: str, emit: Callable[[str], None]
) -> Part:
    emit("parsing GGUF")
    try:
        path = store.blobs.path(digest)
    except InvalidDigest as error:
        raise StoreError(error.message) from None
    facts = GgufFacts.read(path)
    return Part(kind=kind or facts.kind, digest=digest, facts=facts, source=name, is_uploaded=True)


def _refuse_split(parts: list[Part]) -> None:
    """Say what is wrong with weights in several files. Raises `StoreError`, `OllamarsError`."""
    groups: dict[tuple[str, str, int], list[Part]] = {}
    for part in parts:
        count = _split_number(part, "split.count")
        if count > 1:
            groups.setdefault((part.kind, _split_prefix(part, count), count), []).append(part)
    for (_, _, count), members in groups.items():
        if len(members) != count:
            raise StoreError(
                f'split GGUF "{members[0].source}" has {len(members)} shards, expected {count}'
            )
        raise OllamarsError("creating from split GGUF files is not supported yet", status=501)


def _split_prefix(part: Part, count: int) -> str:
    """What the names of a model's files have in common. Raises `StoreError`."""
    match = _SPLIT_NAME.fullmatch(part.source)
    label = f'split GGUF "{part.source}"'
    if match is None or not int(match[2]) or not int(match[3]):
        raise StoreError(f"{label} must use llama.cpp split filename pattern")
    named, index = int(match[3]), int(match[2]) - 1
    if named != count:
        raise StoreError(f"{label} filename count {named} does not match metadata count {count}")
    number = _split_number(part, "split.no")
    if number != index:
        raise StoreError(f"{label} filename index {index} does not match metadata index {number}")
    return match[1]


def _split_number(part: Part, key: str) -> int:
    metadata: dict[str, Any] = part.facts.metadata if part.facts else {}
    value = metadata.get(key)
    return value if type(value) is int else 0
