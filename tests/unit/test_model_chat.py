"""Conversations of the embedding API: thinking, calls of tools and content told apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ollamars
from ollamars import ChatChunk, Message, ToolCall
from ollamars.described import CREATE_HOOKS
from ollamars.errors import BadRequest, OllamarsError
from ollamars.store.create import CreateRequest, create_model
from ollamars.store.names import Name
from ollamars.store.store import Store
from tests.tiny_gguf import CHAINS, successor_model

TEMPLATE = (
    "{{ range .Tools }}{{ .Function.Name }}{{ end }}{{ range .Messages }}{{ .Content }}{{ end }}"
)
"""Ends with the last message, so that its last digit chooses what the model says."""
JINJA = (
    "{{ tools | tojson }}{% for m in messages %}{% for call in m.tool_calls %}"
    "<tool_call>\n<function={{ call.function.name }}>\n"
    "{% for k, v in call.function.arguments.items() %}<parameter={{ k }}>\n{{ v }}\n</parameter>\n"
    "{% endfor %}</function>\n</tool_call>{% endfor %}{{ m.content }}{% endfor %}"
)
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


def create(store: Store, name: str, gguf: Path, **fields: Any) -> None:
    digest = store.blobs.add(gguf.read_bytes()).digest
    request = CreateRequest(files={"m.gguf": digest}, **fields)
    create_model(store, Name.parse(name), request, CREATE_HOOKS, lambda line: None)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ollamars.Model]]:
    """`coder` and `harmony` have built-in parsers, `jinja` is a file with a template of its own."""
    folder = tmp_path_factory.mktemp("models")
    plain = successor_model(folder / "plain.gguf")
    store = Store(folder / "store")
    store.start(prune=False)
    create(store, "coder", plain, template=TEMPLATE, parser="qwen3-coder")
    create(store, "harmony", plain, template=TEMPLATE, parser="harmony")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OLLAMA_MODELS", str(folder / "store"))
        loaded = {
            "coder": ollamars.Model("coder"),
            "harmony": ollamars.Model("harmony"),
            "plain": ollamars.Model(plain),
            "jinja": ollamars.Model(successor_model(folder / "jinja.gguf", chat_template=JINJA)),
        }
    yield loaded
    for model in loaded.values():
        model.close()


def answer(model: ollamars.Model, stream: bool, *messages: Any, **asked: Any) -> ChatChunk:
    if not stream:
        return model.chat(messages, stream=False, **asked)
    chunks = list(model.chat(messages, **asked))
    assert [chunk.done for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert all(chunk.text == chunk.message.content for chunk in chunks)
    whole = Message(
        "assistant",
        content="".join(map(str, chunks)),
        thinking="".join(chunk.message.thinking for chunk in chunks),
        tool_calls=tuple(call for chunk in chunks for call in chunk.message.tool_calls),
    )
    return ChatChunk(text=whole.content, message=whole)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("name", ["coder", "jinja"])
def test_a_call_and_the_answer_to_its_result(
    models: dict[str, ollamars.Model], name: str, stream: bool
) -> None:
    asked = {"role": "user", "content": "Weather? 4"}
    called = answer(models[name], stream, asked, tools=[WEATHER])
    assert called.text == "Let me look."
    [call] = called.message.tool_calls
    assert (call.name, call.arguments) == ("get_weather", {"city": "Paris"})
    assert re.fullmatch("call_[a-z0-9]{8}", call.id)
    result = {"role": "tool", "tool_name": "get_weather", "content": "wet 7"}
    told = answer(models[name], stream, asked, called.message, result, tools=[WEATHER])
    assert told.message == Message("assistant", "It rains.")


@pytest.mark.parametrize("stream", [True, False])
def test_thinking(models: dict[str, ollamars.Model], stream: bool) -> None:
    asked = {"role": "user", "content": "Weather? 5"}
    found = answer(models["harmony"], stream, asked, tools=[WEATHER]).message
    assert (found.content, found.thinking) == ("", "The user wants a call.")
    [call] = found.tool_calls
    assert call == ToolCall("get_weather", {"city": "Paris"}, id=call.id)


def test_counts_and_tokens(models: dict[str, ollamars.Model]) -> None:
    whole = models["coder"].chat([{"role": "user", "content": "x 7"}], stream=False)
    assert (whole.done, whole.done_reason) == (True, "stop")
    assert whole.eval_tokens == len(whole.tokens) == len(CHAINS[7]) + 1
    assert str(whole) == "It rains."


def test_a_model_without_a_template_talks(models: dict[str, ollamars.Model]) -> None:
    whole = models["plain"].chat([Message("user", "hi")], stream=False)
    assert whole.text == "".join(CHAINS[0])


def test_what_cannot_be(models: dict[str, ollamars.Model]) -> None:
    asked = [{"role": "user", "content": "hi"}]
    with pytest.raises(BadRequest, match=r'"plain.gguf" does not support tools'):
        models["plain"].chat(asked, tools=[WEATHER])
    with pytest.raises(BadRequest, match=r'"plain.gguf" does not support thinking'):
        models["plain"].chat(asked, think=True)
    with pytest.raises(BadRequest, match="at least one message"):
        models["plain"].chat([])
    with pytest.raises(BadRequest, match=r"messages\[1\].content must be of type string"):
        models["plain"].chat([*asked, {"role": "user", "content": 1}])
    with pytest.raises(BadRequest, match="images"):
        models["plain"].chat([{"role": "user", "content": "?", "images": ["aGk="]}])


def test_a_call_that_cannot_be_read(models: dict[str, ollamars.Model]) -> None:
    """Arguments that the limit cuts off are no JSON."""
    with pytest.raises(OllamarsError):
        models["harmony"].chat(
            [{"role": "user", "content": "5"}], tools=[WEATHER], num_predict=6, stream=False
        )


def test_a_stream_that_is_dropped_stops_the_work(models: dict[str, ollamars.Model]) -> None:
    stream = models["plain"].chat([{"role": "user", "content": "hi"}])
    next(stream)
    stream.close()  # type: ignore[attr-defined]  # the iterator is a generator
    assert models["plain"].generate("1", stream=False).text == "One chunk"
