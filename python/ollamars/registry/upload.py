"""One blob from the store to a registry, in parts."""

from __future__ import annotations

import hashlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

import httpx
import trio

from ollamars.errors import StoreError
from ollamars.registry.errors import RegistryError, RegistryStatus
from ollamars.registry.nursery import plain_nursery
from ollamars.registry.retries import retried
from ollamars.registry.session import Answer, Session
from ollamars.registry.threads import in_disk_thread
from ollamars.registry.urls import Repository, with_query
from ollamars.store.files import store_errors
from ollamars.store.manifests import Layer
from ollamars.store.names import Name
from ollamars.store.parts import Part, split

AT_ONCE = 16
"""Parts that are sent side by side, where the registry has them sent elsewhere."""
PIECE = 256 << 10
"""Bytes that are read at once."""
_OCTETS = {"Content-Type": "application/octet-stream"}


@dataclass(frozen=True, slots=True)
class _Sent:
    """A part that was sent, and what the registry says to it."""

    md5: bytes
    answer: Answer


class Upload:
    """Sends a blob that the registry does not have."""

    def __init__(self, session: Session, repository: Repository, layer: Layer, path: Path) -> None:
        self._session = session
        self._repository = repository
        self._layer = layer
        self.path = path
        """The blob's file."""
        self.total = layer.size
        """Bytes of the blob."""
        self.completed = 0
        """Bytes that were sent."""

    async def run(self) -> None:
        """Send it all, unless the registry takes it from a model that it has.

        Raises `OllamarsError`.
        """
        answer = await self._session.call("POST", self._uploads_url())
        if answer.status != HTTPStatus.CREATED:
            with store_errors("stat"):
                self.total = (await trio.Path(self.path).stat()).st_size
            sums, url = await self._send_parts(self._session.upload_url(answer))
            await self._commit(url, sums)
        self.completed = self.total

    def _uploads_url(self) -> str:
        source = self._layer.source
        name = Name.parse(source)
        if not source or not name.is_valid:
            return self._repository.uploads()
        return self._repository.uploads(mount=self._layer.digest, source=name.namespace_model)

    async def _send_parts(self, url: str) -> tuple[list[bytes], str]:
        """MD5 of each part, and the URL that ends the upload.

        A part learns from the one before it where it is to be sent, so they go one by one, unless
        the registry has their content sent elsewhere.
        """
        parts = split(self.total)
        sums = [b""] * len(parts)
        tell, told = trio.open_memory_channel[str](math.inf)
        tell.send_nowait(url)
        slots = trio.CapacityLimiter(AT_ONCE)

        async def send(part: Part, url: str) -> None:
            async with slots:
                sums[part.number] = await self._send_part(part, url, tell)

        async with plain_nursery() as nursery:
            for part in parts:
                nursery.start_soon(send, part, await told.receive())
        return sums, told.receive_nowait()

    async def _send_part(self, part: Part, url: str, tell: trio.MemorySendChannel[str]) -> bytes:
        """Send a part, tell where the next one goes; the MD5 of this one."""
        first, last = part.offset, part.offset + part.size - 1
        headers = {"Content-Range": f"{first}-{last}", "X-Redirect-Uploads": "1"}
        sent = await self._persist(partial(self._patch, url, part, headers))
        tell.send_nowait(self._session.upload_url(sent.answer))
        if sent.answer.status == HTTPStatus.TEMPORARY_REDIRECT:
            elsewhere = self._session.upload_url(sent.answer, ("Location",))
            sent = await self._persist(partial(self._send, "PUT", elsewhere, part, {}))
        return sent.md5

    async def _persist(self, work: Callable[[], Awaitable[_Sent]]) -> _Sent:
        try:
            return await retried(work, self._session.timing.retries)
        except RegistryError as error:
            raise RegistryError(f"max retries exceeded: {error.message}") from error

    async def _patch(self, url: str, part: Part, headers: dict[str, str]) -> _Sent:
        """Offer a part to the registry, with its token."""
        session = self._session
        try:
            own = session.agent | session.authorization(httpx.URL(url))
            return await self._send("PATCH", url, part, own | headers)
        except RegistryStatus as error:
            if error.code == HTTPStatus.UNAUTHORIZED:
                await session.renew_token(error.headers, url)
            raise

    async def _send(self, method: str, url: str, part: Part, headers: dict[str, str]) -> _Sent:
        """Send the bytes of a part once. Raises `RegistryError`, `StoreError`."""
        session = self._session
        body = _Body(self, part)
        request = session.client.build_request(
            method,
            url,
            headers=headers | _OCTETS | {"Content-Length": str(part.size)},
            content=body.pieces(),
            timeout=session.timeout(None),
        )
        counts = False
        try:
            answer = await session.once(request)
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise _refused(answer)
            counts = answer.status < HTTPStatus.MULTIPLE_CHOICES
            if counts and body.sent < part.size:
                raise RegistryError(f"{url} has not read the whole part")
            return _Sent(body.md5.digest(), answer)
        finally:
            if not counts:
                self.completed -= body.sent

    async def _commit(self, url: str, sums: list[bytes]) -> None:
        whole = hashlib.md5(b"".join(sums), usedforsecurity=False).hexdigest()
        fields: dict[str, str | list[str]] = {
            "digest": self._layer.digest,
            "etag": f"{whole}-{len(sums)}",
        }
        target = with_query(url, fields)

        async def put() -> Answer:
            return await self._session.call("PUT", target, headers=_OCTETS, patient=True)

        await retried(put, self._session.timing.retries)


def _refused(answer: Answer) -> RegistryStatus:
    message = f"http status {answer.status} {answer.reason}: {answer.text}"
    return RegistryStatus(answer.status, answer.text, message, headers=answer.headers)


class _Body:
    """The bytes of a part, read as they are sent."""

    def __init__(self, upload: Upload, part: Part) -> None:
        self._upload = upload
        self._part = part
        self.md5 = hashlib.md5(usedforsecurity=False)
        """Of what was read."""
        self.sent = 0
        """Bytes."""

    async def pieces(self) -> AsyncIterator[bytes]:
        """The content. Raises `StoreError` where it cannot be read, or has become shorter."""
        with await in_disk_thread(self._open) as file:
            while self.sent < self._part.size:
                piece = await in_disk_thread(self._read, file)
                yield piece
                self.sent += len(piece)
                self._upload.completed += len(piece)

    def _open(self) -> BinaryIO:
        with store_errors("open"):
            file = self._upload.path.open("rb", buffering=0)
            file.seek(self._part.offset)
            return file

    def _read(self, file: BinaryIO) -> bytes:
        with store_errors(f"read {self._upload.path}"):
            piece = file.read(min(PIECE, self._part.size - self.sent))
        if not piece:
            raise StoreError(f"read {self._upload.path}: the file has become shorter")
        self.md5.update(piece)
        return piece
