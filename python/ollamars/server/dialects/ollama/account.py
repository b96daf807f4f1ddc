"""`POST /api/me`, `POST /api/signout`: who is signed in at ollama.com, and an end of that."""

from __future__ import annotations

from quart import Blueprint, Response

from ollamars.errors import OllamarsError
from ollamars.server.context import current_context
from ollamars.server.responses import json_response

blueprint = Blueprint("account", __name__)


@blueprint.route("/api/me", methods=["POST"])
async def me() -> Response:
    """The account; 401 says where one signs in. The body is not read."""
    from ollamars.registry.account import NotSignedIn

    transfers = await current_context().transfers.get()
    try:
        return json_response(await transfers.account.me())
    except NotSignedIn as error:
        body = {"error": error.message, "signin_url": error.signin_url}
        return json_response(body, error.status)


@blueprint.route("/api/signout", methods=["POST"])
async def signout() -> Response:
    """Signs this machine out; `null`."""
    return await _signed_out()


@blueprint.route("/api/user/keys/<_key>", methods=["DELETE"])
async def delete_key(_key: str) -> Response:
    """What older clients call to sign this machine out, whatever the key says."""
    return await _signed_out()


async def _signed_out() -> Response:
    from ollamars.registry.account import NotSignedIn

    transfers = await current_context().transfers.get()
    try:
        await transfers.account.sign_out()
    except NotSignedIn as error:
        raise OllamarsError("you are not currently signed in", status=error.status) from None
    return json_response(None)
