"""What happens to the weights of a model that is being created."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ollamars import _core
from ollamars.errors import OllamarsError, StoreError
from ollamars.store.create_config import ConfigDraft
from ollamars.store.create_parts import Part
from ollamars.store.files import describe
from ollamars.store.gguf_facts import GgufFacts
from ollamars.store.store import Store

if TYPE_CHECKING:
    from ollamars.store.create import CreateRequest

QUANTIZATIONS = {"F32", "F16", "BF16", "Q4_K_S", "Q4_K_M", "Q4_K", "Q8_0"}
"""What `quantize` may ask for."""
_UNQUANTIZED = ("F16", "BF16", "F32")

_DEFAULTS: dict[str, tuple[str, str, list[str]]] = {
    "gemma4": ("gemma4", "gemma4", ["<turn|>"]),
    "laguna": ("laguna", "laguna", []),
    "nemotron_h": ("nemotron-3-nano", "nemotron-3-nano", []),
    "nemotron_h_moe": ("nemotron-3-nano", "nemotron-3-nano", []),
    "nemotron_h_omni": ("nemotron-3-nano", "nemotron-3-nano", []),
}
"""Renderer, parser and stop texts that an architecture has where none are given."""


def finish_weights(
    store: Store,
    parts: list[Part],
    config: ConfigDraft,
    request: CreateRequest,
    parameters: dict[str, Any],
    emit: Callable[[str], None],
    resources: ExitStack,
) -> None:
    """Rewrite uploaded weights, and fill `config` and default `parameters` in from all weights.

    Temporary files are given to `resources`, which removes them. Raises `BadRequest`,
    `StoreError`.
    """
    for part in parts:
        facts = part.facts
        if facts is None:
            continue
        quantize = {"model": request.quantize, "draft": request.draft_quantize}.get(part.kind, "")
        if quantize:
            _check_quantize(quantize.upper(), part, facts)
        if part.kind == "model" and part.is_uploaded and not facts.has_embedded_encoder:
            _rewrite(store, part, emit, resources)
        if part.kind == "model":
            config.add_weights(facts)
            _apply_defaults(facts.architecture, config, parameters)
        elif part.kind == "draft":
            config.draft = {"model_format": "gguf", "architecture": facts.architecture}


def _check_quantize(wanted: str, part: Part, facts: GgufFacts) -> None:
    """Refuse a quantization that cannot be, or that is not supported yet."""
    if wanted not in QUANTIZATIONS:
        raise StoreError(
            f"unsupported quantization type {wanted} - supported types are "
            "F32, F16, Q4_K_S, Q4_K_M, Q8_0"
        )
    if facts.file_type not in _UNQUANTIZED:
        raise StoreError("quantization is only supported for F16, BF16 and F32 models")
    if facts.file_type != wanted:
        raise OllamarsError(f"quantizing to {wanted} is not supported yet", status=501)


def _rewrite(store: Store, part: Part, emit: Callable[[str], None], resources: ExitStack) -> None:
    upload = resources.enter_context(store.blobs.upload())
    try:
        _core.rewrite_gguf(str(store.blobs.path(part.digest)), str(upload.path))
    except _core.CoreError as error:
        raise StoreError(str(error)) from error
    except OSError as error:
        raise StoreError(describe(error, f"write {upload.path}")) from error
    emit("verifying conversion")
    upload.seal_file()
    part.upload, part.digest, part.source = upload, "", ""


def _apply_defaults(architecture: str, config: ConfigDraft, parameters: dict[str, Any]) -> None:
    defaults = _DEFAULTS.get(architecture)
    if defaults is None or (config.renderer and config.parser):
        return
    renderer, parser, stop = defaults
    config.renderer = config.renderer or renderer
    config.parser = config.parser or parser
    if stop and "stop" not in parameters:
        parameters["stop"] = list(stop)
