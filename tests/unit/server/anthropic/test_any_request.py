"""Whatever a body holds, it is a call or a bad request."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ollamars.errors import BadRequest
from ollamars.server.body import decode
from ollamars.server.dialects.anthropic.blocks import ContentBlock
from ollamars.server.dialects.anthropic.call import chat_call, counting_call
from ollamars.server.dialects.anthropic.estimate import estimated_tokens
from ollamars.server.dialects.anthropic.request import MessagesRequest

TYPES = (
    "base64",
    "image",
    "server_tool_use",
    "text",
    "thinking",
    "tool_result",
    "tool_use",
    "web_search_result",
    "web_search_tool_result",
    "web_search_tool_result_error",
)
BLOCK_FIELDS = [field.name for field in dataclasses.fields(ContentBlock)]
FIELDS = [field.name for field in dataclasses.fields(MessagesRequest)]

leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(TYPES)
names = st.sampled_from([*BLOCK_FIELDS, "data", "title", "url"]) | st.text(max_size=3)
values = st.recursive(
    leaves | st.floats(allow_nan=False, allow_infinity=False),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(names, inside, max_size=5),
    max_leaves=12,
)
blocks = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES)}, optional=dict.fromkeys(BLOCK_FIELDS[1:], values)
)
messages = st.lists(
    st.fixed_dictionaries({"role": values, "content": st.lists(blocks) | values}), min_size=1
)


@settings(max_examples=300, deadline=None)
@given(messages | values, st.dictionaries(st.sampled_from(FIELDS), values, max_size=4))
def test_any_body_is_a_call_or_a_bad_request(said: Any, fields: dict[str, Any]) -> None:
    body = {"model": "m", "max_tokens": 5, **fields, "messages": said}
    try:
        request = decode(json.dumps(body).encode(), MessagesRequest)
        chat_call(request)
        counting_call(request)
        assert estimated_tokens(request) >= 1
    except BadRequest:
        pass
