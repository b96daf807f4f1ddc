"""`POST /v1/chat/completions`: the next message of a conversation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from quart import Response

from ollamars.errors import BadRequest
from ollamars.prompts import messages as prompts
from ollamars.prompts.messages import Think, ToolCall, tools_from_json
from ollamars.server.asgi import current_request
from ollamars.server.body import RawJson, named
from ollamars.server.calls import ChatCall, Rendered, pieces_of
from ollamars.server.chat import start_chat
from ollamars.server.context import current_context
from ollamars.server.dialects.openai.chat_answer import Chunks, completion, rendered
from ollamars.server.dialects.openai.content import read_part
from ollamars.server.dialects.openai.errors import v1_blueprint
from ollamars.server.dialects.openai.head import new_head
from ollamars.server.dialects.openai.options import given, go_type, stop_texts, think_of_effort
from ollamars.server.dialects.openai.request import read_call
from ollamars.server.dialects.openai.sse import stream_events
from ollamars.server.dialects.openai.stream_options import StreamOptions, wants_usage
from ollamars.server.dialects.openai.tool_calls import read_arguments
from ollamars.server.inference import whole_answer
from ollamars.server.responses import PLAIN_JSON, json_response
from ollamars.store.gosyntax import SyntaxFault

blueprint = v1_blueprint("chat_completions", __name__)


@dataclass(frozen=True, slots=True)
class CalledFunction:
    """What a former answer called; the arguments are JSON text."""

    go_package: ClassVar[str] = "openai"

    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class CallOfTool:
    """A call in a former answer."""

    go_package: ClassVar[str] = "openai"

    id: str = ""
    index: int = 0
    type: str = ""
    function: CalledFunction = field(default_factory=CalledFunction)


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the body. `content` is a text or a list of parts."""

    go_package: ClassVar[str] = "openai"

    role: str = ""
    content: Any = None
    reasoning: str = ""
    tool_calls: list[CallOfTool] | None = None
    name: str = ""
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """A schema with a name; other members have no effect."""

    go_package: ClassVar[str] = "openai"

    schema: RawJson | None = None


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """The format that the answer must have."""

    go_package: ClassVar[str] = "openai"

    type: str = ""
    json_schema: JsonSchema | None = None


@dataclass(frozen=True, slots=True)
class Reasoning:
    """How much the model shall think."""

    go_package: ClassVar[str] = "openai"

    effort: str = ""


@dataclass(frozen=True, slots=True)
class ChatCompletionRequest:
    """The body."""

    go_package: ClassVar[str] = "openai"

    model: str = ""
    messages: list[Message] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: Any = None
    temperature: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    top_p: float | None = None
    response_format: ResponseFormat | None = None
    tools: list[Any] | None = None
    reasoning: Reasoning | None = None
    reasoning_effort: str = ""
    logprobs: bool = False
    top_logprobs: int = 0
    debug: bool = named("_debug_render_only", default=False)


def chat_call(request: ChatCompletionRequest) -> ChatCall:
    """What a request asks for. Raises `BadRequest`."""
    tools = tools_from_json(request.tools)
    if not request.messages:
        raise BadRequest("[] is too short - 'messages'")
    return ChatCall(
        model=request.model,
        messages=list(_messages(request.messages)),
        tools=tools,
        options=_options(request),
        format=_format(request.response_format),
        think=_think(request),
        debug=request.debug,
        logprobs=request.logprobs,
        top_logprobs=request.top_logprobs,
    )


def _options(request: ChatCompletionRequest) -> dict[str, Any]:
    """The options; temperature and top_p do not come from the model, as in OpenAI's API."""
    stop = [text for text in stop_texts(request.stop) or () if isinstance(text, str)]
    options = {
        "stop": stop or None,
        "num_predict": request.max_tokens,
        "seed": request.seed,
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
    }
    return {"temperature": 1.0, "top_p": 1.0} | given(
        options | {"temperature": request.temperature, "top_p": request.top_p}
    )


def _format(wanted: ResponseFormat | None) -> str | None:
    """The JSON text of the format. Types that are not known mean none."""
    if wanted is None:
        return None
    kind = wanted.type.strip().lower()
    if kind == "json_object":
        return '"json"'
    if kind == "json_schema" and wanted.json_schema is not None:
        return wanted.json_schema.schema
    return None


def _think(request: ChatCompletionRequest) -> Think:
    reasoning = request.reasoning
    return think_of_effort(request.reasoning_effort if reasoning is None else reasoning.effort)


def _messages(messages: Sequence[Message]) -> Iterator[prompts.Message]:
    """The conversation; each part of a message becomes a message of its own."""
    for message in messages:
        whole = prompts.Message(
            role=message.role.lower(),
            thinking=message.reasoning,
            tool_calls=_tool_calls(message),
            tool_name=_tool_name(message, messages),
            tool_call_id=message.tool_call_id,
        )
        if isinstance(message.content, str):
            yield replace(whole, content=message.content)
        elif isinstance(message.content, list):
            yield from _parts(whole, message.content)
        elif message.tool_calls is None:
            raise BadRequest(f"invalid message content type: {go_type(message.content)}")
        else:
            yield whole


def _parts(whole: prompts.Message, parts: Sequence[Any]) -> Iterator[prompts.Message]:
    """A message for each part; thinking and calls go with the last one, or alone."""
    if not parts and whole.tool_calls:
        yield whole
    for number, part in enumerate(parts, 1):
        read = read_part(part)
        message = replace(whole, images=(read,)) if isinstance(read, bytes) else whole
        message = replace(message, content=read) if isinstance(read, str) else message
        yield message if number == len(parts) else replace(message, thinking="", tool_calls=())


def _tool_calls(message: Message) -> tuple[ToolCall, ...]:
    try:
        return tuple(
            ToolCall(call.function.name, read_arguments(call.function.arguments), id=call.id)
            for call in message.tool_calls or ()
        )
    except SyntaxFault:
        raise BadRequest("invalid tool call arguments") from None


def _tool_name(message: Message, messages: Sequence[Message]) -> str:
    """The tool that a message answers for: its `name`, or that of the last call with its id."""
    if message.role.lower() != "tool":
        return ""
    if message.name or not message.tool_call_id:
        return message.name
    names = {call.id: call.function.name for each in messages for call in each.tool_calls or ()}
    return names.get(message.tool_call_id, "")


@blueprint.route("/v1/chat/completions", methods=["POST"])
async def chat_completions() -> Response:
    """One object, or with `stream` server-sent events."""
    request, call = await read_call(ChatCompletionRequest, chat_call)
    outcome = await start_chat(current_context(), call, current_request().on_end)
    head = new_head("chatcmpl", request.model)
    top = request.top_logprobs > 0
    if isinstance(outcome, Rendered):
        return json_response(rendered(head, outcome.prompt), content_type=PLAIN_JSON)
    pieces = pieces_of(outcome)
    if request.stream:
        chunks = Chunks(head, usage=wants_usage(request.stream_options), top=top)
        return await stream_events(pieces, chunks.events)
    answer = completion(head, await whole_answer(pieces), top=top)
    return json_response(answer, content_type=PLAIN_JSON)
