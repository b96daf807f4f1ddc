"""Paths, CORS, Host and methods in the order that Ollama's server has."""

from __future__ import annotations

import pytest
import trio

from ollamars.config import DEFAULT_ORIGINS
from ollamars.server.compat import (
    clean_path,
    host_without_port,
    is_local_address,
    is_local_name,
    origin_allowed,
)
from tests.unit.server.conftest import Site


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost", True),
        ("https://127.0.0.1:8080", True),
        ("http://localhost:3000/", True),
        ("app://obsidian.md", True),
        ("vscode-webview://x", True),
        ("http://localhost.evil.test", False),
        ("http://[::1]", False),
        ("null", False),
        ("HTTP://localhost", False),
        ("http://example.com", False),
    ],
)
def test_origins(origin: str, allowed: bool) -> None:
    assert origin_allowed(origin, DEFAULT_ORIGINS) is allowed


def test_patterns_of_origins() -> None:
    assert origin_allowed("https://a.example.com", ["https://*.example.com"])
    assert not origin_allowed("https://example.com", ["https://*.example.com"])
    assert not origin_allowed("aa", ["a*aa"])
    assert origin_allowed("anything", ["*"])


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("localhost", "localhost"),
        ("localhost:1", "localhost"),
        ("[::1]:1", "::1"),
        ("[::1]", "[::1]"),
        ("::1", "::1"),
        ("", ""),
        ("a:b:c", "a:b:c"),
    ],
)
def test_host_header(header: str, host: str) -> None:
    assert host_without_port(header) == host


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "10.1.2.3", "192.168.0.1", "fd00::1"]
)
def test_local_addresses(host: str) -> None:
    assert is_local_address(host)


@pytest.mark.parametrize("host", ["8.8.8.8", "172.32.0.1", "2001:db8::1", "localhost", "[::1]", ""])
def test_other_hosts(host: str) -> None:
    assert not is_local_address(host)


def test_local_names() -> None:
    assert all(map(is_local_name, ["", "LOCALHOST", "a.localhost", "x.local", "y.internal"]))
    assert not any(map(is_local_name, ["localhost.com", "example.com", "local"]))


@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("/", "/"),
        ("/a/b", "/a/b"),
        ("/a/b/", "/a/b/"),
        ("//a", "/a"),
        ("/a//b", "/a/b"),
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/..", "/"),
        ("/a/..", "/"),
        ("", "/"),
    ],
)
def test_clean_path(path: str, clean: str) -> None:
    assert clean_path(path) == clean


async def raw(
    site: Site, method: str, path: str, host: str, origin: str = ""
) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of an answer, the path sent as it is."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"Origin: {origin}"] if origin else []
    async with await trio.open_tcp_stream("127.0.0.1", site.port) as stream:
        await stream.send_all("".join(line + "\r\n" for line in [*lines, ""]).encode())
        data = b"".join([piece async for piece in stream])
    head, _, body = data.decode().partition("\r\n\r\n")
    status, *headers = head.split("\r\n")
    pairs = [header.split(": ", 1) for header in headers]
    names = {name for name, _ in pairs}
    joined = {name: ", ".join(value for key, value in pairs if key == name) for name in names}
    return int(status.split(" ")[1]), joined, body


LOCAL, NAME = "127.0.0.1:1", "localhost:1"
GOOD, BAD = "http://localhost:3000", "http://example.com"
NOT_FOUND, WRONG_METHOD = "404 page not found", "405 method not allowed"
LINK = '<a href="/api/version">{}</a>.\n\n'


@pytest.mark.trio
@pytest.mark.parametrize(
    ("method", "path", "host", "origin", "status", "body", "headers"),
    [
        (
            "GET",
            "/",
            LOCAL,
            "",
            200,
            "Ollama is running",
            {"content-type": "text/plain; charset=utf-8"},
        ),
        ("HEAD", "/", LOCAL, "", 200, "", {"content-length": "17"}),
        (
            "GET",
            "/api/%76ersion",
            LOCAL,
            "",
            200,
            '{"version":"0.33.0"}',
            {"content-type": "application/json; charset=utf-8"},
        ),
        ("GET", "/nope", LOCAL, "", 404, NOT_FOUND, {"content-type": "text/plain"}),
        ("GET", "/API/version", LOCAL, "", 404, NOT_FOUND, {}),
        (
            "GET",
            "/api/generate",
            LOCAL,
            "",
            405,
            WRONG_METHOD,
            {"allow": "POST", "content-type": "text/plain"},
        ),
        ("POST", "/api/version", LOCAL, "", 405, WRONG_METHOD, {"allow": "HEAD, GET"}),
        ("HEAD", "/api/ps", LOCAL, "", 405, "", {"allow": "GET"}),
        (
            "GET",
            "/api//version",
            LOCAL,
            "",
            307,
            LINK.format("Temporary Redirect"),
            {"location": "/api/version", "content-type": "text/html; charset=utf-8"},
        ),
        ("POST", "/api/../api/version", LOCAL, "", 307, "", {"location": "/api/version"}),
        (
            "GET",
            "//api/version?a=1",
            LOCAL,
            BAD,
            307,
            LINK.replace("version", "version?a=1").format("Temporary Redirect"),
            {"location": "/api/version?a=1"},
        ),
        (
            "GET",
            "/api/version/",
            LOCAL,
            "",
            301,
            LINK.format("Moved Permanently"),
            {"location": "/api/version"},
        ),
        ("POST", "/api/generate/", LOCAL, "", 307, "", {"location": "/api/generate"}),
        ("POST", "/api/version/", LOCAL, "", 404, NOT_FOUND, {}),
        ("GET", "/api/version", LOCAL, BAD, 403, "", {}),
        ("GET", "/nope", LOCAL, BAD, 403, "", {}),
        ("GET", "/api/generate", LOCAL, BAD, 403, "", {"allow": "POST"}),
        (
            "GET",
            "/api/version",
            LOCAL,
            GOOD,
            200,
            '{"version":"0.33.0"}',
            {"access-control-allow-origin": GOOD, "vary": "Origin"},
        ),
        ("GET", "/nope", LOCAL, GOOD, 404, NOT_FOUND, {"access-control-allow-origin": GOOD}),
        ("GET", "/api/version", "example.com", "http://example.com", 403, "", {}),
        (
            "OPTIONS",
            "/api/generate",
            LOCAL,
            GOOD,
            204,
            "",
            {
                "allow": "POST",
                "access-control-allow-origin": GOOD,
                "access-control-max-age": "43200",
                "vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
            },
        ),
        ("OPTIONS", "/nope", LOCAL, GOOD, 204, "", {}),
        ("OPTIONS", "/api/generate", LOCAL, "", 405, WRONG_METHOD, {"allow": "POST"}),
        ("OPTIONS", "/api/generate", NAME, "", 204, "", {"allow": "POST"}),
        ("GET", "/api/version", "example.com", "", 403, "", {}),
        ("GET", "/api/version", "8.8.8.8", "", 403, "", {}),
        ("GET", "/api/version", "[::1]:1", "", 200, '{"version":"0.33.0"}', {}),
        ("GET", "/api/version", "x.internal:9", "", 200, '{"version":"0.33.0"}', {}),
        ("OPTIONS", "*", LOCAL, "", 200, "", {}),
        ("GET", "http://localhost/api/version", "example.com", "", 200, '{"version":"0.33.0"}', {}),
    ],
)
async def test_answers(
    site: Site,
    method: str,
    path: str,
    host: str,
    origin: str,
    status: int,
    body: str,
    headers: dict[str, str],
) -> None:
    answer = await raw(site, method, path, host, origin)
    assert answer[0] == status
    assert answer[2] == body
    assert {name: answer[1].get(name) for name in headers} == headers
    if not origin or status in (307, 301, 403):
        assert "access-control-allow-origin" not in answer[1]
    if status in (204, 403):
        assert "content-type" not in answer[1]


@pytest.mark.trio
async def test_a_malformed_host(site: Site) -> None:
    status, headers, body = await raw(site, "GET", "/", "a b")
    assert (status, body) == (400, "400 Bad Request: malformed Host header")
    assert headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.trio
async def test_status_lines_have_reasons(site: Site) -> None:
    async with await trio.open_tcp_stream("127.0.0.1", site.port) as stream:
        await stream.send_all(b"GET /nope HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 404 Not Found\r\n")
