"""The published `anthropic` client for Python against a real server."""

from __future__ import annotations

import anthropic
import pytest
from anthropic.types import Message, MessageParam, ToolParam

from tests.served import Served
from tests.tiny_gguf import CHAINS

HELLO = "".join(CHAINS[0])
USER: list[MessageParam] = [{"role": "user", "content": "x"}]
WEATHER: ToolParam = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
TOOLS = (
    "{{ range .Tools }}{{ . }}\n{{ end }}"
    "{{ range .Messages }}{{ .Role }}: {{ .Content }}"
    "{{ if .ToolCalls }}{{ range .ToolCalls }}{{ .Function.Name }}{{ end }}{{ end }}\n{{ end }}"
    "{{ (index .Messages 0).Content }}"
)


@pytest.fixture(scope="session")
def base_url(tiny: Served) -> str:
    body = {"model": "tiny-tools", "from": "tiny-raw", "parser": "qwen3-coder", "template": TOOLS}
    assert tiny.json("POST", "/api/create", {**body, "stream": False}) == {"status": "success"}
    return tiny.base_url


@pytest.fixture
def client(base_url: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=base_url, api_key="none", max_retries=0)


def test_a_message(client: anthropic.Anthropic) -> None:
    message = client.messages.create(model="tiny", max_tokens=20, messages=USER)
    [block] = message.content
    assert block.type == "text"
    assert block.text == HELLO
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens == len(CHAINS[0]) + 1


def test_limits_and_stop_sequences(client: anthropic.Anthropic) -> None:
    cut = client.messages.create(model="tiny", max_tokens=2, messages=USER)
    assert cut.stop_reason == "max_tokens"
    assert cut.usage.output_tokens == 2
    stopped = client.messages.create(
        model="tiny", max_tokens=20, messages=USER, stop_sequences=["tiny"]
    )
    [block] = stopped.content
    assert block.type == "text"
    assert block.text == "Hello from a "


def test_a_stream(client: anthropic.Anthropic) -> None:
    with client.messages.stream(model="tiny", max_tokens=20, messages=USER) as stream:
        assert "".join(stream.text_stream) == HELLO
        message = stream.get_final_message()
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens == len(CHAINS[0]) + 1


def test_events_of_a_stream(client: anthropic.Anthropic) -> None:
    events = list(client.messages.create(model="tiny", max_tokens=2, messages=USER, stream=True))
    assert [event.type for event in events] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


@pytest.mark.parametrize("streamed", [False, True])
def test_tools_and_what_they_answer(client: anthropic.Anthropic, streamed: bool) -> None:
    asked: MessageParam = {"role": "user", "content": "Weather 4"}
    message = _asked(client, asked, streamed=streamed)
    assert message.stop_reason == "tool_use"
    text, use = message.content
    assert text.type == "text"
    assert use.type == "tool_use"
    assert (use.name, use.input) == ("get_weather", {"city": "Paris"})
    conversation: list[MessageParam] = [
        asked,
        {"role": "assistant", "content": message.content},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "22 degrees"}],
        },
    ]
    count = client.messages.count_tokens(model="tiny-tools", messages=conversation, tools=[WEATHER])
    again = client.messages.create(
        model="tiny-tools", max_tokens=1, messages=conversation, tools=[WEATHER]
    )
    assert again.usage.input_tokens == count.input_tokens


def _asked(client: anthropic.Anthropic, asked: MessageParam, *, streamed: bool) -> Message:
    if not streamed:
        return client.messages.create(
            model="tiny-tools", max_tokens=40, messages=[asked], tools=[WEATHER]
        )
    with client.messages.stream(
        model="tiny-tools", max_tokens=40, messages=[asked], tools=[WEATHER]
    ) as stream:
        return stream.get_final_message()


def test_count_tokens(client: anthropic.Anthropic) -> None:
    message = client.messages.create(model="tiny", max_tokens=1, messages=USER, system="Be brief.")
    count = client.messages.count_tokens(model="tiny", messages=USER, system="Be brief.")
    assert count.input_tokens == message.usage.input_tokens
    assert client.messages.count_tokens(model="tiny", messages=USER).input_tokens < (
        count.input_tokens
    )


def test_errors(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError, match="model 'absent' not found"):
        client.messages.create(model="absent", max_tokens=1, messages=USER)
    with pytest.raises(anthropic.BadRequestError, match="does not support tools"):
        client.messages.create(model="tiny", max_tokens=1, messages=USER, tools=[WEATHER])


async def test_the_asynchronous_client(base_url: str) -> None:
    async with anthropic.AsyncAnthropic(base_url=base_url, api_key="none") as client:
        message = await client.messages.create(model="tiny", max_tokens=20, messages=USER)
        assert message.stop_reason == "end_turn"
