"""Options, fields of requests, environment variables, names and values for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ollamars.cli import format as fmt
from ollamars.config import VARIABLES, Config
from ollamars.durations import format_duration
from ollamars.errors import BadRequest
from ollamars.runtime.options import Options, model_options
from ollamars.server.body import decode
from ollamars.server.fields import KeepAlive, Think
from ollamars.store.digests import blob_path
from ollamars.store.names import Name, is_valid_namespace, parse_ref
from ollamars.store.params import format_params
from tests.golden.data import Data

Given = dict[str, Any]
_NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_FIELDS = {row.name: row.field for row in VARIABLES}
_BY_DEFAULT = {"OLLAMA_FLASH_ATTENTION", "OLLAMA_GO_TEMPLATE", "OLLAMA_VULKAN"}


def options(given: Given, data: Data) -> Any:
    """Options from a request, from a model and a request, or from a Modelfile."""
    if given["kind"] == "format_params":
        return format_params(given["params"])
    environment = Config.from_env({"OLLAMA_CONTEXT_LENGTH": given.get("context_length_env", "")})
    if given["kind"] == "from_map":
        return asdict(Options(num_ctx=environment.context_length).with_map(given["options"]))
    merged = model_options(
        given["model"],
        given["options"],
        default_num_ctx=environment.context_length or given["default_num_ctx"],
        capabilities=given.get("capabilities", ["completion"]),
        draft=given.get("draft", False),
    )
    return asdict(merged)


@dataclass
class _Fields:
    keep_alive: KeepAlive | None = None
    think: Think | None = None


def _field(name: str, text: str) -> _Fields:
    """A body with one field, as a program reads it that has all of it.

    A server reads a stream, which has other words for a value that the end cuts off.
    """
    try:
        return decode(f'{{"{name}": {text}}}'.encode(), _Fields)
    except BadRequest as error:
        cut = error.message == "unexpected EOF"
        raise BadRequest("unexpected end of JSON input" if cut else error.message) from None


def keep_alive(given: Given, data: Data) -> Any:
    """The field `keep_alive` of a body."""
    ns = _field("keep_alive", given["json"]).keep_alive
    return None if ns is None else {"ns": ns, "json": format_duration(ns)}


def think(given: Given, data: Data) -> Any:
    """The field `think` of a body."""
    value = _field("think", given["json"]).think
    if value is None:
        return None
    level = value if isinstance(value, str) else "medium" if value else ""
    return {"bool": bool(value), "level": level, "json": value}


def env(given: Given, data: Data) -> Any:
    """What an environment variable says."""
    name, text = given["var"], given["value"]
    config = Config.from_env({"HOME": "/home/user"} | ({} if text is None else {name: text}))
    if name == "OLLAMA_HOST":
        host = config.host
        return {
            "scheme": host.scheme,
            "host": host.netloc,
            "path": host.path,
            "url": host.url,
            "client_url": host.client_url,
        }
    found = getattr(config, _FIELDS[name])
    if name in _BY_DEFAULT:
        return {
            "default_false": False if found is None else found,
            "default_true": True if found is None else found,
        }
    return list(found) if isinstance(found, tuple) else found


def _parts(name: Name) -> dict[str, str]:
    return {key: getattr(name, key) for key in ("host", "namespace", "model", "tag", "scheme")}


def name(given: Given, data: Data) -> Given:
    """A name of a model."""
    found = Name.parse(given["name"])
    out: Given = {
        "parts": _parts(found),
        "bare": _parts(Name.parse_bare(given["name"])),
        "valid": found.is_valid,
        "string": str(found),
        "short": found.short,
        "namespace_model": found.namespace_model,
        "base_url": found.base_url,
        "filepath": found.path if found.is_valid else None,
    }
    if "other" in given:
        out["equal_fold"] = found.same_as(Name.parse(given["other"]))
    return out


def name_path(given: Given, data: Data) -> Given:
    """The name that the path of a manifest stands for."""
    found = Name.from_path(given["path"])
    shown = found or Name()
    return {"parts": _parts(shown), "string": str(shown), "valid": found is not None}


def namespace(given: Given, data: Data) -> bool:
    """Is it a namespace?"""
    return is_valid_namespace(given["namespace"])


def digest(given: Given, data: Data) -> str:
    """The path of a blob."""
    return blob_path(given["digest"])


def model_ref(given: Given, data: Data) -> Given:
    """A reference to a model here or in the cloud."""
    found = parse_ref(given["name"], for_pull=given["pull"])
    return {"base": found.base, "name": str(found.name), "source": found.source}


def _in_words(moment: datetime | None, zero: str) -> list[str]:
    return [fmt.human_time(moment, _NOW, zero), fmt.human_time_lower(moment, _NOW, zero)]


_KINDS: dict[str, Callable[[int, str], Any]] = {
    "bytes": lambda value, _: fmt.human_bytes(value),
    "bytes2": lambda value, _: fmt.human_bytes_binary(value),
    "number": lambda value, _: fmt.human_number(value),
    "duration_ns": lambda value, _: fmt.human_duration(value),
    "go_duration_ns": lambda value, _: format_duration(value),
    "time_zero": lambda _, zero: _in_words(None, zero),
    "time_offset_ms": lambda value, zero: _in_words(_NOW + timedelta(milliseconds=value), zero),
}


def human(given: Given, data: Data) -> Any:
    """A value as people read it."""
    return _KINDS[given["kind"]](given["value"], given.get("zero", ""))
