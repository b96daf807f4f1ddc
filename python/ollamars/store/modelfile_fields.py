"""What the commands of a Modelfile set in a create request, but for those that name files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ollamars.errors import BadRequest
from ollamars.store.modelfile import Command
from ollamars.store.params import DEPRECATED_PARAMETERS, format_params

_NUMBER = r"(0|[1-9]\d*)"
_IDENTIFIERS = r"[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*"
_SEMVER = re.compile(
    rf"v?{_NUMBER}(\.{_NUMBER}(\.{_NUMBER}(?P<pre>-{_IDENTIFIERS})?(\+{_IDENTIFIERS})?)?)?",
    re.ASCII,
)


def add_command(body: dict[str, Any], command: Command, warn: Callable[[str], object]) -> None:
    """Take a command into the fields of a request; deprecated parameters are warned about.

    Raises `BadRequest` with Ollama's text.
    """
    handler = _HANDLERS.get(command.name)
    if handler is not None:
        handler(body, command)
    elif command.name in DEPRECATED_PARAMETERS:
        warn(f"warning: parameter {command.name} is deprecated")
    else:
        _parameter(body, command)


def _text(body: dict[str, Any], command: Command) -> None:
    if command.args:
        body[command.name] = command.args
    else:
        body.pop(command.name, None)


def _license(body: dict[str, Any], command: Command) -> None:
    body.setdefault("license", []).append(command.args)


def _requires(body: dict[str, Any], command: Command) -> None:
    if not is_semver(command.args):
        raise BadRequest("requires must be a valid semver (e.g. 0.14.0)")
    body["requires"] = command.args.removeprefix("v")


def _message(body: dict[str, Any], command: Command) -> None:
    role, _, content = command.args.partition(": ")
    body.setdefault("messages", []).append({"role": role, "content": content})


def _parameter(body: dict[str, Any], command: Command) -> None:
    parameters = body.setdefault("parameters", {})
    for name, value in format_params({command.name: [command.args]}).items():
        if isinstance(value, list):
            value = [*parameters.get(name, []), *value]
        parameters[name] = value


def is_semver(text: str) -> bool:
    """Is it a semantic version, with or without `v`, of one to three numbers?"""
    match = _SEMVER.fullmatch(text)
    if match is None:
        return False
    parts = (match["pre"] or "")[1:].split(".")
    return not any(part.isdigit() and len(part) > 1 and part[0] == "0" for part in parts)


_HANDLERS: Mapping[str, Callable[[dict[str, Any], Command], None]] = {
    "template": _text,
    "system": _text,
    "renderer": _text,
    "parser": _text,
    "license": _license,
    "requires": _requires,
    "message": _message,
}
"""Commands that are no parameters."""
