"""The published `openai` client for Python against a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

import openai
import pydantic
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from openai.types.responses import FunctionToolParam, ResponseFunctionToolCall

from tests.served import Served
from tests.tiny_encoder import WIDTH, encoder_model
from tests.tiny_gguf import CHAINS, successor_model

HELLO = "".join(CHAINS[0])
SAID = CHAINS[4][0].strip()
"""What `caller` says before its call."""
USER: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hi"}]
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
TOOL: ChatCompletionToolParam = {
    "type": "function",
    "function": {"name": "get_weather", "description": "Weather", "parameters": PARAMETERS},
}
RESPONSES_TOOL: FunctionToolParam = {
    "type": "function",
    "name": "get_weather",
    "parameters": PARAMETERS,
    "strict": False,
}


@pytest.fixture(scope="module")
def caller(tiny: Served, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that says something and calls a tool."""
    gguf = successor_model(
        tmp_path_factory.mktemp("gguf") / "caller.gguf", context=2048, default_chain=4
    )
    tiny.create("caller", gguf, renderer="qwen3-coder", parser="qwen3-coder")
    return "caller"


@pytest.fixture(scope="module")
def encoder(tiny: Served, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that makes vectors."""
    tiny.create("encoder", encoder_model(tmp_path_factory.mktemp("gguf") / "encoder.gguf"))
    return "encoder"


@pytest.fixture(scope="module")
def client(tiny: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{tiny.base_url}/v1", api_key="any", max_retries=0) as client:
        yield client


def test_models(client: openai.OpenAI) -> None:
    ids = {model.id for model in client.models.list()}
    assert {"tiny:latest", "tiny-raw:latest"} <= ids
    model = client.models.retrieve("tiny")
    assert model.id == "tiny"
    assert model.owned_by == "library"
    with pytest.raises(openai.NotFoundError, match="not found"):
        client.models.retrieve("absent")


def test_chat(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="tiny", messages=USER)
    [choice] = answer.choices
    assert choice.message.content == HELLO
    assert choice.finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == len(CHAINS[0]) + 1
    answer = client.chat.completions.create(model="tiny", messages=USER, max_tokens=2, stop="x")
    assert answer.choices[0].message.content == "Hello from"
    assert answer.choices[0].finish_reason == "length"


def test_chat_streamed(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="tiny", messages=USER, stream=True, stream_options={"include_usage": True}
    )
    *chunks, usage = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == HELLO
    assert [chunk.choices[0].finish_reason for chunk in chunks][-2:] == [None, "stop"]
    assert usage.usage is not None
    assert usage.usage.completion_tokens == len(CHAINS[0]) + 1


def test_chat_streamed_with_the_helper(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="tiny", messages=USER) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert final.choices[0].message.content == HELLO


def test_logprobs(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="tiny", messages=USER, logprobs=True, top_logprobs=2
    )
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert [token.token for token in logprobs.content or ()] == list(CHAINS[0])
    assert all(len(token.top_logprobs) == 2 for token in logprobs.content or ())


def test_tools(client: openai.OpenAI, caller: str) -> None:
    answer = client.chat.completions.create(model=caller, messages=USER, tools=[TOOL])
    [choice] = answer.choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content == SAID
    [call] = choice.message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "Paris"}
    messages: list[Any] = [
        *USER,
        choice.message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
    ]
    again = client.chat.completions.create(model=caller, messages=messages, tools=[TOOL])
    assert again.usage is not None
    assert answer.usage is not None
    assert again.usage.prompt_tokens > answer.usage.prompt_tokens


def test_tools_streamed(client: openai.OpenAI, caller: str) -> None:
    with client.chat.completions.stream(model=caller, messages=USER, tools=[TOOL]) as stream:
        stream.until_done()
        final = stream.get_final_completion()
    [call] = final.choices[0].message.tool_calls or []
    assert json.loads(call.function.arguments) == {"city": "Paris"}
    assert final.choices[0].finish_reason == "tool_calls"


class Weather(pydantic.BaseModel):
    """A form that every model ends."""

    city: Literal["Paris", "Rome"]
    sunny: bool


def test_structured_output(client: openai.OpenAI) -> None:
    answer = client.chat.completions.parse(model="tiny", messages=USER, response_format=Weather)
    assert isinstance(answer.choices[0].message.parsed, Weather)
    with client.chat.completions.stream(
        model="tiny", messages=USER, response_format=Weather
    ) as stream:
        stream.until_done()
        parsed = stream.get_final_completion().choices[0].message.parsed
    assert isinstance(parsed, Weather)


def test_structured_output_of_responses(client: openai.OpenAI) -> None:
    answer = client.responses.parse(model="tiny", input="hi", text_format=Weather)
    assert isinstance(answer.output_parsed, Weather)
    with pytest.raises(openai.BadRequestError):
        client.responses.create(
            model="tiny",
            input="hi",
            text={"format": {"type": "json_schema", "name": "x", "schema": {"type": "bad"}}},
        )


def test_completions(client: openai.OpenAI) -> None:
    answer = client.completions.create(model="tiny-raw", prompt="2")
    assert answer.choices[0].text == "".join(CHAINS[2])
    stream = client.completions.create(model="tiny-raw", prompt="2", stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream) == "".join(CHAINS[2])


def test_responses(client: openai.OpenAI) -> None:
    answer = client.responses.create(model="tiny", input="hi", instructions="Be brief.")
    assert answer.output_text == HELLO
    assert answer.status == "completed"
    assert answer.instructions == "Be brief."
    assert answer.usage is not None
    assert answer.usage.output_tokens == len(CHAINS[0]) + 1


def test_responses_streamed(client: openai.OpenAI) -> None:
    with client.responses.stream(model="tiny", input="hi") as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()
    assert "".join(deltas) == HELLO
    assert final.output_text == HELLO


def test_calls_of_responses(client: openai.OpenAI, caller: str) -> None:
    with client.responses.stream(model=caller, input="hi", tools=[RESPONSES_TOOL]) as stream:
        stream.until_done()
        streamed = stream.get_final_response()
    whole = client.responses.create(model=caller, input="hi", tools=[RESPONSES_TOOL])
    calls = []
    for answer in (streamed, whole):
        assert [item.type for item in answer.output] == ["message", "function_call"]
        assert answer.output_text == SAID
        calls += [item for item in answer.output if isinstance(item, ResponseFunctionToolCall)]
    assert [json.loads(call.arguments) for call in calls] == [{"city": "Paris"}] * 2
    items: list[Any] = [
        {"role": "user", "content": "hi"},
        *[item.model_dump(exclude_none=True) for item in whole.output],
        {"type": "function_call_output", "call_id": calls[1].call_id, "output": "sunny"},
    ]
    again = client.responses.create(model=caller, input=items)
    assert again.status == "completed"


def test_embeddings(client: openai.OpenAI, encoder: str) -> None:
    texts = ["the cat sat", "dog", ""]
    answer = client.embeddings.create(model=encoder, input=texts)  # asks for base64
    numbers = client.embeddings.create(model=encoder, input=texts, encoding_format="float")
    vectors = [item.embedding for item in answer.data]
    assert vectors == [pytest.approx(item.embedding, abs=1e-6) for item in numbers.data]
    assert [len(vector) for vector in vectors] == [WIDTH] * 3
    assert [sum(value**2 for value in vector) for vector in vectors] == pytest.approx([1] * 3)
    assert [item.index for item in answer.data] == [0, 1, 2]
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 5 + 3 + 2
    assert answer.model == encoder
    [cut] = client.embeddings.create(model=encoder, input="dog", dimensions=4).data
    assert sum(value**2 for value in cut.embedding) == pytest.approx(1)
    assert len(cut.embedding) == 4


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"input": []}, "invalid input"),
        ({"input": [1, 2]}, "invalid input type"),
        ({"input": "x", "encoding_format": "hex"}, "Invalid value for 'encoding_format' = hex. "),
        ({"input": "x", "model": "absent"}, "try pulling it first"),
    ],
)
def test_embeddings_that_cannot_be(tiny: Served, body: dict[str, Any], message: str) -> None:
    status, answer = tiny.request("POST", "/v1/embeddings", {"model": "tiny", **body})
    assert status in (400, 404)
    assert message in json.loads(answer)["error"]["message"]


def test_errors(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as error:
        client.chat.completions.create(model="absent", messages=USER)
    assert error.value.type == "not_found_error"
    with pytest.raises(openai.BadRequestError, match="too short"):
        client.chat.completions.create(model="tiny", messages=[])
    with pytest.raises(openai.BadRequestError, match="does not support tools"):
        client.chat.completions.create(model="tiny", messages=USER, tools=[TOOL], stream=True)
