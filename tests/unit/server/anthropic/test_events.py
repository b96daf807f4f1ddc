"""From the pieces of an answer to the events of a stream, and to a whole message."""

from __future__ import annotations

import json
from typing import Any

from ollamars.prompts.answer import Parts
from ollamars.prompts.messages import ToolCall
from ollamars.server.dialects.anthropic.events import MessageEvents, event_line
from ollamars.server.dialects.anthropic.message import message
from ollamars.server.inference import Answer, empty_answer
from tests.scripted_engine import ScriptedEvent

CALL = ToolCall("f", {"a": "<"}, id="call_1")
SEARCH = ToolCall("web_search", {"query": "news"}, id="call_2")


def piece(content: str = "", thinking: str = "", *calls: ToolCall) -> Answer:
    return Answer(Parts(content, thinking, calls), prompt_tokens=7)


def last(done: str = "stop") -> Answer:
    event = ScriptedEvent(0, done=done, prompt_tokens=7, eval_tokens=3)
    return Answer(Parts(), (), event, "", 7)


def sent(*pieces: Answer, **settings: Any) -> list[dict[str, Any]]:
    writer = MessageEvents("msg_1", "m", estimate=2, **settings)
    return [event for each in pieces for event in writer.add(each)]


def kinds(events: list[dict[str, Any]]) -> list[str]:
    names = {"content_block_start": "+", "content_block_stop": "-"}
    return [
        names[event["type"]] + str(event["index"])
        if event["type"] in names
        else event.get("delta", {}).get("type") or event["type"]
        for event in events
    ]


def test_thinking_then_text() -> None:
    events = sent(piece(thinking="a"), piece(thinking="b"), piece("c"), piece("d"), last())
    assert kinds(events) == [
        "message_start",
        "+0",
        "thinking_delta",
        "thinking_delta",
        "-0",
        "+1",
        "text_delta",
        "text_delta",
        "-1",
        "message_delta",
        "message_stop",
    ]
    assert events[0]["message"] == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "usage": {"input_tokens": 2, "output_tokens": 0},
    }
    assert events[1]["content_block"] == {"type": "thinking", "thinking": ""}
    assert events[-2]["delta"] == {"stop_reason": "end_turn"}
    assert events[-2]["usage"] == {"input_tokens": 7, "output_tokens": 3}


def test_a_call_between_texts() -> None:
    events = sent(piece("a", "", CALL), piece("b"), last())
    assert kinds(events)[1:-2] == [
        *("+0", "text_delta", "-0"),
        *("+1", "input_json_delta", "-1"),
        *("+2", "text_delta", "-2"),
    ]
    assert events[4]["content_block"] == {
        "type": "tool_use",
        "id": "call_1",
        "name": "f",
        "input": {},
    }
    assert json.loads(events[5]["delta"]["partial_json"]) == {"a": "<"}
    assert events[-2]["delta"] == {"stop_reason": "tool_use"}


def test_the_counted_prompt_where_it_is_known() -> None:
    def input_tokens(events: list[dict[str, Any]]) -> int:
        return int(events[0]["message"]["usage"]["input_tokens"])

    assert input_tokens(sent(last())) == 7
    assert input_tokens(sent(piece("", "", CALL), last())) == 2
    assert input_tokens(sent(piece("", "", CALL), last(), late_calls=True)) == 7
    assert input_tokens(sent(piece("a"), last(), late_calls=True)) == 2
    assert input_tokens(sent(empty_answer("load"))) == 2


def test_why_an_answer_ends() -> None:
    def reason(answer: Answer) -> str:
        return str(sent(answer)[-2]["delta"]["stop_reason"])

    assert reason(last("length")) == "max_tokens"
    assert reason(last("stop")) == "end_turn"
    assert reason(empty_answer("load")) == "stop_sequence"


def test_a_search_that_cannot_be_had() -> None:
    events = sent(piece("a"), piece("", "", SEARCH), piece("b"), last(), searches=True)
    assert kinds(events)[1:] == [
        *("+0", "text_delta", "-0", "+1", "-1", "+2", "-2"),
        *("message_delta", "message_stop"),
    ]
    use, result = events[4]["content_block"], events[6]["content_block"]
    assert use["type"] == "server_tool_use"
    assert use["input"] == {"query": "news"}
    assert result["tool_use_id"] == use["id"] == "srvtoolu_1"
    assert result["content"]["error_code"] == "unavailable"
    assert events[-2]["delta"] == {"stop_reason": "end_turn"}
    assert kinds(sent(piece("", "", SEARCH), last()))[2] == "input_json_delta"


def test_a_whole_message() -> None:
    answer = Answer(Parts("text", "thought", [CALL, ToolCall("", {})]), (), last().last)
    assert message("msg_1", "m", answer, searches=False) == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "thought"},
            {"type": "text", "text": "text"},
            {"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": "<"}},
            {"type": "tool_use", "id": "", "input": {}},
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 7, "output_tokens": 3},
    }
    assert message("msg_1", "m", last(), searches=False)["content"] is None
    searched = Answer(Parts("text", "", [CALL, SEARCH]), (), last().last)
    whole = message("msg_1", "m", searched, searches=True)
    assert [block["type"] for block in whole["content"]] == [
        "text",
        "server_tool_use",
        "web_search_tool_result",
    ]
    assert whole["stop_reason"] == "end_turn"


def test_an_event_as_it_is_sent() -> None:
    line = event_line({"type": "message_stop", "text": "<"})
    assert line == b'event: message_stop\ndata: {"type":"message_stop","text":"\\u003c"}\n\n'
