"""Which known Go template stands for a model's chat template.

Ollama compares the Jinja text with a list of known texts. Here a chat template is recognised by
what it does: it is rendered on conversations, and a Go template stands for it if it renders
the same.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ollamars.errors import OllamarsError
from ollamars.prompts.jinja import JinjaRender, context_json, message_json
from ollamars.prompts.messages import Message
from ollamars.prompts.template import ChatTemplate, Request


@dataclass(frozen=True, slots=True)
class KnownTemplate:
    """A Go template with the texts at which generation stops."""

    name: str
    text: str
    stop: tuple[str, ...]

    @property
    def parameters(self) -> dict[str, Any]:
        """Its default parameters, as a model stores them."""
        return {"stop": list(self.stop)}


KNOWN: Final = (
    KnownTemplate(
        "chatml",
        "{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}"
        "<|im_start|>assistant\n",
        ("<|im_start|>", "<|im_end|>"),
    ),
)
"""Known Go templates by the name that Ollama gives them."""

_BOS: Final = "<bos-of-probe>"
_EOS: Final = "<eos-of-probe>"
_ANY_DAY: Final = datetime.date(2024, 1, 1)

_TURNS: Final = (
    Message("user", "Where is the cat?"),
    Message("assistant", "On the mat."),
    Message("user", "And the dog?"),
)
_SYSTEM: Final = Message("system", "Answer in one line.")
_TOOL: Final = {
    "type": "function",
    "function": {"name": "probe", "description": "p", "parameters": {"type": "object"}},
}


@dataclass(frozen=True, slots=True)
class _Probe:
    """A conversation, what else the template is given, and whether it may add text before it."""

    messages: Sequence[Message]
    extra: Mapping[str, Any]
    may_add_system: bool = False


_PROBES: Final = (
    _Probe((_SYSTEM, *_TURNS), {}),
    _Probe((_SYSTEM, *_TURNS[:1]), {}),
    _Probe(_TURNS, {}, may_add_system=True),
    # A template that does more than a plain conversation is better than a Go template.
    _Probe((_SYSTEM, *_TURNS), {"tools": [_TOOL], "enable_thinking": False}),
    _Probe((_SYSTEM, *_TURNS), {"enable_thinking": True}),
)


def detect(chat_template: str, render: JinjaRender) -> KnownTemplate | None:
    """The known Go template that renders conversations as a Jinja text does; None: there is none.

    The Jinja text may put a first token or a system message of its own before a conversation.
    """
    try:
        texts = [_render(chat_template, probe, render) for probe in _PROBES]
    except OllamarsError:
        return None
    return next((known for known in KNOWN if _stands_for(known, texts)), None)


def _render(chat_template: str, probe: _Probe, render: JinjaRender) -> str:
    """The text of a probe, without the tokens around it."""
    messages = [
        # A template that prints earlier thinking is not one for plain conversations.
        {**message_json(message), "reasoning_content": "Hm."}
        if message.role == "assistant"
        else message_json(message)
        for message in probe.messages
    ]
    values = {
        "messages": messages,
        "add_generation_prompt": True,
        "bos_token": _BOS,
        "eos_token": _EOS,
        **probe.extra,
    }
    text = render(chat_template, context_json(values))
    return text.removeprefix(_BOS).removesuffix(_EOS)


def _stands_for(known: KnownTemplate, texts: Sequence[str]) -> bool:
    expected = _expected(known)
    return all(
        text.endswith(wanted) if probe.may_add_system else text == wanted
        for probe, text, wanted in zip(_PROBES, texts, expected, strict=True)
    )


def _expected(known: KnownTemplate) -> Iterator[str]:
    template = ChatTemplate.parse(known.text)
    for probe in _PROBES:
        yield template.render(Request(messages=probe.messages), today=_ANY_DAY)
