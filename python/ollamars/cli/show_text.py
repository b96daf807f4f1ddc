"""The text of `ollamars show`: sections of small tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ollamars.cli.format import human_number
from ollamars.cli.tables import DEFAULT_WRAP, table
from ollamars.cli.width import display_width
from ollamars.store.gotext import format_float

_Response = Mapping[str, Any]
_Rows = list[list[str]]
_TEXT_WRAP = 100
_LIST_WIDTH = 10
_TEXT_LINES = 2


def show_text(response: _Response, *, verbose: bool) -> str:
    """The sections of a model that `POST /api/show` describes, a blank line after each."""
    out = []
    for title, rows_of, wrap, only_verbose in _SECTIONS:
        rows = rows_of(response) if verbose or not only_verbose else []
        if rows:
            body = table([["", *row] for row in rows], wrap=wrap)
            out.append(f"  {title}\n{body}\n")
    return "".join(out)


def _model(response: _Response) -> _Rows:
    details = response.get("details") or {}
    rows = []
    if response.get("remote_host"):
        rows.append(["Remote model", response.get("remote_model") or ""])
        rows.append(["Remote URL", response["remote_host"]])
    info = response.get("model_info")
    if info is None:
        rows.append(["architecture", details.get("family") or ""])
        rows.append(["parameters", details.get("parameter_size") or ""])
    else:
        rows.extend(_model_info(info, details))
    rows.append(["quantization", details.get("quantization_level") or ""])
    if response.get("requires"):
        rows.append(["requires", response["requires"]])
    return rows


def _model_info(info: Mapping[str, Any], details: Mapping[str, Any]) -> _Rows:
    architecture = _text(info.get("general.architecture"))
    rows = [["architecture", architecture]] if architecture else []
    size = details.get("parameter_size") or _count(info.get("general.parameter_count"))
    if size:
        rows.append(["parameters", size])
    for title, key in (
        ("context length", "context_length"),
        ("embedding length", "embedding_length"),
    ):
        rows.extend(_number_row(title, info.get(f"{architecture}.{key}")))
    return rows


def _projector(response: _Response) -> _Rows:
    info = response.get("projector_info")
    if info is None:
        return []
    architecture = _text(info.get("general.architecture"))
    rows = [["architecture", architecture]]
    count = _count(info.get("general.parameter_count"))
    if count:
        rows.append(["parameters", count])
    for title, key in (("embedding length", "embedding_length"), ("dimensions", "projection_dim")):
        kinds = (f"{architecture}.vision.{key}", f"{architecture}.audio.{key}")
        found = next((info[kind] for kind in kinds if kind in info), None)
        rows.extend(_number_row(title, found))
    return rows


def _capabilities(response: _Response) -> _Rows:
    return [[capability] for capability in response.get("capabilities") or []]


def _parameters(response: _Response) -> _Rows:
    lines = (response.get("parameters") or "").splitlines()
    return [line.split() for line in lines if line.strip()]


def _metadata(response: _Response) -> _Rows:
    info = response.get("model_info") or {}
    return [[key, _metadata_value(info[key])] for key in sorted(info)]


def _tensors(response: _Response) -> _Rows:
    return [
        [tensor["name"], tensor["type"], f"[{' '.join(map(str, tensor['shape']))}]"]
        for tensor in response.get("tensors") or []
    ]


def _system(response: _Response) -> _Rows:
    return _first_lines(response.get("system") or "")


def _license(response: _Response) -> _Rows:
    return _first_lines(response.get("license") or "")


_SECTIONS: Sequence[tuple[str, Callable[[_Response], _Rows], int, bool]] = (
    ("Model", _model, DEFAULT_WRAP, False),
    ("Capabilities", _capabilities, DEFAULT_WRAP, False),
    ("Projector", _projector, DEFAULT_WRAP, False),
    ("Parameters", _parameters, DEFAULT_WRAP, False),
    ("Metadata", _metadata, DEFAULT_WRAP, True),
    ("Tensors", _tensors, DEFAULT_WRAP, True),
    ("System", _system, _TEXT_WRAP, False),
    ("License", _license, _TEXT_WRAP, False),
)
"""Title, rows, columns at which cells wrap, and whether it is shown with `--verbose` only."""


def _first_lines(text: str) -> _Rows:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    more = [["..."]] if len(lines) > _TEXT_LINES else []
    return [[line] for line in lines[:_TEXT_LINES]] + more


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _count(value: Any) -> str:
    return human_number(int(value)) if _is_number(value) else ""


def _number_row(title: str, value: Any) -> _Rows:
    return [[title, format_float(float(value), low=-400, high=400)]] if _is_number(value) else []


def _metadata_value(value: Any) -> str:
    if isinstance(value, list):
        return _list_value(value)
    if isinstance(value, dict):
        return "map[string]interface {}"
    return _plain_value(value)


def _plain_value(value: Any) -> str:
    """A value inside or outside a list, as Go's `%v` prints decoded JSON."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return format_float(float(value))
    if isinstance(value, list):
        return f"[{' '.join(map(_plain_value, value))}]"
    if isinstance(value, dict):
        pairs = (f"{key}:{_plain_value(value[key])}" for key in sorted(value))
        return f"map[{' '.join(pairs)}]"
    return str(value)


def _list_value(items: list[Any]) -> str:
    """The first items, about ten cells of them, and how many more there are."""
    shown: list[str] = []
    width = 1
    for item in items:
        text = _plain_value(item)
        width += display_width(text) + (2 if shown else 0)
        if shown and width > _LIST_WIDTH:
            break
        shown.append(text)
    left = len(items) - len(shown)
    return f"[{' '.join(shown)}" + (f" ...+{left} more]" if left else "]")
