"""`GET /api/ps`: the loaded models."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response, request

from ollamars.runtime.loaded import LoadedModel
from ollamars.server.context import current_context
from ollamars.server.dialects.ollama.details import details
from ollamars.server.responses import json_response
from ollamars.store.gotime import format_time

blueprint = Blueprint("ps", __name__)


@blueprint.route("/api/ps", methods=["GET"])
async def ps() -> Response:
    """The loaded models, the one that stays longest first; `?verbose=true`: with what runs them."""
    loaded = current_context().runtime.models()
    models = [_entry(each) for each in loaded]
    if request.args.get("verbose") == "true":
        for entry, each in zip(models, loaded, strict=True):
            entry["executor"] = each.engine.exec
    return json_response({"models": models})


def _entry(loaded: LoadedModel) -> dict[str, Any]:
    model, engine = loaded.model, loaded.engine
    return {
        "name": model.name.short,
        "model": model.name.short,
        "size": engine.memory,
        "digest": model.digest,
        "details": details(model),
        "expires_at": format_time(loaded.expires_at),
        "size_vram": 0 if engine.exec.endswith("cpu") else engine.memory,
        "context_length": loaded.settings.num_ctx,
    }
