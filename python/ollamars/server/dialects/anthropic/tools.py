"""Tools of a request as prompts take them."""

from __future__ import annotations

from collections.abc import Sequence

from ollamars.errors import BadRequest
from ollamars.prompts.messages import Tool, ToolParameters, ToolProperty, tool_parameters_from_json
from ollamars.server.dialects.anthropic.request import ToolDefinition
from ollamars.store.gotext import quote

WEB_SEARCH = "web_search"
"""Begins the `type` of the tool that the server runs, and is what the model knows it as."""

_SEARCH_TOOL = Tool(
    WEB_SEARCH,
    "Search the web for current information. Use this to find up-to-date information about any "
    "topic.",
    ToolParameters(
        "object",
        required=("query",),
        properties={
            "query": ToolProperty(
                type=("string",), description="The search query to look up on the web"
            )
        },
    ),
)


def has_web_search(tools: Sequence[ToolDefinition]) -> bool:
    """Does the request ask for the server's own search?"""
    return any(tool.type.startswith(WEB_SEARCH) for tool in tools)


def converted_tools(tools: Sequence[ToolDefinition]) -> list[Tool] | None:
    """The tools, None if there are none. Raises `BadRequest` for a schema that cannot be read.

    A tool of the client that has the name of the server's search gives way to that.
    """
    searches = has_web_search(tools)
    kept = [
        tool
        for tool in tools
        if not searches or tool.type.startswith(WEB_SEARCH) or tool.name != WEB_SEARCH
    ]
    return [_converted(tool) for tool in kept] or None


def _converted(tool: ToolDefinition) -> Tool:
    if tool.type.startswith(WEB_SEARCH):
        return _SEARCH_TOOL
    try:
        parameters = tool_parameters_from_json(tool.input_schema, "input_schema")
    except BadRequest as error:
        raise BadRequest(
            f"invalid input_schema for tool {quote(tool.name)}: {error.message}"
        ) from None
    return Tool(tool.name, tool.description, parameters)
