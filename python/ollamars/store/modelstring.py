"""The Modelfile of a stored model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ollamars.store.gotext import format_value
from ollamars.store.modelfile import Command, Modelfile
from ollamars.store.models import StoredModel


def model_string(model: StoredModel, *, template: str | None, params: Mapping[str, Any]) -> str:
    """The text from which the model could be made again, without the comment on top.

    `template` is the one to show, a default where the model has none of its own; `params` the
    parameters to show, sorted by name here.
    """
    return str(Modelfile(tuple(_commands(model, template, params))))


def _commands(
    model: StoredModel, template: str | None, params: Mapping[str, Any]
) -> Iterator[Command]:
    yield Command("model", str(model.model_path or ""))
    for path in model.adapter_paths:
        yield Command("adapter", str(path))
    if model.draft_path is not None:
        yield Command("draft", str(model.draft_path))
    for path in model.projector_paths:
        yield Command("model", str(path))
    if template is not None:
        yield Command("template", template)
    optional = {"system": model.system}
    optional |= {key: model.config.get(key, "") for key in ("renderer", "parser")}
    for name, value in optional.items():
        if value:
            yield Command(name, value)
    for name, value in sorted(params.items()):
        for item in value if isinstance(value, list) else [value]:
            yield Command(name, format_value(item))
    for text in model.licenses:
        yield Command("license", text)
    for message in model.messages:
        yield Command("message", f"{message.get('role', '')}: {message.get('content', '')}")
