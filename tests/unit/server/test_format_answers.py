"""Answers in a form, end to end: a real process, and models that say something known."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.served import Served
from tests.tiny_gguf import random_model, successor_model

THINKING = (
    "{{ range .Messages }}<{{ .Role }}>{{ if .Thinking }}<|channel|>{{ .Thinking }}<|message|>"
    "{{ end }}{{ .Content }}{{ end }}"
)
"""Thinking stands between two special tokens."""
YES = {"type": "string", "enum": ["yes", "no"]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("formats")
    with Served(folder) as served:
        served.create("any", random_model(folder / "any.gguf"))
        served.create("thinks", successor_model(folder / "t.gguf"), template=THINKING)
        yield served


def say(server: Served, **body: Any) -> dict[str, Any]:
    options = {"seed": 1, "num_predict": 300, **body.pop("options", {})}
    request = {"model": "any", "prompt": "x", "stream": False, "options": options, **body}
    return dict(server.json("POST", "/api/generate", request))


def test_an_answer_in_a_form(server: Served) -> None:
    answer = say(server, format=YES)
    assert json.loads(answer["response"]) in ("yes", "no")
    assert answer["done_reason"] == "stop"
    assert say(server, options={"regex": "[ab]{3}!"})["response"][3:] == "!"
    assert (
        say(server, options={"gbnf": 'root ::= "<" root ">" | "."'})["response"].strip("<>") == "."
    )
    assert say(server, options={"lark": 'start: "a" | "b"'})["response"] in ("a", "b")


def test_the_limit_of_tokens_cuts(server: Served) -> None:
    answer = say(server, format={"type": "string", "minLength": 50}, options={"num_predict": 5})
    assert answer["done_reason"] == "length"
    assert answer["eval_count"] == 5


def test_a_form_behind_thinking(server: Served) -> None:
    body: dict[str, Any] = {
        "model": "thinks",
        "messages": [{"role": "user", "content": "5"}],
        "format": YES,
        "stream": False,
        "options": {"temperature": 0, "num_predict": 60},
    }
    thought = server.json("POST", "/api/chat", {**body, "think": True})["message"]
    assert thought["thinking"] == "analysis"
    assert json.loads(thought["content"]) in ("yes", "no")
    at_once = server.json("POST", "/api/chat", {**body, "think": False})["message"]
    assert "thinking" not in at_once
    assert json.loads(at_once["content"]) in ("yes", "no")


def test_a_hostile_schema_holds_up_nobody(server: Served) -> None:
    """Others are answered while it is compiled, and it gets its answer in time."""
    slow = {"regex": "(a*)*" * 10_000}
    done = threading.Event()

    def ask() -> None:
        server.request("POST", "/api/generate", {"model": "any", "prompt": "x", "options": slow})
        done.set()

    thread = threading.Thread(target=ask)
    thread.start()
    answered = 0
    while not done.is_set():
        assert say(server, options={"num_predict": 2})["eval_count"] == 2
        answered += 1
    thread.join()
    assert answered > 1


def test_too_much_is_a_bad_request(server: Served) -> None:
    big = {"type": "string", "description": "x" * (2 << 20)}
    body = {"model": "any", "prompt": "x", "format": big}
    status, text = server.request("POST", "/api/generate", body)
    assert status == 400
    assert b"bytes are too many" in text
