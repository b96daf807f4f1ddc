"""What a template writes before its tool calls."""

from __future__ import annotations

from typing import Final

from ollamars.prompts.gotemplate.nodes import Action, Branch, Field, If, List, Pipe, Text, walk
from ollamars.prompts.template import ChatTemplate
from ollamars.prompts.text import WHITE_SPACE

OBJECT_TAG: Final = "{"
"""Stands for no tag: a call is any JSON object."""


def tool_tag(template: ChatTemplate) -> str:
    """The text that begins a tool call: the first one in the first `{{ if .ToolCalls }}`.

    `{` where there is none.
    """
    for node in walk(template.root):
        if isinstance(node, If) and _uses_tool_calls(node.pipe):
            text = _first_text(node.body) or ""
            tag = text.replace("\r\n", "\n").partition("{")[0]
            return tag.strip(WHITE_SPACE) or OBJECT_TAG
    return OBJECT_TAG


def _uses_tool_calls(pipe: Pipe) -> bool:
    return any(
        isinstance(arg, Field) and "ToolCalls" in arg.names
        for command in pipe.commands
        for arg in command.args
    )


def _first_text(nodes: List | None) -> str | None:
    """The first text that is not white space, looked for in the first nested construct, too."""
    while nodes is not None:
        following: List | None = None
        for node in nodes.nodes:
            if isinstance(node, Text) and node.text.strip(WHITE_SPACE):
                return node.text
            if isinstance(node, Action):
                return None
            if isinstance(node, Branch):
                found = _first_text(node.body)
                if found is not None:
                    return found
                following = node.otherwise
                break
        nodes = following
    return None
