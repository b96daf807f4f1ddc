"""Tokens, and what may leave https; answers come from a function instead of a network."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from ollamars.errors import OllamarsError
from ollamars.registry.challenge import Challenge
from ollamars.registry.errors import Unauthorized
from ollamars.registry.keys import Keys
from ollamars.registry.session import Session
from ollamars.registry.timing import Timing
from ollamars.registry.urls import Repository, with_query
from ollamars.store.names import Name

BASE = "https://reg.test"
MANIFEST = f"{BASE}/v2/ns/m/manifests/1"
CHALLENGE = 'Bearer realm="https://reg.test/token?a=b",service="reg",scope="x:pull,push y"'

Answers = Callable[[httpx.Request], httpx.Response]


def reply(status: int, body: bytes = b"", **headers: str) -> httpx.Response:
    """An answer whose body is not read yet, as one from a network."""

    async def pieces() -> AsyncIterator[bytes]:
        yield body

    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, content=pieces(), headers=named)


def session(home: Path, answers: Answers) -> Session:
    keys = Keys(str(home))
    keys.make()
    client = httpx.AsyncClient(transport=httpx.MockTransport(answers))
    return Session(client, keys, BASE, Timing())


async def test_a_token_is_asked_for_with_a_signature(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []

    def answers(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.url.path == "/token":
            return reply(200, b'{"token": "SECRET"}')
        if request.headers.get("Authorization") != "Bearer SECRET":
            return reply(401, WWW_Authenticate=CHALLENGE)
        return reply(200, b"ok")

    registry = session(tmp_path, answers)
    assert (await registry.call("GET", MANIFEST)).body == b"ok"
    await registry.call("GET", MANIFEST)
    assert [request.url.path for request in seen].count("/token") == 1
    asked = seen[1]
    fields = parse_qs(asked.url.query.decode())
    assert (fields["a"], fields["service"], fields["scope"]) == (
        ["b"],
        ["reg"],
        ["x:pull,push", "y"],
    )
    assert len(base64.urlsafe_b64decode(fields["nonce"][0] + "==")) == 16
    assert list(fields) == sorted(fields)
    check_signature(asked, tmp_path)


def check_signature(request: httpx.Request, home: Path) -> None:
    line = (home / ".ollama/id_ed25519.pub").read_bytes()
    public, signature = request.headers["Authorization"].split(":")
    assert line.split()[1].decode() == public
    empty = (
        "ZTNiMGM0NDI5OGZjMWMxNDlhZmJmNGM4OTk2ZmI5MjQyN2FlNDFlNDY0OWI5MzRjYTQ5NTk5MWI3ODUyYjg1NQ=="
    )
    key = load_ssh_public_key(line)
    signed = f"GET,{request.url},{empty}".encode()
    key.verify(base64.b64decode(signature), signed)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("token_answer", "message"),
    [
        ((500, b"boom"), "^500: boom$"),
        ((403, b""), "^403$"),
        ((200, b"hello"), "invalid character 'h' looking for"),
        ((200, b"{}"), "unauthorized: access denied"),
        ((200, b'{"token": "a\\nb"}'), "unauthorized: access denied"),
        ((200, b'{"token": "wrong"}'), "unauthorized: access denied"),
    ],
)
async def test_no_token(tmp_path: Path, token_answer: tuple[int, bytes], message: str) -> None:
    def answers(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return reply(*token_answer)
        return reply(401, WWW_Authenticate=CHALLENGE)

    with pytest.raises(OllamarsError, match=message):
        await session(tmp_path, answers).call("GET", MANIFEST)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", ""),
        ('Basic realm="x"', ""),
        ('Bearer realm="https://evil.test/token"', "evil.test"),
        ('Bearer realm="https://reg.test:8443/token"', "reg.test:8443"),
        ('Bearer realm="https://reg.test@evil.test/"', "reg.test@evil.test"),
        ('Bearer realm="https://[x/"', ""),
    ],
)
def test_a_signature_goes_to_the_registry_alone(header: str, found: str) -> None:
    message = f'realm host "{found}" does not match original host "reg.test"'
    with pytest.raises(OllamarsError, match=re.escape(message)):
        Challenge.parse(header).token_url(MANIFEST, now=0, nonce=b"")


async def test_a_missing_key_is_told(tmp_path: Path) -> None:
    def answers(request: httpx.Request) -> httpx.Response:
        return reply(401, WWW_Authenticate=CHALLENGE)

    registry = session(tmp_path, answers)
    (tmp_path / ".ollama/id_ed25519").unlink()
    with pytest.raises(OllamarsError, match=r"^open .*/id_ed25519: no such file or directory$"):
        await registry.call("GET", MANIFEST)
    (tmp_path / ".ollama/id_ed25519").write_text("nonsense")
    with pytest.raises(OllamarsError, match="id_ed25519: "):
        await registry.call("GET", MANIFEST)


async def test_a_manifest_does_not_leave_https(tmp_path: Path) -> None:
    def answers(request: httpx.Request) -> httpx.Response:
        return reply(302, Location="http://reg.test/m")

    with pytest.raises(OllamarsError, match=r"reg.test refers to http://reg.test/m, which is not"):
        await session(tmp_path, answers).call("GET", MANIFEST)


async def test_nor_does_a_signature(tmp_path: Path) -> None:
    def answers(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return reply(302, Location="http://reg.test/t")
        return reply(401, WWW_Authenticate=CHALLENGE)

    with pytest.raises(OllamarsError, match="which is not https"):
        await session(tmp_path, answers).call("GET", MANIFEST)


async def test_content_may_since_its_digest_is_known(tmp_path: Path) -> None:
    def answers(request: httpx.Request) -> httpx.Response:
        return reply(302, Location="http://cdn.test/b")

    place = await session(tmp_path, answers).locate(f"{BASE}/v2/ns/m/blobs/x")
    assert str(place.url) == "http://cdn.test/b"
    assert not place.authorized


@pytest.mark.parametrize("status", [200, 302])
@pytest.mark.parametrize("place", ["http://[x/", "ftp://reg.test/b", "http://a b/"])
async def test_a_place_that_is_none(tmp_path: Path, status: int, place: str) -> None:
    def answers(request: httpx.Request) -> httpx.Response:
        return reply(status, Location=place)

    registry = session(tmp_path, answers)
    with suppress(OllamarsError, httpx.HTTPError):
        found = await registry.locate(MANIFEST)
        async with registry.content(found, 0, 1):
            pass


def test_a_long_header_is_read_at_once() -> None:
    assert Challenge.parse("a" * 200_000).realm == ""


async def test_redirects_end(tmp_path: Path) -> None:
    def answers(request: httpx.Request) -> httpx.Response:
        return reply(302, Location=str(request.url) + "x")

    registry = session(tmp_path, answers)
    with pytest.raises(OllamarsError, match="stopped after 10 redirects"):
        await registry.call("GET", MANIFEST)
    with pytest.raises(OllamarsError, match="stopped after 10 redirects"):
        await registry.locate(MANIFEST)


async def test_a_second_refusal_is_final(tmp_path: Path) -> None:
    def answers(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return reply(200, b'{"token": "T"}')
        return reply(401, WWW_Authenticate=CHALLENGE)

    registry = session(tmp_path, answers)
    with pytest.raises(Unauthorized):
        await registry.call("GET", MANIFEST)
    with pytest.raises(Unauthorized):
        await registry.locate(MANIFEST)


def test_names_become_addresses() -> None:
    def place(text: str, *, insecure: bool = False) -> str:
        return Repository.of(Name.parse(text), insecure=insecure).manifest

    assert place("m") == "https://registry.ollama.ai/v2/library/m/manifests/latest"
    assert place("hf.co/User/Repo:Q4_K_M") == "https://hf.co/v2/User/Repo/manifests/Q4_K_M"
    assert place("http://h:5000/a/b") == "https://h:5000/v2/a/b/manifests/latest"
    assert place("https://h:5000/a/b:1", insecure=True) == "http://h:5000/v2/a/b/manifests/1"


def test_queries_are_sorted_and_encoded_as_forms() -> None:
    assert (
        with_query("http://h/p?z=1&a=", {"m": ["x y", "b/c"]}) == "http://h/p?a=&m=x+y&m=b%2Fc&z=1"
    )


def test_keys_are_made_once(tmp_path: Path) -> None:
    keys = Keys(str(tmp_path))
    public = keys.make()
    assert public is not None
    assert public.startswith("ssh-ed25519 AAAA")
    assert (tmp_path / ".ollama/id_ed25519.pub").read_text() == public + "\n"
    private = tmp_path / ".ollama/id_ed25519"
    assert private.read_text().startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    assert private.stat().st_mode & 0o777 == 0o600
    assert keys.make() is None
    assert len(list(private.parent.iterdir())) == 2
