"""Measures how long a prompt of a long conversation takes to render.

    python bench/prompts.py [--messages 200] [--rounds 200]

A Go template, a built-in renderer and a Jinja template render the same conversation in turn. The
figures are medians of the rounds; the result goes to `bench/results/`.
"""

from __future__ import annotations

import argparse
import datetime
import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.machine import ROOT, facts
from ollamars import _core
from ollamars.prompts.chat import Render, template_renderer
from ollamars.prompts.jinja import jinja_renderer
from ollamars.prompts.known_templates import KNOWN
from ollamars.prompts.messages import Message, Tool, ToolCall, tools_from_json
from ollamars.prompts.renderers import Conversation, renderer
from ollamars.prompts.template import ChatTemplate

TODAY = datetime.date(2026, 1, 2)
TEXT = "The tide at the port turns a little later every day, as the moon goes round the earth. "
RENDERER = "qwen3-coder"
JINJA = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content -}}"
    "{%- for call in message.tool_calls -%}"
    "<tool_call>{{ call.function | tojson }}</tool_call>{%- endfor -%}"
    "{{- '<|im_end|>\\n' -}}{%- endfor -%}<|im_start|>assistant\n"
)
LIMIT_MS = 5.0


def conversation(count: int) -> list[Message]:
    """Questions, calls of a tool, results and answers, in turn."""
    call = ToolCall("get_tide", {"port": "Brest", "days": [1, 2, 3]})
    turns = (
        Message("user", TEXT * 4),
        Message("assistant", "I look it up.", tool_calls=(call,)),
        Message("tool", '{"high": "07:42"}', tool_name="get_tide"),
        Message("assistant", TEXT * 8),
    )
    return [turns[index % len(turns)] for index in range(count)]


def tools() -> Sequence[Tool]:
    """One tool."""
    port = {"type": "string", "description": "where"}
    parameters = {"type": "object", "properties": {"port": port}, "required": ["port"]}
    function = {"name": "get_tide", "description": "Tides", "parameters": parameters}
    return tools_from_json([{"type": "function", "function": function}]) or ()


def renders() -> Mapping[str, Render]:
    """What makes the prompt, by the name of the figure."""
    known = tools()
    family = renderer(RENDERER)
    return {
        "go_template": template_renderer(ChatTemplate.parse(KNOWN["chatml"].text), today=TODAY),
        "go_template_with_tools": template_renderer(
            ChatTemplate.parse(KNOWN["command-r"].text), today=TODAY, tools=known
        ),
        "renderer": lambda messages: family.render(
            Conversation(messages, known, None, today=TODAY.isoformat())
        ),
        "jinja": jinja_renderer(JINJA, _core.render_jinja, today=TODAY, tools=known),
    }


def milliseconds(render: Render, messages: Sequence[Message]) -> float:
    """Wall time of one prompt."""
    begin = time.perf_counter()
    render(messages)
    return (time.perf_counter() - begin) * 1e3


def main() -> None:
    """Run, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=200)
    given = parser.parse_args()
    messages, every = conversation(given.messages), renders()
    rounds = [
        {name: milliseconds(render, messages) for name, render in every.items()}
        for _ in range(given.rounds)
    ]
    result = facts() | {
        "messages": given.messages,
        "characters": len(every["renderer"](messages)),
        "rounds": given.rounds,
        "limit_ms": LIMIT_MS,
        "median_ms": {
            name: round(statistics.median(each[name] for each in rounds), 3) for name in every
        },
    }
    text = json.dumps(result, indent=2)
    print(text)
    folder = ROOT / "bench" / "results"
    folder.mkdir(exist_ok=True)
    (folder / "prompts.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
