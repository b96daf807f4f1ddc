"""`GET /v1/models` and `/v1/models/{id}`: the stored models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from quart import Response

from ollamars.server.context import current_context
from ollamars.server.dialects.openai.errors import v1_blueprint
from ollamars.server.dialects.openai.request import refuse_cloud
from ollamars.server.responses import PLAIN_JSON, json_response
from ollamars.server.served import NO_DETAILS, find_stored
from ollamars.server.threads import in_thread
from ollamars.store.names import Name
from ollamars.store.store import Store

blueprint = v1_blueprint("models", __name__)

_SECOND = 10**9
"""In nanoseconds."""


@blueprint.route("/v1/models", methods=["GET"])
async def models() -> Response:
    """All models, the last modified first."""
    found = await in_thread(_all, current_context().store)
    data = [_model(name.short, name, modified) for name, modified in found]
    return json_response({"object": "list", "data": data}, content_type=PLAIN_JSON)


@blueprint.route("/v1/models/<wanted>", methods=["GET"])
async def model(wanted: str) -> Response:
    """One model, under the name that was asked for."""
    refuse_cloud(wanted, NO_DETAILS)
    stored = await find_stored(current_context(), wanted)
    answer = _model(wanted, stored.name, stored.modified_ns)
    return json_response(answer, content_type=PLAIN_JSON)


def _all(store: Store) -> Iterable[tuple[Name, int]]:
    """Names and times of change (ns since 1970); blocks."""
    found = [(name, manifest.modified_ns) for name, manifest in store.list().items()]
    return sorted(found, key=lambda each: -(each[1] // _SECOND))


def _model(id: str, name: Name, modified_ns: int) -> dict[str, Any]:
    return {
        "id": id,
        "object": "model",
        "created": modified_ns // _SECOND,
        "owned_by": name.namespace,
    }
