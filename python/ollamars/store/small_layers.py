"""The small layers of a model that is being created: template, system, license, and so on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ollamars.errors import BadRequest, OllamarsError, StoreError
from ollamars.store import gojson
from ollamars.store.create_parts import Part
from ollamars.store.gosyntax import SyntaxFault, first_value

_GO_KINDS = {dict: "object", list: "array", str: "string", bool: "bool"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallLayers:
    """What the request says; empty means not given."""

    template: str
    system: str
    license: Any
    parameters: dict[str, Any]
    messages: list[dict[str, Any]]


def add_small_layers(
    parts: list[Part],
    small: SmallLayers,
    check_template: Callable[[str], None],
    read_blob: Callable[[str], bytes],
) -> None:
    """Replace or append layers of `parts`. `read_blob` reads a blob by its digest.

    Raises `BadRequest` (template), `StoreError` (license, damaged parameters of the base).
    """
    if small.template:
        try:
            check_template(small.template)
        except OllamarsError as error:
            raise BadRequest(f"template error: {error.message}") from error
        _replace(parts, "template", small.template.encode("utf-8", "replace"))
    if small.system:
        _replace(parts, "system", small.system.encode("utf-8", "replace"))
    for text in licenses(small.license):
        parts.append(Part(kind="license", data=text.encode("utf-8", "replace")))
    parameters = _merged(parts, small.parameters, read_blob)
    if parameters:
        _replace(parts, "params", gojson.dumps(parameters, sort_keys=True) + b"\n")
    if small.messages:
        messages = [message_json(message) for message in small.messages]
        _replace(parts, "messages", gojson.dumps(messages) + b"\n")


def _replace(parts: list[Part], kind: str, data: bytes) -> None:
    parts[:] = [part for part in parts if part.kind != kind]
    parts.append(Part(kind=kind, data=data))


def licenses(value: Any) -> list[str]:
    """The texts of `license`: one, or a list. Raises `StoreError` for other types."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        raise _wrong_type(value, "[]string")
    for item in value:
        if item is not None and not isinstance(item, str):
            raise _wrong_type(item, "string")
    return [item or "" for item in value]


def _wrong_type(value: Any, wanted: str) -> StoreError:
    found = _GO_KINDS.get(type(value), "number")
    return StoreError(f"json: cannot unmarshal {found} into Go value of type {wanted}")


def _merged(
    parts: list[Part], parameters: dict[str, Any], read_blob: Callable[[str], bytes]
) -> dict[str, Any]:
    """The request's parameters, and those of the base that it does not set."""
    merged = dict(parameters)
    for part in parts:
        if part.kind != "params":
            continue
        data = part.data if part.data is not None else read_blob(part.digest)
        try:
            base = first_value(data)
        except SyntaxFault as fault:
            raise StoreError(str(fault)) from None
        if isinstance(base, dict):
            merged = base | merged
    result: dict[str, Any] = gojson.as_float64(merged)
    return result


def message_json(message: dict[str, Any]) -> dict[str, Any]:
    """A message as it is stored: keys in Ollama's order, empty ones left out."""
    stored = {
        "role": (message.get("role") or "").lower(),
        "content": message.get("content") or "",
        "thinking": message.get("thinking"),
        "images": message.get("images"),
        "tool_calls": [_tool_call_json(call) for call in message.get("tool_calls") or []],
        "tool_name": message.get("tool_name"),
        "tool_call_id": message.get("tool_call_id"),
    }
    always = ("role", "content")
    return {key: value for key, value in stored.items() if value or key in always}


def _tool_call_json(call: dict[str, Any]) -> dict[str, Any]:
    function = call.get("function") or {}
    stored: dict[str, Any] = {"id": call["id"]} if call.get("id") else {}
    stored["function"] = {
        "index": function.get("index") or 0,
        "name": function.get("name") or "",
        "arguments": gojson.as_float64(function.get("arguments")),
    }
    return stored
