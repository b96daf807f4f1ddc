"""What a model can do, and which of its templates makes its prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

from ollamars.prompts.parsers import PARSERS
from ollamars.prompts.template import ChatTemplate
from ollamars.prompts.thinking import is_old_thinking_model, thinking_tags

Source = Literal[
    "renderer_parser",
    "renderer",
    "parser",
    "harmony",
    "go_template",
    "gguf_chat_template",
    "none",
]
"""What makes the prompts of a model."""

Mode = Literal["rendered", "native"]
"""By the server, or by the Jinja text of the model's file."""

_HARMONY_FAMILIES: Final = ("gptoss", "gpt-oss")
_TOOL_ROUND_TRIP_GO: Final = ('eq .Role "tool"', "tool_response", "TOOL_RESULTS")
_TOOL_ROUND_TRIP_CALLS: Final = ("tool_calls", "assistant_tool_call")
_TOOL_ROUND_TRIP_JINJA: Final = (
    "tool_response",
    "tool_results",
    "ipython",
    "role'] == 'tool'",
    'role\'] == "tool"',
    "role\"] == 'tool'",
    'role"] == "tool"',
    "message.role == 'tool'",
    'message.role == "tool"',
)
_SPLITS: Final = ("content.split('</think>')", 'content.split("</think>")')
_REASONING: Final = ("reasoning_content", "<SPECIAL_12>")
_SAFETENSORS_WITHOUT: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "gemma4": frozenset({"vision", "audio"}),
        "gemma4-small": frozenset({"vision", "audio"}),
        "gemma4-large": frozenset({"vision", "audio"}),
        "glimmer": frozenset({"audio"}),
        "nemotron-3-nano": frozenset({"vision", "audio"}),
    }
)
"""What models in the safetensors format cannot do here, by renderer."""

_KNOWN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "completion": "completion",
        "tools": "tools",
        "insert": "insert",
        "vision": "vision",
        "audio": "audio",
        "embedding": "embedding",
        "thinking": "thinking",
        "image": "image generation",
    }
)
"""Capabilities, and how error texts call them."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of a stored model.

    `capabilities`, `format`, `family`, `renderer`, `parser` are those of its configuration;
    `gguf` and `projector` the metadata of its files (only keys and scalars are looked at).
    """

    name: str = ""
    format: str = "gguf"
    family: str = ""
    renderer: str = ""
    parser: str = ""
    capabilities: Sequence[str] = ()
    template: ChatTemplate | None = None
    gguf: Mapping[str, Any] | None = None
    projector: Mapping[str, Any] | None = None
    go_template: bool | None = None
    """`OLLAMA_GO_TEMPLATE`; None: not set."""

    @property
    def chat_template(self) -> str:
        """The Jinja text of the model's file; empty: none."""
        text = (self.gguf or {}).get("tokenizer.chat_template", "")
        return text if isinstance(text, str) else ""


@dataclass(frozen=True, slots=True)
class PromptChoice:
    """What makes the prompts of a model."""

    source: Source
    mode: Mode
    prefers_chat_template: bool = field(default=False)
    """Is the Jinja text used although there is a Go template?"""


def template_capabilities(template: ChatTemplate) -> list[str]:
    """What a Go template can express: tools, insert, thinking."""
    found = {
        "tools": "tools" in template.variables,
        "insert": "suffix" in template.variables,
        "thinking": bool(thinking_tags(template)),
    }
    return [name for name, present in found.items() if present]


def template_has_tool_round_trip(template: ChatTemplate) -> bool:
    """Does a Go template show calls and what the tools answered?"""
    return {"tools", "toolcalls"} <= set(template.variables) and _any_in(
        _TOOL_ROUND_TRIP_GO, template.text
    )


def chat_template_capabilities(text: str) -> list[str]:
    """What a Jinja text seems to express: tools, thinking."""
    has_tags = "<think>" in text and "</think>" in text
    splits = _any_in(_SPLITS, text) and not _any_in(_REASONING, text)
    found = {"tools": _any_in(("tools", "tool_call"), text), "thinking": has_tags or splits}
    return [name for name, present in found.items() if present]


def chat_template_has_tool_round_trip(text: str) -> bool:
    """Does a Jinja text show calls and what the tools answered?"""
    return (
        "tools" in chat_template_capabilities(text)
        and _any_in(_TOOL_ROUND_TRIP_CALLS, text)
        and _any_in(_TOOL_ROUND_TRIP_JINJA, text)
    )


def _any_in(needles: Iterable[str], text: str) -> bool:
    return any(needle in text for needle in needles)


def is_harmony(facts: ModelFacts) -> bool:
    """Is it a gpt-oss model with its own kind of template?"""
    text = facts.template.text if facts.template is not None else ""
    return facts.family in _HARMONY_FAMILIES and "<|start|>" in text and "<|end|>" in text


def _prefers_chat_template(facts: ModelFacts) -> bool:
    template, text = facts.template, facts.chat_template
    if facts.go_template is not None or template is None or not text:
        return False
    if facts.renderer or facts.parser or is_harmony(facts):
        return False
    go, jinja = template_capabilities(template), chat_template_capabilities(text)
    go_trip = template_has_tool_round_trip(template)
    jinja_trip = chat_template_has_tool_round_trip(text)
    if len(jinja) > len(go):
        return jinja_trip or not go_trip
    return set(jinja) == set(go) and "tools" in go and jinja_trip and not go_trip


def _go_template_in_use(facts: ModelFacts) -> bool:
    return (
        facts.template is not None
        and facts.go_template is not False
        and not _prefers_chat_template(facts)
    )


def prompt_choice(facts: ModelFacts) -> PromptChoice:
    """Which of a model's renderer, parser, Go template and Jinja text is used."""
    prefers = _prefers_chat_template(facts)
    candidates: tuple[tuple[bool, Source], ...] = (
        (bool(facts.renderer and facts.parser), "renderer_parser"),
        (bool(facts.renderer), "renderer"),
        (bool(facts.parser), "parser"),
        (is_harmony(facts), "harmony"),
        (_go_template_in_use(facts), "go_template"),
        (bool(facts.chat_template), "gguf_chat_template"),
        (True, "none"),
    )
    source = next(source for applies, source in candidates if applies)
    native = source in ("gguf_chat_template", "none") and facts.format != "safetensors"
    return PromptChoice(source, "native" if native else "rendered", prefers)


def capabilities(facts: ModelFacts) -> list[str]:
    """What a model can do, in Ollama's order, each once."""
    found = list(dict.fromkeys(name for part in _PARTS for name in part(facts)))
    without = set(_removed(facts))
    return [name for name in found if name not in without]


def _from_chat_template(facts: ModelFacts) -> Iterator[str]:
    if prompt_choice(facts).mode == "native":
        yield from chat_template_capabilities(facts.chat_template)


def _from_gguf(facts: ModelFacts) -> Iterator[str]:
    if facts.gguf is None or facts.format == "safetensors":
        return
    prefix = facts.gguf.get("general.architecture", "")
    yield "embedding" if f"{prefix}.pooling_type" in facts.gguf else "completion"
    for name in ("vision", "audio"):
        if f"{prefix}.{name}.block_count" in facts.gguf:
            yield name


def _from_projector(facts: ModelFacts) -> Iterator[str]:
    if facts.projector is None:
        return
    yield "vision"
    hears = any(
        key.endswith("has_audio_encoder") and value is True
        for key, value in facts.projector.items()
    )
    if hears and facts.projector.get("clip.vision.projector_type") != "gemma3nv":
        yield "audio"


def _from_go_template(facts: ModelFacts) -> Iterator[str]:
    if facts.template is not None and _go_template_in_use(facts):
        yield from template_capabilities(facts.template)


def _from_parser(facts: ModelFacts) -> Iterator[str]:
    family = PARSERS.get(facts.parser)
    if family is not None and family.has_tools:
        yield "tools"
    if family is not None and family.has_thinking:
        yield "thinking"


def _from_family(facts: ModelFacts) -> Iterator[str]:
    if facts.family in _HARMONY_FAMILIES:
        yield "thinking"


_PARTS: Final[tuple[Callable[[ModelFacts], Iterable[str]], ...]] = (
    lambda facts: facts.capabilities,
    _from_chat_template,
    _from_gguf,
    _from_projector,
    _from_go_template,
    _from_parser,
    _from_family,
)
"""What gives capabilities, in the order of their appearance."""


def _removed(facts: ModelFacts) -> Iterator[str]:
    if facts.family == "nemotron_h_omni":
        yield "audio"
    if facts.format == "safetensors":
        yield from _SAFETENSORS_WITHOUT.get(facts.renderer, ())


def missing_capabilities(facts: ModelFacts, wanted: Sequence[str]) -> str | None:
    """The error text for what a model cannot do of what is wanted; None if it can do all."""
    unknown = next((name for name in wanted if name not in _KNOWN), None)
    if unknown is not None:
        return f"unknown capability: {unknown}"
    present = capabilities(facts)
    missing = [name for name in wanted if name not in present]
    if not missing:
        return None
    text = "does not support " + "\n".join(_KNOWN[name] for name in missing)
    if "thinking" in missing and is_old_thinking_model(facts.family, facts.name):
        text += ". Pull the model again to get the latest version with full thinking support"
    return text
