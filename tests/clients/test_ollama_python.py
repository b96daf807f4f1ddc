"""The published `ollama` client for Python against a real server."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import ollama
import pytest

from tests.served import Served
from tests.tiny_bert import hidden, ids, tensors, tiny_bert
from tests.tiny_gguf import CHAINS

HELLO = "".join(CHAINS[0])


@pytest.fixture
def client(tiny: Served) -> ollama.Client:
    return ollama.Client(host=tiny.base_url)


def test_list_and_show(client: ollama.Client) -> None:
    names = {model.model for model in client.list().models}
    assert {"tiny:latest", "tiny-raw:latest"} <= names
    shown = client.show("tiny")
    assert shown.details is not None
    assert shown.details.family == "llama"
    assert shown.template is not None
    assert "<|im_start|>" in shown.template
    assert shown.modelinfo is not None
    assert shown.modelinfo["general.architecture"] == "llama"
    with pytest.raises(ollama.ResponseError, match="not found") as error:
        client.show("absent")
    assert error.value.status_code == 404


def test_generate_whole(client: ollama.Client) -> None:
    answer = client.generate("tiny", "x")
    assert answer.response == HELLO
    assert answer.done
    assert answer.done_reason == "stop"
    assert answer.eval_count == len(CHAINS[0]) + 1
    assert answer.prompt_eval_count
    assert answer.context


def test_generate_streamed(client: ollama.Client) -> None:
    chunks = list(client.generate("tiny-raw", "2", raw=True, stream=True))
    assert "".join(chunk.response or "" for chunk in chunks) == "".join(CHAINS[2])
    assert [chunk.done for chunk in chunks] == [False] * (len(chunks) - 1) + [True]


def test_chat_whole_and_streamed(client: ollama.Client) -> None:
    messages = [{"role": "user", "content": "hi"}]
    assert client.chat("tiny", messages).message.content == HELLO
    chunks = list(client.chat("tiny", messages, stream=True))
    assert "".join(chunk.message.content or "" for chunk in chunks) == HELLO
    assert chunks[-1].done_reason == "stop"


def test_options(client: ollama.Client) -> None:
    answer = client.generate("tiny", "x", options={"num_predict": 2})
    assert answer.response == "Hello from"
    assert answer.done_reason == "length"
    answer = client.generate("tiny-raw", "3", raw=True, options={"stop": [" not"]})
    assert answer.response == "stop here"


def test_ps_shows_what_is_loaded(client: ollama.Client) -> None:
    client.generate("tiny", "", keep_alive="3m")
    loaded = client.ps().models
    assert any(model.name == "tiny:latest" for model in loaded)


def test_create_copy_delete(client: ollama.Client, tiny_gguf: Path) -> None:
    digest = client.create_blob(tiny_gguf)
    assert digest == "sha256:" + hashlib.sha256(tiny_gguf.read_bytes()).hexdigest()
    states = [
        progress.status
        for progress in client.create(
            "made", files={"m.gguf": digest}, system="Be brief.", stream=True
        )
    ]
    assert states[-1] == "success"
    assert client.show("made").modelfile is not None
    assert client.copy("made", "copied").status == "success"
    assert (
        client.create("child", from_="copied", parameters={"temperature": 0.5}).status == "success"
    )
    for name in ("made", "copied", "child"):
        assert client.delete(name).status == "success"
    with pytest.raises(ollama.ResponseError, match="not found"):
        client.delete("made")


async def test_async_client(tiny: Served) -> None:
    """The asynchronous client runs on asyncio; it is driven from a thread of its own."""
    import asyncio

    import trio

    async def ask() -> str:
        client = ollama.AsyncClient(host=tiny.base_url)
        text = ""
        async for chunk in await client.generate("tiny", "x", stream=True):
            text += chunk.response or ""
        return text

    assert await trio.to_thread.run_sync(asyncio.run, ask()) == HELLO


@pytest.fixture(scope="module")
def caller(tiny: Served, tiny_gguf: Path) -> str:
    """A model that calls a tool if the last message ends in 4, and answers one that ends in 7."""
    tools = "{{ range .Tools }}{{ .Function.Name }}{{ end }}"
    template = tools + "{{ range .Messages }}{{ .Content }}{{ end }}"
    tiny.create("caller", tiny_gguf, template=template, parser="qwen3-coder")
    return "caller"


def get_weather(city: str) -> str:
    """The weather of a place.

    Args:
        city: where
    """
    return f"{city}: wet 7"


@pytest.mark.parametrize("stream", [True, False])
def test_a_function_is_called_and_its_result_answered(
    client: ollama.Client, caller: str, stream: bool
) -> None:
    messages: list[ollama.Message] = [ollama.Message(role="user", content="Weather? 4")]

    def ask() -> list[ollama.Message]:
        if stream:
            chunks = list(client.chat(caller, messages, tools=[get_weather], stream=True))
            assert [chunk.done for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
            return [chunk.message for chunk in chunks]
        return [client.chat(caller, messages, tools=[get_weather]).message]

    called = ask()
    assert "".join(part.content or "" for part in called) == "Let me look."
    [call] = [call for part in called for call in part.tool_calls or ()]
    assert (call.function.name, call.function.arguments) == ("get_weather", {"city": "Paris"})
    result = get_weather(**call.function.arguments)
    messages += [*called, ollama.Message(role="tool", tool_name="get_weather", content=result)]
    answered = ask()
    assert "".join(part.content or "" for part in answered) == "It rains."
    assert not any(part.tool_calls for part in answered)


def test_embed_and_embeddings(client: ollama.Client, tmp_path: Path) -> None:
    data = tiny_bert(tmp_path / "bert.gguf").read_bytes()
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    client.create_blob(tmp_path / "bert.gguf")
    client.create("bert", files={"bert.gguf": digest})
    assert client.show("bert").capabilities == ["embedding"]
    answer = client.embed("bert", ["a b", "hello"])
    tokens = [ids("a b"), ids("hello")]
    assert answer.prompt_eval_count == sum(map(len, tokens))
    for vector, each in zip(answer.embeddings, tokens, strict=True):
        mean = hidden(each, tensors()).mean(axis=0)
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-4)
    short = client.embed("bert", "a b", dimensions=4).embeddings[0]
    assert len(short) == 4
    assert client.embeddings("bert", "hello").embedding == pytest.approx(answer.embeddings[1])
    assert [model.name for model in client.ps().models if model.name == "bert:latest"]
    with pytest.raises(ollama.ResponseError, match="exceeds the context length"):
        client.embed("bert", "a " * 100, truncate=False)
    client.delete("bert")
