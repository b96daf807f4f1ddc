"""Prompts of the built-in renderers, streams through the built-in parsers, harmony."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from ollamars.errors import OllamarsError
from ollamars.prompts.harmony import (
    Event,
    HarmonyReader,
    Header,
    MessageStart,
    opening,
    read_header,
)
from ollamars.prompts.harmony_names import HarmonyNames
from ollamars.prompts.messages import message_from_json, messages_from_json, tools_from_json
from ollamars.prompts.parsers import Parser, ParserOutput, ToolCallError, arguments_json, parser
from ollamars.prompts.renderers import Conversation, renderer
from tests.golden.data import Data, Row
from tests.golden.rules import told

TODAY = "2026-03-14"
"""The date of the recorded prompts."""
Total = dict[str, Any]


def judge_renderer(row: Row, data: Data) -> str | None:
    """None if a renderer makes the recorded prompt or error."""
    case = data.conversations[row["case"]]
    found = _rendered(row["renderer"], case)
    if "error" in row:
        wanted = [{"error": row["error"]}]
    else:
        wanted = [{"prompt": text} for text in row.get("any_of", [row.get("prompt")])]
    return None if found in wanted else told(case, wanted, found)


def _rendered(name: str, case: Row) -> dict[str, str]:
    """The prompt of a recorded conversation, or the error."""
    try:
        conversation = Conversation(
            messages_from_json(case["messages"]),
            tools_from_json(case.get("tools")) or (),
            case["think"],
            today=TODAY,
            numbered_images=case.get("img_tags", True),
        )
        return {"prompt": renderer(name).render(conversation)}
    except OllamarsError as error:
        return {"error": error.message}


def judge_parser(row: Row, data: Data) -> str | None:
    """None if every cut of a stream gives what was recorded for it, or for the whole text.

    Where the original has a fault, no more than an orderly end is asked for.
    """
    free = bool(row.get("fault") or row.get("crash"))
    for cut, texts in _streams(row):
        one = parser_of(row, data)
        if "init_names" in row and [tool.name for tool in one.tools] != row["init_names"]:
            return told(row["id"], row["init_names"], [tool.name for tool in one.tools])
        got = total(one, texts, done_last=cut["done"] == "last")
        wanted = [cut.get("total", row["total"]), row["total"]] if not free else []
        if not free and not any(as_recorded(want, got) for want in wanted):
            return told(f"{row['id']} cut {cut['cut']}", wanted[0], got)
    return None


def parser_of(row: Row, data: Data) -> Parser:
    """The parser of a row."""
    tools = data.parser_tools if row["tools"] else []
    last = message_from_json(row["last"]) if row["last"] is not None else None
    found = parser(row["parser"], tools, last, row["think"])
    assert found is not None, row["parser"]
    return found


def pieces(text: str, cut: Row) -> list[str]:
    """The pieces of a recorded cut."""
    if cut["cut"] in ("whole", "whole_done"):
        return [text]
    if cut["cut"] in ("c1", "c3"):
        size = int(cut["cut"][1])
        return [text[at : at + size] for at in range(0, len(text), size)]
    at = [0, *cut["at"], len(text)]
    return [text[start:end] for start, end in pairwise(at)]


def _streams(row: Row) -> Iterator[tuple[Row, list[str]]]:
    """The cuts of a row, each with its pieces."""
    cuts = row.get("cuts", [])
    tok = next((cut for cut in cuts if cut["cut"] == "tok"), None)
    for cut in cuts:
        used = {**cut, "at": tok["at"]} if tok and cut["cut"] == "tok_done" else cut
        yield cut, pieces(row["text"], used)


def _outputs(
    made: Parser, texts: Sequence[str], *, done_last: bool
) -> Iterator[ParserOutput | ToolCallError]:
    """What a parser gives, piece by piece; an error ends it."""
    steps = [(text, done_last and index == len(texts) - 1) for index, text in enumerate(texts)]
    if not done_last:
        steps.append(("", True))
    for text, done in steps:
        try:
            yield made.add(text, done)
        except ToolCallError as error:
            yield error.partial
            yield error
            return


def total(made: Parser, texts: Sequence[str], *, done_last: bool) -> Total:
    """All that a stream gives."""
    result: Total = {"content": "", "thinking": "", "calls": []}
    for output in _outputs(made, texts, done_last=done_last):
        if isinstance(output, ToolCallError):
            result["error"] = output.message
        else:
            result["content"] += output.content
            result["thinking"] += output.thinking
            result["calls"] += [
                {
                    "name": call.name,
                    "index": call.index,
                    "id": call.id,
                    "arguments": _plain(arguments_json(call)),
                }
                for call in output.tool_calls
            ]
    return result


def _plain(arguments: str) -> str:
    """Arguments as they compare: values, with the order of keys."""
    return json.dumps(json.loads(arguments))


def as_recorded(want: Total, got: Total) -> bool:
    """Is it what was recorded, by the rule for streams?"""
    calls = [{"id": "", **call, "arguments": _plain(call["arguments"])} for call in want["calls"]]
    wanted = (want["content"], want["thinking"], calls)
    same = (got["content"], got["thinking"], got["calls"]) == wanted
    if want.get("error_lib"):
        return same and "error" in got
    return same and got.get("error") == want.get("error")


def judge_harmony(row: Row, data: Data) -> str | None:
    """None if a header, names or a stream of harmony are read as recorded."""
    wanted, found = _HARMONY[row["kind"]](row)
    return None if wanted == found else told(row["id"], wanted, found)


def _header(row: Row) -> tuple[Any, Any]:
    return Header(row["role"], row["channel"], row["recipient"]), read_header(row["header"])


def _names(row: Row) -> tuple[Any, Any]:
    made = HarmonyNames()
    found = {
        "converted": [made.add(name) for name in row["names"]],
        "back": [made.given(name) for name in row["converted"]],
        "lookup_result": [made.given(name) for name in row["lookup"]],
    }
    return {key: row[key] for key in found}, found


def _events(row: Row) -> tuple[Any, Any]:
    start = ""
    if row["start"] != "none":
        last = row.get("last")
        start = opening(message_from_json(last) if last else None)
    reader = HarmonyReader(start)
    has_pieces = row["text"] or row["cut"] in ("whole", "awk")
    found = [
        [step, *_event(event)]
        for step, text in enumerate(pieces(row["text"], row) if has_pieces else ())
        for event in reader.add(text)
    ]
    return row["events"] or [], found


def _event(event: Event) -> list[str]:
    if isinstance(event, str):
        return ["content", event]
    if isinstance(event, Header):
        return ["header", event.role, event.channel, event.recipient]
    return ["start"] if isinstance(event, MessageStart) else ["end"]


_HARMONY = {"header": _header, "names": _names, "events": _events}
