"""The body of `/v1/responses`, and the call that it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from ollamars.errors import BadRequest
from ollamars.prompts.messages import Tool, tool_parameters_from_json
from ollamars.server.body import RawJson
from ollamars.server.calls import ChatCall
from ollamars.server.dialects.openai.options import given, think_of_effort
from ollamars.server.dialects.openai.responses_input import Input
from ollamars.server.dialects.openai.responses_messages import messages_of

WEB_SEARCH = "web_search"
"""A tool that the server itself would have to run."""


@dataclass(frozen=True, slots=True)
class ResponsesReasoning:
    """How much the model shall think."""

    go_package: ClassVar[str] = "openai"

    effort: str = ""
    generate_summary: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True)
class ResponsesTextFormat:
    """The format of the text."""

    go_package: ClassVar[str] = "openai"

    type: str = ""
    name: str = ""
    schema: RawJson | None = None
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class ResponsesText:
    """How the text shall be."""

    go_package: ClassVar[str] = "openai"

    format: ResponsesTextFormat | None = None


@dataclass(frozen=True, slots=True)
class ResponsesTool:
    """A tool. A `namespace` holds tools of its own."""

    go_package: ClassVar[str] = "openai"

    type: str = ""
    name: str = ""
    description: str | None = None
    strict: bool | None = None
    parameters: dict[str, Any] | None = None
    tools: list[ResponsesTool] | None = None


@dataclass(frozen=True, slots=True)
class ResponsesRequest:
    """The body. `background`, `conversation`, `include` and `truncation` have no effect."""

    go_package: ClassVar[str] = "openai"

    model: str = ""
    background: bool = False
    conversation: Any = None
    include: list[str] | None = None
    input: Input = ""
    instructions: str = ""
    max_output_tokens: int | None = None
    reasoning: ResponsesReasoning = field(default_factory=ResponsesReasoning)
    temperature: float | None = None
    text: ResponsesText | None = None
    top_p: float | None = None
    truncation: str | None = None
    tools: list[ResponsesTool] | None = None
    stream: bool = False

    @property
    def format(self) -> ResponsesTextFormat:
        """The format of the text, plain text where none is asked for."""
        chosen = self.text.format if self.text else None
        return chosen or ResponsesTextFormat("text")


def chat_call(request: ResponsesRequest) -> ChatCall:
    """What a request asks for. Raises `BadRequest`."""
    options = {"top_p": request.top_p, "num_predict": request.max_output_tokens}
    temperature = 1.0 if request.temperature is None else request.temperature
    return ChatCall(
        model=request.model,
        messages=messages_of(request.instructions, request.input),
        options=given(options) | {"temperature": temperature},
        think=think_of_effort(request.reasoning.effort),
        tools=[tool for each in request.tools or () for tool in _tools(each)] or None,
        format=_format(request.format),
    )


def _format(format: ResponsesTextFormat) -> str | None:
    """The JSON text of the format. Types that are not known mean none."""
    if format.type == "json_object":
        return '"json"'
    return format.schema if format.type == "json_schema" else None


def _tools(tool: ResponsesTool) -> Iterator[Tool]:
    """The tools that one stands for; those of a namespace have its name before theirs.

    A web search is none: it is the server that would have to run it, which it cannot.
    """
    if tool.type == WEB_SEARCH:
        return
    if tool.type != "namespace":
        yield _tool(tool)
        return
    prefix = f"{tool.name}." if tool.name else ""
    for member in tool.tools or ():
        for each in _tools(member):
            named = each.name.startswith(prefix)
            yield each if named else replace(each, name=prefix + each.name)


def _tool(tool: ResponsesTool) -> Tool:
    try:
        parameters = tool_parameters_from_json(tool.parameters or {})
    except BadRequest as error:
        raise BadRequest(f"failed to unmarshal tool parameters: {error.message}") from None
    return Tool(tool.name, tool.description or "", parameters, type=tool.type)
