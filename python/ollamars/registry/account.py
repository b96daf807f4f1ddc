"""The user's account at ollama.com, which the key pair of this machine stands for."""

from __future__ import annotations

import base64
import socket
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import httpx
import trio

from ollamars.errors import OllamarsError
from ollamars.registry.client import user_agent
from ollamars.registry.keys import Keys

HOST: Final = "https://ollama.com"
_FIELDS: Final = ("id", "email", "name", "bio", "avatarurl", "firstname", "lastname", "plan")
_ALWAYS: Final = ("id", "email", "name")
_NOBODY: Final = "00000000-0000-0000-0000-000000000000"


class NotSignedIn(OllamarsError):
    """Nobody is signed in on this machine."""

    status = HTTPStatus.UNAUTHORIZED

    def __init__(self, signin_url: str) -> None:
        super().__init__("unauthorized")
        self.signin_url = signin_url
        """Where one signs in."""


class AccountUnavailable(OllamarsError):
    """The account cannot be asked."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class Account:
    """Requests to the service that knows the account."""

    def __init__(
        self,
        keys: Keys,
        client: httpx.AsyncClient,
        *,
        host: str = HOST,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._client = client
        self._host = host
        self._clock = clock

    async def me(self) -> dict[str, Any]:
        """Who is signed in: `name`, `email`, `plan` and others.

        Raises `NotSignedIn`, `AccountUnavailable`, and `OllamarsError` without a key pair.
        """
        answer = await self._ask("POST", "/api/me")
        if answer is not None and answer.status_code == HTTPStatus.UNAUTHORIZED:
            raise NotSignedIn(_member(answer, "signin_url") or await self._signin_url())
        if answer is None or answer.is_error:
            raise AccountUnavailable("account unavailable")
        if not _member(answer, "name"):
            raise NotSignedIn(await self._signin_url())
        account = {"id": _NOBODY, **{name: _member(answer, name) for name in _FIELDS}}
        account["id"] = account["id"] or _NOBODY
        account["plan"] = account["plan"].strip() or "free"
        return {name: account[name] for name in _FIELDS if account[name] or name in _ALWAYS}

    async def sign_out(self) -> None:
        """Take this machine's key from the account. Raises `NotSignedIn`, `OllamarsError`."""
        key = _encoded(await self._public_key("there was an error signing out"))
        answer = await self._ask("DELETE", f"/api/user/keys/{key}")
        if answer is not None and answer.status_code == HTTPStatus.UNAUTHORIZED:
            raise NotSignedIn("")
        if answer is None or answer.is_error:
            raise OllamarsError("there was an error signing out")

    async def _ask(self, method: str, path: str) -> httpx.Response | None:
        """The answer to a signed request; None where there is none."""
        target = f"{path}?ts={int(self._clock())}"
        try:
            signed = await trio.to_thread.run_sync(self._keys.sign, f"{method},{target}".encode())
            headers = {
                "Accept": "application/json",
                "Authorization": signed,
                "Content-Type": "application/json",
                "User-Agent": user_agent(),
            }
            return await self._client.request(method, self._host + target, headers=headers)
        except (httpx.HTTPError, OllamarsError):
            return None

    async def _signin_url(self) -> str:
        key = _encoded(await self._public_key("error getting authorization details"))
        return f"{self._host}/connect?name={quote(socket.gethostname(), safe='')}&key={key}"

    async def _public_key(self, failure: str) -> str:
        try:
            return await trio.to_thread.run_sync(self._keys.public)
        except OllamarsError:
            raise OllamarsError(failure) from None


def _encoded(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _member(answer: httpx.Response, name: str) -> str:
    """A text in the object of an answer; empty where there is none."""
    try:
        value = answer.json()
    except ValueError:
        return ""
    text = value.get(name) if isinstance(value, dict) else None
    return text if isinstance(text, str) else ""
