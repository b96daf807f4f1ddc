"""Parsers of what model families write, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from ollamars.prompts.messages import Message, Think, Tool
from ollamars.prompts.parsers.calls import arguments_json, client_arguments
from ollamars.prompts.parsers.cohere import CohereParser
from ollamars.prompts.parsers.function_tags import NemotronParser, Qwen3CoderParser, Qwen35Parser
from ollamars.prompts.parsers.functiongemma import FunctionGemmaParser
from ollamars.prompts.parsers.gemma4 import Gemma4NoThinkingParser, Gemma4Parser
from ollamars.prompts.parsers.glimmer import GlimmerParser
from ollamars.prompts.parsers.glm import Glm47Parser, GlmOcrParser
from ollamars.prompts.parsers.harmony import HarmonyParser
from ollamars.prompts.parsers.laguna import LagunaParser, PoolsideParser
from ollamars.prompts.parsers.lfm2 import Lfm2Parser, Lfm2ThinkingParser
from ollamars.prompts.parsers.ministral import MinistralParser
from ollamars.prompts.parsers.olmo3 import Olmo3Parser, Olmo3ThinkParser
from ollamars.prompts.parsers.qwen3 import (
    Qwen3Parser,
    Qwen3ThinkingParser,
    Qwen3VLInstructParser,
    Qwen3VLThinkingParser,
)
from ollamars.prompts.parsers.stream import (
    Parser,
    ParserOutput,
    Passthrough,
    StreamParser,
    ToolCallError,
)
from ollamars.prompts.parsers.tool_blocks import CogitoParser, DeepSeek3Parser

__all__ = [
    "PARSERS",
    "Family",
    "Parser",
    "ParserOutput",
    "ToolCallError",
    "arguments_json",
    "client_arguments",
    "parser",
]


class Family(NamedTuple):
    """The parser of a family, and the tokens that must reach it as text."""

    parser: type[StreamParser]
    preserved_tokens: tuple[str, ...] = ()

    @property
    def has_tools(self) -> bool:
        """Does it read tool calls?"""
        return self.parser.has_tools

    @property
    def has_thinking(self) -> bool:
        """Does it claim to know thinking?"""
        return self.parser.has_thinking


_CALL: Final = ("<tool_call>", "</tool_call>")
_THINK: Final = ("<think>", "</think>")
_ARGUMENTS: Final = ("<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>")
_BLOCKS: Final = (
    "</think>",
    "<｜tool▁calls▁begin｜>",
    "<｜tool▁calls▁end｜>",
    "<｜tool▁call▁begin｜>",
    "<｜tool▁call▁end｜>",
    "<｜tool▁sep｜>",
    "<｜tool▁output▁begin｜>",
    "<｜tool▁output▁end｜>",
)
_GEMMA4: Final = (
    "<|channel>",
    "<channel|>",
    "<|tool_call>",
    "<tool_call|>",
    "<|tool_response>",
    '<|"|>',
)
_LFM2: Final = (*_THINK, "<|tool_call_start|>", "<|tool_call_end|>")
_LAGUNA: Final = (*_THINK, *_CALL, "<user>", "</user>", *_ARGUMENTS)
_COHERE: Final = tuple(
    f"<|{end}_{block}|>"
    for block in ("THINKING", "TEXT", "ACTION", "RESPONSE")
    for end in ("START", "END")
)

PARSERS: Final[Mapping[str, Family]] = MappingProxyType(
    {
        "qwen3": Family(Qwen3Parser, (*_THINK, *_CALL)),
        "qwen3-thinking": Family(Qwen3ThinkingParser, (*_THINK, *_CALL)),
        "qwen3.5": Family(Qwen35Parser, (*_THINK, *_CALL)),
        "ornith": Family(Qwen35Parser, (*_THINK, *_CALL)),
        "qwen3-coder": Family(Qwen3CoderParser, _CALL),
        "qwen3-vl-instruct": Family(Qwen3VLInstructParser, ("</think>", *_CALL)),
        "qwen3-vl-thinking": Family(Qwen3VLThinkingParser, ("</think>", *_CALL)),
        "ministral": Family(MinistralParser, ("[TOOL_CALLS]", "[THINK]", "[/THINK]", "[ARGS]")),
        "passthrough": Family(Passthrough),
        "harmony": Family(
            HarmonyParser,
            ("<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|constrain|>"),
        ),
        "cogito": Family(
            CogitoParser, (*_BLOCKS, "<｜tool▁outputs▁begin｜>", "<｜tool▁outputs▁end｜>")
        ),
        "deepseek3": Family(DeepSeek3Parser, _BLOCKS),
        "olmo3": Family(Olmo3Parser, ("<function_calls>", "</function_calls>")),
        "olmo3-think": Family(Olmo3ThinkParser, ("</think>",)),
        "nemotron-3-nano": Family(NemotronParser, (*_THINK, *_CALL)),
        "nemotron-3.5-nano": Family(NemotronParser, (*_THINK, *_CALL)),
        "functiongemma": Family(
            FunctionGemmaParser, ("<start_function_call>", "<end_function_call>")
        ),
        "glm-4.7": Family(Glm47Parser, (*_THINK, *_CALL, *_ARGUMENTS)),
        "gemma4": Family(Gemma4Parser, _GEMMA4),
        "gemma4-no-thinking": Family(Gemma4NoThinkingParser, _GEMMA4),
        "glm-ocr": Family(GlmOcrParser, (*_THINK, *_CALL, *_ARGUMENTS)),
        "lfm2": Family(Lfm2Parser, _LFM2),
        "lfm2-thinking": Family(Lfm2ThinkingParser, _LFM2),
        "laguna": Family(LagunaParser, _LAGUNA),
        "poolside-v1": Family(PoolsideParser, _LAGUNA),
        "cohere": Family(CohereParser, _COHERE),
        "glimmer": Family(GlimmerParser, ("<|start|>", "<|message|>", "<|eom|>", "<|eot|>")),
    }
)
"""Parsers by name."""


def parser(
    name: str, tools: Sequence[Tool] = (), last: Message | None = None, think: Think = None
) -> Parser | None:
    """A parser for one answer; None for a name that is not known.

    `last` is the last message of the request, `think` what it says about thinking.
    """
    family = PARSERS.get(name)
    return family.parser(tools, last, think) if family else None
