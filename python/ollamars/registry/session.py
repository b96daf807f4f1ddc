"""Requests to one registry: its token, redirects, and errors in Ollama's words."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any

import httpx
import trio

from ollamars.registry.challenge import Challenge, signed_text
from ollamars.registry.client import MAX_REDIRECTS, user_agent
from ollamars.registry.errors import (
    NotInRegistry,
    RegistryError,
    RegistryStatus,
    Unauthorized,
    transport_error,
)
from ollamars.registry.keys import Keys
from ollamars.registry.timing import Timing
from ollamars.store.gosyntax import SyntaxFault, only_value

MAX_BODY = 4 << 20
"""Bytes of the largest manifest or token: a registry must not fill the memory."""
MAX_ERROR = 16 << 10
"""Bytes of an error's text that are shown."""
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_UPLOAD_HEADERS = ("Docker-Upload-Location", "Location")
_TOKEN_PATIENCE = 2
"""How often a request may be answered with 401."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was read, or at whose body nobody looked."""

    status: int
    url: httpx.URL
    """Of the request that was answered in the end."""
    headers: httpx.Headers
    body: bytes
    reason: str = ""
    """What the status is called."""

    @property
    def text(self) -> str:
        """The body as text, cut where it is long."""
        return self.body[:MAX_ERROR].decode("utf-8", "replace")

    @property
    def location(self) -> httpx.URL | None:
        """The header `Location` as a whole URL. Raises `RegistryError`."""
        place = self.headers.get("Location")
        return self.join(place) if place else None

    def join(self, place: str) -> httpx.URL:
        """A place that the answer names, as a whole URL. Raises `RegistryError`."""
        try:
            return self.url.join(place)
        except httpx.InvalidURL as error:
            raise RegistryError(f'parse "{place}": {error}') from None

    @property
    def length(self) -> int:
        """The header `Content-Length`; 0 where there is none."""
        text = self.headers.get("Content-Length", "")
        return int(text) if _NUMBER.fullmatch(text) else 0

    def check(self) -> Answer:
        """The answer itself. Raises `RegistryStatus` for an error."""
        if self.status == HTTPStatus.NOT_FOUND:
            raise NotInRegistry(self.text)
        if self.status >= HTTPStatus.BAD_REQUEST:
            raise RegistryStatus(self.status, self.text)
        return self


@dataclass(frozen=True, slots=True)
class Place:
    """Where the content of a blob can be had."""

    url: httpx.URL
    authorized: bool
    """Is it the registry itself, which wants its token?"""


class Session:
    """One pull's or push's requests; keeps the token."""

    def __init__(self, client: httpx.AsyncClient, keys: Keys, base: str, timing: Timing) -> None:
        """`base` is the registry, `https://host`."""
        self.client = client
        self.timing = timing
        self._keys = keys
        self._base_text = base
        self._token = ""
        self.agent = {"User-Agent": user_agent()}
        """The header that says who asks."""

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        patient: bool = False,
    ) -> Answer:
        """Ask the registry; fetches a token where it wants one.

        `patient`: wait for the answer for ever, for it takes long to make. Raises
        `NotInRegistry` and other `RegistryError`s.
        """
        timeout = self.timeout(None if patient else self.timing.answer)
        for _ in range(_TOKEN_PATIENCE):
            request = self._request(method, url, headers, content, timeout)
            answer = await self._send(request, url)
            if answer.status != HTTPStatus.UNAUTHORIZED:
                return answer.check()
            await self.renew_token(answer.headers, url)
        raise Unauthorized

    async def locate(self, url: str) -> Place:
        """Where the content of the blob at `url` is. Raises `RegistryError`."""
        for _ in range(_TOKEN_PATIENCE):
            request = self._request("GET", url, None, b"", self.timeout(self.timing.answer))
            answer = await self._send(request, url, to_content=True)
            if answer.status != HTTPStatus.UNAUTHORIZED:
                found = answer.check().location or answer.url
                direct = found == answer.url and self.is_registry(found)
                return Place(found, authorized=direct)
            await self.renew_token(answer.headers, url)
        raise Unauthorized

    async def renew_token(self, headers: httpx.Headers, url: str) -> None:
        """Get a token, as an answer with status 401 to a request of `url` asks for.

        Raises `OllamarsError`.
        """
        challenge = Challenge.parse(headers.get("WWW-Authenticate", ""))
        token_url = str(
            httpx.URL(challenge.token_url(url, now=int(time.time()), nonce=secrets.token_bytes(16)))
        )
        self._refuse_plain(httpx.URL(token_url))
        signature = await trio.to_thread.run_sync(self._keys.sign, signed_text(token_url))
        request = self.client.build_request(
            "GET", token_url, headers=self.agent | {"Authorization": signature}
        )
        answer = await self._send(request, token_url)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            message = f"{answer.status}: {answer.text}" if answer.body else str(answer.status)
            raise RegistryStatus(answer.status, answer.text, message)
        self._token = _token(answer.body)

    @asynccontextmanager
    async def content(self, place: Place, first: int, last: int) -> AsyncIterator[httpx.Response]:
        """The answer to a request for bytes `first` to `last` of a blob, not read yet.

        A silence of `timing.stall` seconds raises `httpx.ReadTimeout`.
        """
        headers = {"Range": f"bytes={first}-{last}"} | self.authorization(place.url)
        if not place.authorized:
            headers.pop("Authorization", None)
        request = self.client.build_request(
            "GET", place.url, headers=headers, timeout=self.timeout(self.timing.stall)
        )
        response = await self.client.send(request, stream=True, follow_redirects=True)
        try:
            yield response
        finally:
            with trio.CancelScope(shield=True):
                await response.aclose()

    @cached_property
    def _base(self) -> httpx.URL:
        """The registry; it is looked at when a URL in it was found to be one."""
        return httpx.URL(self._base_text)

    def is_registry(self, url: httpx.URL) -> bool:
        """Does a URL belong to the registry itself?"""
        return _origin(url) == _origin(self._base)

    def authorization(self, url: httpx.URL) -> dict[str, str]:
        """The token as a header, for the registry alone."""
        mine = self._token and self.is_registry(url)
        return {"Authorization": f"Bearer {self._token}"} if mine else {}

    def upload_url(self, answer: Answer, names: Sequence[str] = _UPLOAD_HEADERS) -> str:
        """Where an upload goes on, as the first of these headers says. Raises `RegistryError`."""
        place = next(filter(None, map(answer.headers.get, names)), "")
        if not place:
            raise RegistryError("the registry does not say where to upload to")
        url = answer.join(place)
        self._refuse_plain(url)
        return str(url)

    def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        content: bytes,
        timeout: httpx.Timeout,
    ) -> httpx.Request:
        try:
            target = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise RegistryError(f'parse "{url}": {error}') from None
        return self.client.build_request(
            method,
            target,
            headers=self.agent | dict(headers or {}) | self.authorization(target),
            content=content,
            timeout=timeout,
        )

    async def _send(self, request: httpx.Request, url: str, *, to_content: bool = False) -> Answer:
        """Send and follow redirects; with `to_content` only while they stay on the host.

        There, an answer with content is not read.
        """
        host = request.url.host
        for _ in range(MAX_REDIRECTS):
            response = await self._try(request)
            try:
                following = response.next_request
                if following is None or (to_content and following.url.host != host):
                    skip = to_content and response.status_code < HTTPStatus.BAD_REQUEST
                    body = b"" if skip else await self._read(response)
                    return _answer(response, body)
            except httpx.HTTPError as error:
                raise transport_error(request.method, request.url, error) from error
            finally:
                with trio.CancelScope(shield=True):
                    await response.aclose()
            if not to_content:
                self._refuse_plain(following.url)
            request = following
        raise RegistryError(f'{request.method.capitalize()} "{url}": stopped after 10 redirects')

    async def once(self, request: httpx.Request) -> Answer:
        """Send a request as it is and read the answer, whatever it says. Raises `RegistryError`."""
        response = await self._try(request)
        try:
            return _answer(response, await self._read(response))
        except httpx.HTTPError as error:
            raise transport_error(request.method, request.url, error) from error
        finally:
            with trio.CancelScope(shield=True):
                await response.aclose()

    async def _try(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self.client.send(request, stream=True, follow_redirects=False)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise transport_error(request.method, request.url, error) from error

    async def _read(self, response: httpx.Response) -> bytes:
        """The body; of an error only its beginning. Raises `RegistryError` for one too large."""
        body = bytearray()
        async for piece in response.aiter_raw():
            body += piece
            if response.is_error and len(body) > MAX_ERROR:
                break
            if len(body) > MAX_BODY:
                raise RegistryError(f"{response.url} answers with more than {MAX_BODY} bytes")
        return bytes(body)

    def _refuse_plain(self, url: httpx.URL) -> None:
        """What nothing else protects must not leave TLS. Raises `RegistryError`."""
        if self._base.scheme == "https" and url.scheme != "https":
            raise RegistryError(f"{self._base.host} refers to {url}, which is not https")

    def timeout(self, read: float | None) -> httpx.Timeout:
        """Time limits of a request; `read` seconds without a byte of the answer, None: for ever."""
        return httpx.Timeout(read, connect=self.timing.connect, write=self.timing.stall, pool=None)


def _answer(response: httpx.Response, body: bytes) -> Answer:
    return Answer(
        response.status_code, response.url, response.headers, body, response.reason_phrase
    )


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _token(body: bytes) -> str:
    """The token in an answer; empty where there is none. Raises `RegistryError`."""
    try:
        value: Any = only_value(body)
    except SyntaxFault as fault:
        raise RegistryError(str(fault)) from None
    token = value.get("token") if isinstance(value, dict) else None
    return token if isinstance(token, str) and token.isprintable() else ""
