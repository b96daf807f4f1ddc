"""Creating a model: from uploaded files or from a stored model, to a manifest.

The slow part, reading and rewriting weights, happens first and outside the store's lock, in
temporary files. Then everything is put in place at once: blobs, manifest, removal of what an older
model of that name leaves unused. An error before that leaves the store as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from ollamars.errors import BadRequest, OllamarsError, StoreError
from ollamars.store import gojson
from ollamars.store.blobs import StoredBlob
from ollamars.store.create_config import ConfigDraft, apply_info
from ollamars.store.create_parts import Part, parts_from_files, parts_from_model
from ollamars.store.create_weights import finish_weights
from ollamars.store.manifests import CONFIG_TYPE, Layer, Manifest, ModelNotFound
from ollamars.store.names import InvalidName, Name, NameRequired, SourceConflict, parse_ref
from ollamars.store.remote import CLOUD_URL, remote_url
from ollamars.store.small_layers import SmallLayers, add_small_layers
from ollamars.store.store import Store

Emit = Callable[[str], None]
"""Receives one status line of the progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRequest:
    """The body of `POST /api/create`, apart from the name."""

    from_: str = ""
    files: Mapping[str, str] | None = None
    """Name to digest; None where the field is missing, which differs from empty."""
    adapters: Mapping[str, str] | None = None
    draft_files: Mapping[str, str] | None = None
    remote_host: str = ""
    quantize: str = ""
    draft_quantize: str = ""
    template: str = ""
    system: str = ""
    license: Any = None
    parameters: Mapping[str, Any] | None = None
    messages: list[dict[str, Any]] = field(default_factory=list)
    renderer: str = ""
    parser: str = ""
    requires: str = ""
    info: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class DetectedTemplate:
    """A known Go template that stands for a model's chat template."""

    name: str
    text: str
    parameters: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateHooks:
    """What creating needs from rooms above the store."""

    check_template: Callable[[str], None]
    """Parses a Go template; raises `OllamarsError` with what is wrong."""
    detect_template: Callable[[str], DetectedTemplate | None]
    """The known template for a Jinja chat template."""
    pull: Callable[[Name], None] | None = None
    """Brings a model that is not stored and tells its progress; None: models cannot be pulled."""


def create_model(
    store: Store,
    name: Name,
    request: CreateRequest,
    hooks: CreateHooks,
    emit: Emit,
    *,
    keep_unused: bool = False,
) -> None:
    """Create the model `name`, whose spelling the caller has resolved.

    `emit` receives every status line, the last is `success`. With `keep_unused` blobs of an older
    model of the name stay. Blocks, for minutes where weights are large.

    Raises `BadRequest` and other `OllamarsError`s with Ollama's texts.
    """
    with ExitStack() as resources:
        config = ConfigDraft(
            renderer=request.renderer, parser=request.parser, requires=request.requires
        )
        parts = _base_parts(store, request, config, hooks, emit)
        parts += _adapters_and_drafts(store, request, config, emit)
        apply_info(config, request.info)
        parameters = dict(request.parameters or {})
        finish_weights(store, parts, config, request, parameters, emit, resources)
        small = SmallLayers(
            template=request.template,
            system=request.system,
            license=request.license,
            parameters=parameters,
            messages=request.messages,
        )
        read = store.blobs.read
        add_small_layers(parts, small, hooks.check_template, read)
        _commit(store, name, parts, config, emit, keep_unused)
    emit("success")


def _base_parts(
    store: Store, request: CreateRequest, config: ConfigDraft, hooks: CreateHooks, emit: Emit
) -> list[Part]:
    """The layers that the new model starts from."""
    if request.from_:
        return _from_model(store, request, config, hooks, emit)
    if request.files is None:
        raise BadRequest("neither 'from' or 'files' was specified")
    parts = parts_from_files(store, request.files, emit)
    for part in list(parts):
        text = part.facts.chat_template if part.facts else ""
        found = hooks.detect_template(text) if text else None
        if found is not None:
            parts += _detected(found)
    return parts


def _detected(found: DetectedTemplate) -> list[Part]:
    status = f"using autodetected template {found.name}"
    parts = [Part(kind="template", data=found.text.encode(), status=status)]
    if found.parameters is not None:
        data = gojson.dumps(dict(found.parameters), sort_keys=True) + b"\n"
        parts.append(Part(kind="params", data=data))
    return parts


def _from_model(
    store: Store, request: CreateRequest, config: ConfigDraft, hooks: CreateHooks, emit: Emit
) -> list[Part]:
    try:
        ref = parse_ref(request.from_)
    except (NameRequired, InvalidName, SourceConflict):
        raise BadRequest("invalid model name") from None
    remote_host = request.remote_host or (CLOUD_URL if ref.source == "cloud" else "")
    if remote_host:
        config.remote_model = ref.base
        config.remote_host = remote_url(remote_host)
        return []
    try:
        manifest = store.manifests.read(ref.name)
    except ModelNotFound:
        if hooks.pull is None:
            raise StoreError(f'model "{ref.name.short}" is not stored') from None
        hooks.pull(ref.name)
        manifest = store.manifests.read(ref.name)
    config.inherit(store, manifest, ref.name)
    return parts_from_model(store, ref.name, manifest)


def _adapters_and_drafts(
    store: Store, request: CreateRequest, config: ConfigDraft, emit: Emit
) -> list[Part]:
    """Parts of `adapters` and `draft_files`; every fault in them is the request's."""
    if config.remote_host:
        if request.draft_files:
            raise BadRequest("DRAFT cannot be used with remote models")
        return []
    drafts: list[Part] = []
    adapters: list[Part] = []
    try:
        if request.draft_files is not None:
            drafts = parts_from_files(store, request.draft_files, emit, kind="draft")
        if request.adapters is not None:
            adapters = parts_from_files(store, request.adapters, emit, adapters=True)
    except OllamarsError as error:
        raise BadRequest(error.message) from error
    return adapters + drafts


def _commit(
    store: Store,
    name: Name,
    parts: list[Part],
    config: ConfigDraft,
    emit: Emit,
    keep_unused: bool,
) -> None:
    """Put blobs and manifest in place; status lines go out when the lock is free again."""
    statuses: list[str] = []
    created: list[str] = []
    try:
        with store.lock(), _removed_on_failure(store, created):
            layers = tuple(_place(store, part, statuses, created) for part in parts)
            config_layer = _place(store, Part(kind=CONFIG_TYPE, data=config.encode()), [], created)
            statuses.append("writing manifest")
            old = _old_manifest(store, name)
            store.manifests.write(name, Manifest(config_layer, layers).encode())
            created.clear()
            if old is not None and not keep_unused:
                store.remove_unused(old)
    finally:
        for status in statuses:
            emit(status)


@contextmanager
def _removed_on_failure(store: Store, created: list[str]) -> Iterator[None]:
    """Take the blobs in `created` away again when the work on them fails."""
    try:
        yield
    except BaseException:
        for digest in created:
            with suppress(StoreError):
                store.blobs.remove(digest)
        raise


def _place(store: Store, part: Part, statuses: list[str], created: list[str]) -> Layer:
    """Make sure that a part's blob is in the store; its layer."""
    if part.upload is not None:
        blob = StoredBlob(part.upload.digest, part.upload.size, part.upload.settle())
    elif part.data is not None:
        blob = store.blobs.add(part.data)
    else:
        blob = StoredBlob(part.digest, store.blobs.touch(part.digest), False)
    if blob.created:
        created.append(blob.digest)
    made = "creating new layer" if blob.created else "using existing layer"
    statuses.append(part.status or f"{made} {blob.digest}")
    return Layer(part.media_type, blob.digest, blob.size, part.source, part.name)


def _old_manifest(store: Store, name: Name) -> Manifest | None:
    try:
        return store.manifests.read(name)
    except (ModelNotFound, StoreError):
        return None
