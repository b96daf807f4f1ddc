"""What is known of the built-in renderers and parsers that a model's configuration may name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class ParserSkills(NamedTuple):
    """What a parser can read out of a model's text."""

    tools: bool
    thinking: bool


_TOOLS: Final = ParserSkills(tools=True, thinking=False)
_THINKING: Final = ParserSkills(tools=False, thinking=True)
_BOTH: Final = ParserSkills(tools=True, thinking=True)

PARSERS: Final[Mapping[str, ParserSkills]] = MappingProxyType(
    {
        "cogito": _BOTH,
        "cohere": _BOTH,
        "deepseek3": _BOTH,
        "functiongemma": _TOOLS,
        "gemma4": _BOTH,
        "gemma4-no-thinking": _TOOLS,
        "glimmer": _BOTH,
        "glm-4.7": _BOTH,
        "glm-ocr": _TOOLS,
        "harmony": _BOTH,
        "laguna": _BOTH,
        "lfm2": _TOOLS,
        "lfm2-thinking": _BOTH,
        "ministral": _TOOLS,
        "nemotron-3-nano": _BOTH,
        "nemotron-3.5-nano": _BOTH,
        "olmo3": _TOOLS,
        "olmo3-think": _THINKING,
        "ornith": _BOTH,
        "passthrough": ParserSkills(tools=False, thinking=False),
        "poolside-v1": _BOTH,
        "qwen3": _TOOLS,
        "qwen3-coder": _TOOLS,
        "qwen3-thinking": _BOTH,
        "qwen3-vl-instruct": _TOOLS,
        "qwen3-vl-thinking": _BOTH,
        "qwen3.5": _BOTH,
    }
)
"""Parsers by name."""
