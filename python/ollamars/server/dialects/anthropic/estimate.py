"""What a prompt is taken to need before it was counted: a token for four bytes of text.

The stream's first event tells this number, as Ollama's does.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Final

from ollamars.server.dialects.anthropic.blocks import ContentBlock, read_block
from ollamars.server.dialects.anthropic.request import MessagesRequest
from ollamars.store import gojson

_BYTES_OF_TOKEN: Final = 4
_COUNTED_WHOLE: Final = ("tool_use", "tool_result")
_ALWAYS: Final = ("type",)


def estimated_tokens(request: MessagesRequest) -> int:
    """Tokens that the prompt of a request is taken to have; at least one."""
    size = _any_size(request.system)
    for message in request.messages:
        size += _size(message.role) + sum(map(_block_size, message.content))
    for tool in request.tools:
        size += _size(tool.name) + _size(tool.description) + _schema_size(tool.input_schema)
    return max(size // _BYTES_OF_TOKEN, 1)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _schema_size(schema: Any) -> int:
    return 0 if schema is None else _size(json.dumps(schema, ensure_ascii=False))


def _any_size(system: Any) -> int:
    if system is None:
        return 0
    if isinstance(system, str):
        return _size(system)
    if isinstance(system, list):
        return sum(map(_item_size, system))
    return len(gojson.dumps(gojson.as_float64(system)))


def _item_size(item: Any) -> int:
    try:
        return _block_size(read_block(item)) if isinstance(item, dict) else 0
    except ValueError:
        return 0


def _block_size(block: ContentBlock) -> int:
    size = _size(block.text or "") + _size(block.thinking or "")
    return size + (_json_size(block) if block.type in _COUNTED_WHOLE else 0)


def _json_size(block: ContentBlock) -> int:
    """Bytes of a block as JSON without what it does not have."""
    fields = {each.name: getattr(block, each.name) for each in dataclasses.fields(block)}
    if block.source is not None:
        fields["source"] = {key: text for key, text in _source(block).items() if text}
    present = {
        name: value
        for name, value in fields.items()
        if name in _ALWAYS or (value is not None and value != "" and value is not False)
    }
    return len(gojson.dumps(gojson.as_float64(present)))


def _source(block: ContentBlock) -> dict[str, str]:
    return dataclasses.asdict(block.source) if block.source else {}
