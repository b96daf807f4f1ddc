"""The account at ollama.com, against a service that answers from a script."""

from __future__ import annotations

import base64
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from ollamars.errors import OllamarsError
from ollamars.registry.account import Account, AccountUnavailable, NotSignedIn
from ollamars.registry.keys import Keys
from ollamars.server.transfers import LazyTransfers
from tests.unit.server.conftest import Site
from tests.unit.server.conftest import site as site

pytestmark = pytest.mark.trio


class Service:
    """Answers every request alike and remembers them."""

    def __init__(self, home: Path, status: int = 200, body: Any = None) -> None:
        self.keys = Keys(str(home))
        self.line = self.keys.make() or self.keys.public()
        self.status, self.body = status, body
        self.requests: list[httpx.Request] = []

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.status == 0:
            raise httpx.ConnectError("refused")
        return httpx.Response(self.status, json=self.body)

    @property
    def account(self) -> Account:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        return Account(self.keys, client, clock=lambda: 1700000000.5)

    @property
    def signin_url(self) -> str:
        key = base64.urlsafe_b64encode(self.line.strip().encode()).decode().rstrip("=")
        return f"https://ollama.com/connect?name={socket.gethostname()}&key={key}"


async def test_requests_are_signed(tmp_path: Path) -> None:
    service = Service(tmp_path, body={"name": "me"})
    await service.account.me()
    [request] = service.requests
    assert str(request.url) == "https://ollama.com/api/me?ts=1700000000"
    public, signature = request.headers["Authorization"].split(":")
    assert public == service.line.split()[1]
    key: Any = load_ssh_public_key(f"ssh-ed25519 {public}".encode())
    key.verify(base64.b64decode(signature), b"POST,/api/me?ts=1700000000")


async def test_who_is_signed_in(tmp_path: Path) -> None:
    service = Service(tmp_path, body={"plan": " ", "name": "me", "email": "e", "more": 1})
    found = await service.account.me()
    assert list(found.items()) == [
        ("id", "00000000-0000-0000-0000-000000000000"),
        ("email", "e"),
        ("name", "me"),
        ("plan", "free"),
    ]


@pytest.mark.parametrize(
    ("status", "body", "url"),
    [
        (401, {"signin_url": "https://there"}, "https://there"),
        (401, None, None),
        (200, {"name": ""}, None),
        (200, None, None),
    ],
)
async def test_nobody_is_signed_in(tmp_path: Path, status: int, body: Any, url: str | None) -> None:
    service = Service(tmp_path, status, body)
    with pytest.raises(NotSignedIn) as error:
        await service.account.me()
    assert error.value.signin_url == (url or service.signin_url)


@pytest.mark.parametrize("status", [0, 403, 500])
async def test_a_service_that_cannot_be_asked(tmp_path: Path, status: int) -> None:
    service = Service(tmp_path, status)
    with pytest.raises(AccountUnavailable):
        await service.account.me()
    with pytest.raises(OllamarsError, match="there was an error signing out"):
        await service.account.sign_out()


async def test_without_a_key_pair(tmp_path: Path) -> None:
    service = Service(tmp_path, 401)
    service.keys.path.unlink()
    with pytest.raises(AccountUnavailable):
        await service.account.me()
    with pytest.raises(OllamarsError, match="signing out"):
        await service.account.sign_out()
    assert service.requests == []


async def test_signing_out(tmp_path: Path) -> None:
    service = Service(tmp_path)
    await service.account.sign_out()
    [request] = service.requests
    key = service.signin_url.partition("key=")[2]
    assert request.method == "DELETE"
    assert request.url.path == f"/api/user/keys/{key}"
    service.status = 401
    with pytest.raises(NotSignedIn):
        await service.account.sign_out()


async def test_routes(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(tmp_path / "home", body={"name": "me", "plan": "pro"})

    async def get(_self: LazyTransfers) -> Any:
        return SimpleNamespace(account=service.account)

    monkeypatch.setattr(LazyTransfers, "get", get)
    assert (await site.ask("POST", "/api/me")).json()["plan"] == "pro"
    for method, path in (("POST", "/api/signout"), ("DELETE", "/api/user/keys/abc")):
        answer = await site.ask(method, path)
        assert (answer.status_code, answer.text) == (200, "null")
    service.status, service.body = 401, None
    answer = await site.ask("POST", "/api/me")
    assert answer.status_code == 401
    assert answer.json() == {"error": "unauthorized", "signin_url": service.signin_url}
    answer = await site.ask("POST", "/api/signout")
    assert answer.status_code == 401
    assert answer.json() == {"error": "you are not currently signed in"}
    service.status = 0
    answer = await site.ask("POST", "/api/me")
    assert (answer.status_code, answer.json()) == (503, {"error": "account unavailable"})


async def test_services_that_are_not_to_be_had(site: Site) -> None:
    for name in ("search", "fetch"):
        path = f"/api/experimental/web_{name}"
        answer = await site.ask("POST", path, {"query": "x"})
        assert answer.status_code == 403
        message = f"ollama cloud is disabled: web {name} is unavailable"
        assert answer.json() == {"error": message}
        answer = await site.ask("POST", path, b" ")
        assert (answer.status_code, answer.json()) == (400, {"error": "missing request body"})
    answer = await site.ask("GET", "/api/experimental/model-recommendations")
    assert answer.json() == {"recommendations": []}
    answer = await site.ask("GET", "/api/status")
    assert answer.json() == {"cloud": {"disabled": True, "source": "env"}}
