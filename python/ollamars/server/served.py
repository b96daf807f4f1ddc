"""Models as the server runs them: what is stored, what it can do, what makes its prompts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from ollamars.config import Config
from ollamars.errors import BadRequest, Forbidden, NotFound, OllamarsError, StoreError
from ollamars.prompts.capabilities import (
    ModelFacts,
    PromptChoice,
    capabilities,
    missing_capabilities,
    prompt_choice,
)
from ollamars.prompts.gotemplate import TemplateError
from ollamars.prompts.messages import Message, messages_from_json
from ollamars.prompts.template import DEFAULT_TEMPLATE, ChatTemplate
from ollamars.server.context import Context
from ollamars.server.threads import in_thread
from ollamars.store.gguf_facts import GgufFacts
from ollamars.store.manifests import ModelNotFound
from ollamars.store.models import StoredModel, load_model
from ollamars.store.names import InvalidName, Name, NameRequired, parse_ref
from ollamars.store.store import Store

KEPT = 64
"""Models whose description is kept until their manifest changes."""
CLOUD_OFF = "ollama cloud is disabled: remote model is unavailable"


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A stored model with all that its weights and templates say. Not to be changed."""

    stored: StoredModel
    facts: ModelFacts
    choice: PromptChoice
    capabilities: tuple[str, ...]
    template: ChatTemplate
    """The Go template, `{{ .Prompt }}` where there is none."""
    trained_context: int
    """Tokens; 0: the weights do not say."""

    @property
    def families(self) -> list[str]:
        """The architectures of its parts."""
        return self.stored.config.get("model_families") or []

    @property
    def messages(self) -> list[Message]:
        """The messages that stand before those of a request. Raises `BadRequest`."""
        return messages_from_json(self.stored.messages)

    @property
    def family(self) -> str:
        """The architecture."""
        return str(self.stored.config.get("model_family", ""))

    @property
    def is_native(self) -> bool:
        """Are conversations rendered by a Jinja text, as llama.cpp does it?"""
        return self.choice.mode == "native"

    def can(self, capability: str) -> bool:
        """Does it have a capability?"""
        return capability in self.capabilities

    def missing(self, *wanted: str) -> str | None:
        """What of `wanted` it cannot do, in Ollama's words; None if it can do all."""
        return missing_capabilities(self.facts, wanted)


async def find_served(
    context: Context, wanted: str, *, unnamed: OllamarsError | None = None
) -> ServedModel:
    """The model that a request names. Raises what Ollama answers where it cannot be had.

    `unnamed` is raised for an empty name; without it, that is a model that is not found.
    """
    not_found = NotFound(f"model '{wanted}' not found")
    try:
        ref = parse_ref(wanted)
    except NameRequired:
        raise unnamed or not_found from None
    except InvalidName:
        raise BadRequest("invalid model name") from None
    if ref.source == "cloud":
        raise _no_cloud(context.config)
    try:
        served = await in_thread(_find, context.store, ref.name, context.config.go_template_setting)
    except ModelNotFound:
        raise not_found from None
    if served.stored.config.get("remote_host"):
        raise not_found if ref.source == "local" else _no_cloud(context.config)
    return served


def _no_cloud(config: Config) -> OllamarsError:
    if config.no_cloud:
        return Forbidden(CLOUD_OFF)
    return OllamarsError("models in the cloud are not supported yet", status=501)


def _find(store: Store, name: Name, go_template: bool | None) -> ServedModel:
    name = store.resolve(name)
    return _describe(store, name, store.manifests.read(name).digest, go_template)


@lru_cache(maxsize=KEPT)
def _describe(store: Store, name: Name, _digest: str, go_template: bool | None) -> ServedModel:
    """Describe a model; the digest of its manifest makes a changed model another entry."""
    stored = load_model(name, store.manifests.read(name), store.blobs)
    weights, projector = _weights(stored), _projector(stored)
    facts = ModelFacts(
        name=str(name),
        format=stored.config.get("model_format") or "gguf",
        family=stored.config.get("model_family", ""),
        renderer=stored.config.get("renderer", ""),
        parser=stored.config.get("parser", ""),
        capabilities=stored.config.get("capabilities") or (),
        template=_template(stored),
        gguf=weights.metadata if weights else None,
        projector=projector.metadata if projector else None,
        go_template=go_template,
    )
    return ServedModel(
        stored=stored,
        facts=facts,
        choice=prompt_choice(facts),
        capabilities=tuple(capabilities(facts)),
        template=facts.template or ChatTemplate.parse(DEFAULT_TEMPLATE),
        trained_context=weights.integer("context_length") if weights else 0,
    )


def _weights(stored: StoredModel) -> GgufFacts | None:
    if stored.model_path is None or stored.config.get("remote_host"):
        return None
    if not stored.model_path.is_file():
        raise NotFound(f'model "{stored.name.short}" not found, try pulling it first')
    return GgufFacts.read(stored.model_path)


def _projector(stored: StoredModel) -> GgufFacts | None:
    paths = stored.projector_paths
    return GgufFacts.read(paths[0]) if paths and paths[0].is_file() else None


def _template(stored: StoredModel) -> ChatTemplate | None:
    try:
        return None if stored.template is None else ChatTemplate.parse(stored.template)
    except TemplateError as error:
        raise StoreError(error.message) from error
