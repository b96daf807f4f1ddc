"""Models as they are run: what is stored, what they can do, and what makes their prompts."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from ollamars import _core
from ollamars.errors import NotFound, OllamarsError, StoreError
from ollamars.prompts.capabilities import (
    ModelFacts,
    PromptChoice,
    capabilities,
    is_harmony,
    missing_capabilities,
    prompt_choice,
)
from ollamars.prompts.chat import Render, template_renderer
from ollamars.prompts.gotemplate import TemplateError
from ollamars.prompts.jinja import jinja_renderer
from ollamars.prompts.jinja_calls import CallFormat, call_format
from ollamars.prompts.known_templates import KNOWN
from ollamars.prompts.match import nearest_format
from ollamars.prompts.messages import Message, Think, Tool, messages_from_json
from ollamars.prompts.parsers import PARSERS
from ollamars.prompts.renderers import Conversation, renderer
from ollamars.prompts.template import DEFAULT_TEMPLATE, ChatTemplate
from ollamars.prompts.tool_tag import tool_tag
from ollamars.store.create import CreateHooks, DetectedTemplate
from ollamars.store.gguf_facts import GgufFacts
from ollamars.store.models import StoredModel

CHATML = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)
"""What llama.cpp takes for a conversation with a model that has no template at all."""

_BOS = "<bos>"
"""Cut from the start of every prompt to which the tokenizer adds its own."""


class TemplateFailure(OllamarsError):
    """The model's Jinja template could not be rendered."""


class Vocabulary(Protocol):
    """What a chat template needs of a tokenizer; see `_core.Tokenizer`."""

    @property
    def special_ids(self) -> dict[str, int]: ...  # noqa: D102 - see `_core.Tokenizer`
    @property
    def add_bos(self) -> bool: ...  # noqa: D102
    def piece(self, id: int, *, special: bool = True) -> bytes: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class DescribedModel:
    """A model with all that its weights and templates say. Not to be changed."""

    stored: StoredModel
    facts: ModelFacts
    choice: PromptChoice
    capabilities: tuple[str, ...]
    template: ChatTemplate
    """The Go template, `{{ .Prompt }}` where there is none."""
    trained_context: int
    """Tokens; 0: the weights do not say."""

    @property
    def messages(self) -> list[Message]:
        """The conversation that the model begins with."""
        return messages_from_json(self.stored.messages)

    @property
    def families(self) -> list[str]:
        """The architectures of its parts."""
        return self.stored.config.get("model_families") or []

    @property
    def family(self) -> str:
        """The architecture."""
        return str(self.stored.config.get("model_family", ""))

    @property
    def is_native(self) -> bool:
        """Are conversations rendered by a Jinja text, as llama.cpp does it?"""
        return self.choice.mode == "native"

    @property
    def has_renderer(self) -> bool:
        """Are its prompts made by the built-in renderer of a family?"""
        return self.choice.source in ("renderer_parser", "renderer")

    @property
    def parser(self) -> str:
        """Name of the built-in parser that reads its answers; empty: none."""
        return self.facts.parser or ("harmony" if is_harmony(self.facts) else "")

    def can(self, capability: str) -> bool:
        """Does it have a capability?"""
        return capability in self.capabilities

    def missing(self, *wanted: str) -> str | None:
        """What of `wanted` it cannot do, in Ollama's words; None if it can do all."""
        return missing_capabilities(self.facts, wanted)


def describe(stored: StoredModel, *, go_template: bool | None = None) -> DescribedModel:
    """Read what the weights of a stored model say. `go_template`: `OLLAMA_GO_TEMPLATE`.

    Raises `NotFound` (no weights there), `StoreError` (damaged weights, bad template).
    """
    weights, projector = _weights(stored), _projector(stored)
    facts = ModelFacts(
        name=str(stored.name),
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
    return DescribedModel(
        stored=stored,
        facts=facts,
        choice=prompt_choice(facts),
        capabilities=tuple(capabilities(facts)),
        template=facts.template or ChatTemplate.parse(DEFAULT_TEMPLATE),
        trained_context=weights.integer("context_length") if weights else 0,
    )


def prompt_renderer(
    model: DescribedModel,
    vocabulary: Vocabulary,
    *,
    tools: Sequence[Tool] | None = None,
    think: Think = None,
    today: datetime.date,
    conversation: bool = True,
) -> Render:
    """What makes a prompt of messages. Raises `OllamarsError` where nothing can.

    `conversation`: the messages are one; otherwise they stand for a single prompt, which a model
    without a template takes as it is.
    """
    source = model.choice.source
    if model.has_renderer:
        return _family_renderer(model.facts.renderer, vocabulary, tools, think, today)
    if source == "gguf_chat_template" or (source == "none" and conversation):
        return jinja_renderer(
            model.facts.chat_template if source == "gguf_chat_template" else CHATML,
            _render_prompt,
            today=today,
            bos_token=_special_text(vocabulary, "bos"),
            eos_token=_special_text(vocabulary, "eos"),
            tools=tools,
            think=think,
            strip_bos=vocabulary.add_bos,
        )
    return template_renderer(model.template, today=today, tools=tools, think=think)


def tool_calls(model: DescribedModel) -> CallFormat:
    """How a model writes calls of tools; renders its Jinja text at the first time."""
    if model.parser in PARSERS:
        return CallFormat(family=model.parser)
    if model.choice.source == "gguf_chat_template":
        return _native_calls(model.facts.chat_template)
    return CallFormat(tool_tag(model.template))


@lru_cache(maxsize=64)
def _native_calls(chat_template: str) -> CallFormat:
    return call_format(chat_template, _render_prompt)


def _family_renderer(
    name: str,
    vocabulary: Vocabulary,
    tools: Sequence[Tool] | None,
    think: Think,
    today: datetime.date,
) -> Render:
    """The built-in renderer of that name. Raises `BadRequest` for a name that is not known."""
    family = renderer(name)
    leading = [text for text in (family.leading_bos, _BOS) if text] if vocabulary.add_bos else []

    def render(messages: Sequence[Message]) -> str:
        conversation = Conversation(messages, tools or (), think, today=today.isoformat())
        text = family.render(conversation)
        found = next((bos for bos in leading if text.startswith(bos)), "")
        return text.removeprefix(found)

    return render


def _render_prompt(template: str, context_json: str) -> str:
    try:
        return _core.render_jinja(template, context_json)
    except _core.CoreError as error:
        raise TemplateFailure(f"chat template: {error}") from None


def _special_text(vocabulary: Vocabulary, name: str) -> str:
    token = vocabulary.special_ids.get(name, -1)
    return vocabulary.piece(token).decode("utf-8", "replace") if token >= 0 else ""


def _weights(stored: StoredModel) -> GgufFacts | None:
    if stored.model_path is None or stored.config.get("remote_host"):
        return None
    if not stored.model_path.is_file():
        raise NotFound(f'model "{stored.name.short}" not found, try pulling it first')
    return GgufFacts.read(stored.model_path)


def _projector(stored: StoredModel) -> GgufFacts | None:
    paths: list[Path] = stored.projector_paths
    return GgufFacts.read(paths[0]) if paths and paths[0].is_file() else None


def _template(stored: StoredModel) -> ChatTemplate | None:
    try:
        return None if stored.template is None else ChatTemplate.parse(stored.template)
    except TemplateError as error:
        raise StoreError(error.message) from error


def _check_template(text: str) -> None:
    ChatTemplate.parse(text)


def _detect_template(chat_template: str) -> DetectedTemplate | None:
    name = nearest_format(chat_template)
    if name is None:
        return None
    known = KNOWN[name]
    return DetectedTemplate(name, known.text, known.parameters)


CREATE_HOOKS = CreateHooks(check_template=_check_template, detect_template=_detect_template)
"""What creating a model needs to know of templates."""
