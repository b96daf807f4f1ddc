"""Prompts of model families whose chat format is built in, by the name of their renderer."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from ollamars.errors import BadRequest
from ollamars.prompts.renderers import (
    cogito,
    cohere,
    deepseek3,
    functiongemma,
    gemma4,
    glimmer,
    glm,
    laguna,
    lfm2,
    nemotron,
    olmo3,
    qwen3_coder,
    qwen3_vl,
    qwen35,
)
from ollamars.prompts.renderers.conversation import Conversation, Render

__all__ = ["RENDERERS", "Conversation", "Renderer", "renderer"]


class Renderer(NamedTuple):
    """How a family's prompt is made, and the beginning-of-text string that it starts with.

    If the tokenizer adds a beginning of text itself, `leading_bos` is cut from the prompt.
    """

    render: Render
    leading_bos: str = ""


RENDERERS: Final[Mapping[str, Renderer]] = MappingProxyType(
    {
        "qwen3-coder": Renderer(qwen3_coder.render),
        "qwen3-vl-instruct": Renderer(qwen3_vl.INSTRUCT.render),
        "qwen3-vl-thinking": Renderer(qwen3_vl.THINKING.render),
        "qwen3.5": Renderer(qwen35.QWEN35.render),
        "qwen3.8": Renderer(qwen35.QWEN38.render),
        "ornith": Renderer(qwen35.ORNITH.render),
        "cogito": Renderer(cogito.render, deepseek3.BOS),
        "deepseek3.1": Renderer(deepseek3.render, deepseek3.BOS),
        "olmo3": Renderer(olmo3.OLMO3.render),
        "olmo3.1": Renderer(olmo3.OLMO31.render),
        "olmo3-think": Renderer(olmo3.OLMO3_THINK.render),
        "olmo3-32b-think": Renderer(olmo3.OLMO3_32B_THINK.render),
        "nemotron-3-nano": Renderer(nemotron.NEMOTRON3.render),
        "nemotron-3.5-nano": Renderer(nemotron.NEMOTRON35.render),
        "gemma4": Renderer(gemma4.SMALL.render, gemma4.BOS),
        "gemma4-small": Renderer(gemma4.SMALL.render, gemma4.BOS),
        "gemma4-large": Renderer(gemma4.LARGE.render, gemma4.BOS),
        "functiongemma": Renderer(functiongemma.render, functiongemma.BOS),
        "glm-4.7": Renderer(glm.render_47),
        "glm-ocr": Renderer(glm.render_ocr),
        "lfm2": Renderer(lfm2.LFM2.render, lfm2.BOS),
        "lfm2-thinking": Renderer(lfm2.LFM2_THINKING.render, lfm2.BOS),
        "laguna": Renderer(laguna.render_laguna, laguna.BOS),
        "poolside-v1": Renderer(laguna.render_poolside, laguna.BOS),
        "cohere": Renderer(cohere.render, "<BOS_TOKEN>"),
        "glimmer": Renderer(glimmer.render, glimmer.BOS),
    }
)
"""Renderers by name."""


def renderer(name: str) -> Renderer:
    """The renderer of a name. Raises `BadRequest` for a name that is not known."""
    try:
        return RENDERERS[name]
    except KeyError:
        raise BadRequest(f'unknown renderer "{name}"') from None
