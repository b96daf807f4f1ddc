"""Models that requests name, described once until their manifest changes."""

from __future__ import annotations

from functools import lru_cache

from ollamars.config import Config
from ollamars.described import DescribedModel, describe
from ollamars.errors import BadRequest, Forbidden, NotFound, OllamarsError
from ollamars.server.context import Context
from ollamars.server.threads import in_thread
from ollamars.store.manifests import ModelNotFound
from ollamars.store.models import StoredModel, load_model
from ollamars.store.names import InvalidName, Name, NameRequired, parse_ref
from ollamars.store.store import Store

KEPT = 64
"""Models whose description is kept until their manifest changes."""
CLOUD_OFF = "ollama cloud is disabled: "
NO_INFERENCE = "remote model is unavailable"
NO_DETAILS = "remote model details are unavailable"


async def find_served(
    context: Context,
    wanted: str,
    *,
    unnamed: OllamarsError | None = None,
    not_found: NotFound | None = None,
    any_case: bool = True,
) -> DescribedModel:
    """The model that a request names. Raises what Ollama answers where it cannot be had.

    `unnamed` is raised for an empty name; without it, that is a model that is not found.
    `not_found` has other words for that. `any_case`: another spelling of its name in upper and
    lower case is found too.
    """
    plain = NotFound(f"model '{wanted}' not found")
    not_found = not_found or plain
    try:
        ref = parse_ref(wanted)
    except NameRequired:
        raise unnamed or plain from None
    except InvalidName:
        raise BadRequest("invalid model name") from None
    if ref.source == "cloud":
        raise refused_cloud(context.config)
    try:
        store, go_template = context.store, context.config.go_template_setting
        name = await in_thread(store.resolve, ref.name) if any_case else ref.name
        model = await in_thread(_find, store, name, go_template)
    except ModelNotFound:
        raise not_found from None
    if model.stored.config.get("remote_host"):
        raise not_found if ref.source == "local" else refused_cloud(context.config)
    return model


async def find_stored(context: Context, wanted: str) -> StoredModel:
    """The model that a request wants to know about, as far as its manifest tells.

    Raises what Ollama answers where there is none.
    """
    try:
        ref = parse_ref(wanted)
    except InvalidName:
        raise BadRequest("invalid model name") from None
    if ref.source == "cloud":
        raise refused_cloud(context.config, NO_DETAILS)
    name = await in_thread(context.store.resolve, ref.name)
    try:
        model = await in_thread(context.store.load, name)
    except ModelNotFound:
        raise NotFound(f"model '{name.short}' not found") from None
    is_remote = bool(model.config.get("remote_host"))
    if is_remote and context.config.no_cloud:
        raise refused_cloud(context.config, NO_DETAILS)
    if model.model_path is None and not is_remote:
        raise NotFound(f"model '{name.short}' not found")
    return model


def refuse_cloud_name(config: Config, wanted: str, what: str = NO_INFERENCE) -> None:
    """Raises `OllamarsError` for a name that says by itself that the model is in the cloud."""
    try:
        ref = parse_ref(wanted)
    except BadRequest:
        return
    if ref.source == "cloud":
        raise refused_cloud(config, what)


def refused_cloud(config: Config, what: str = NO_INFERENCE) -> OllamarsError:
    """Why a model in the cloud cannot be had."""
    if config.no_cloud:
        return Forbidden(CLOUD_OFF + what)
    return OllamarsError("models in the cloud are not supported yet", status=501)


def _find(store: Store, name: Name, go_template: bool | None) -> DescribedModel:
    return _described(store, name, store.manifests.read(name).digest, go_template)


@lru_cache(maxsize=KEPT)
def _described(store: Store, name: Name, _digest: str, go_template: bool | None) -> DescribedModel:
    """The digest of the manifest makes a changed model another entry."""
    stored = load_model(name, store.manifests.read(name), store.blobs)
    return describe(stored, go_template=go_template)
