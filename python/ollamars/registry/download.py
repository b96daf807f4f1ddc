"""One blob from a registry into the store's partial file, in parts side by side."""

from __future__ import annotations

import itertools
import logging
import random
import re
import time
from http import HTTPStatus

import httpx
import trio

from ollamars.registry.errors import RegistryError, RegistryStatus, Unauthorized, transport_error
from ollamars.registry.nursery import plain_nursery
from ollamars.registry.session import Place, Session
from ollamars.registry.threads import in_disk_thread
from ollamars.store.partials import PartialBlob
from ollamars.store.parts import Part

_log = logging.getLogger(__name__)

AT_ONCE = 16
"""Parts of a blob that are brought side by side."""
PIECE = 1 << 20
"""Bytes that are gathered before they are written."""
ADVANCE = 1 << 20
"""Bytes that an attempt must bring so that failures before it are forgiven."""
_EXPIRED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.GONE})
"""What a place answers that was good for a while only."""
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


class _WrongLength(RegistryError):
    """The blob is not as long as was said: what was brought is useless."""


class _Stalled(Exception):
    """No byte for a long time."""


class Download:
    """Brings what is missing of a blob; `url` is the blob's in its registry."""

    def __init__(self, session: Session, url: str, partial: PartialBlob) -> None:
        self._session = session
        self._timing = session.timing
        self._url = url
        self._partial = partial
        self._arrived: dict[int, int] = {}
        self._pending: dict[int, bytearray] = {}
        self._saved: dict[int, tuple[float, int]] = {}
        self._place: Place | None = None
        self._locating = trio.Lock()

    @property
    def total(self) -> int:
        """Bytes of the blob; 0 until it is known."""
        return self._partial.total

    @property
    def completed(self) -> int:
        """Bytes that have arrived."""
        return sum(self._arrived.get(p.number, p.completed) for p in self._partial.parts)

    async def run(self) -> None:
        """Bring it all. Raises `OllamarsError`; what has arrived stays for the next time."""
        if not self._partial.parts:
            answer = await self._session.call("HEAD", self._url)
            await in_disk_thread(self._partial.begin, answer.length)
        elif all(part.is_complete for part in self._partial.parts):
            return
        self._place = await self._locate()
        slots = trio.CapacityLimiter(AT_ONCE)
        try:
            async with plain_nursery() as nursery:
                for part in self._partial.parts:
                    nursery.start_soon(self._bring, part, slots)
        except _WrongLength:
            await in_disk_thread(self._partial.restart)
            raise

    async def _locate(self) -> Place:
        """Where the content is; refusals are taken for passing ones, as long as time is left."""
        with trio.move_on_after(self._timing.locate):
            for attempt in itertools.count(1):
                try:
                    return await self._session.locate(self._url)
                except Unauthorized:
                    raise
                except RegistryError as error:
                    _log.debug("%s: %s", self._url, error.message)
                await trio.sleep(min(attempt**2 * 0.01, 10) * random.uniform(0.5, 1.5))
        raise RegistryError("context deadline exceeded")

    async def _current_place(self) -> Place:
        async with self._locating:
            if self._place is None:
                self._place = await self._locate()
            return self._place

    async def _bring(self, part: Part, slots: trio.CapacityLimiter) -> None:
        """Bring a part, with waits after failures that grow until something arrives again."""
        failures = 0
        async with slots:
            while not part.is_complete:
                before = part.completed
                try:
                    await self._attempt(part)
                except _Stalled:
                    digits = self._url.rpartition(":")[2][:12]
                    _log.info("%s part %d stalled; retrying...", digits, part.number)
                except _WrongLength:
                    raise
                except RegistryError as error:
                    if part.completed - before >= ADVANCE:
                        failures = 0
                    if failures == len(self._timing.retries):
                        raise RegistryError(f"max retries exceeded: {error}") from error
                    await trio.sleep(self._timing.retries[failures])
                    failures += 1

    async def _attempt(self, part: Part) -> None:
        """Ask for the rest of a part. Raises `RegistryError` and `_Stalled`; what came is kept."""
        place = await self._current_place()
        self._saved[part.number] = time.monotonic(), part.completed
        try:
            await self._receive(place, part)
        except httpx.ReadTimeout:
            self._go_back(part, self._saved[part.number][1])
            raise _Stalled from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise transport_error("GET", place.url, error) from error
        except RegistryStatus as error:
            await self._after_refusal(place, error)
            raise
        finally:
            with trio.CancelScope(shield=True):
                await self._flush(part, save=True)

    async def _receive(self, place: Place, part: Part) -> None:
        first, last = part.offset + part.completed, part.offset + part.size - 1
        async with self._session.content(place, first, last) as response:
            promised = self._promised(response, part)
            begin = part.completed
            self._arrived[part.number] = begin
            self._saved[part.number] = time.monotonic(), begin
            async for data in response.aiter_raw():
                await self._keep(part, data[: part.size - self._arrived[part.number]])
                if self._arrived[part.number] == part.size:
                    break
        if self._arrived[part.number] < promised:
            # The answer is whole, and yet it lacks bytes: none of it can be trusted.
            self._go_back(part, begin)
            raise RegistryError("EOF")

    def _go_back(self, part: Part, completed: int) -> None:
        """Forget what was brought beyond `completed` bytes of a part."""
        self._pending.pop(part.number, None)
        part.completed = self._arrived[part.number] = completed

    def _promised(self, response: httpx.Response, part: Part) -> int:
        """Bytes of the part that will be there after this answer.

        Raises `RegistryError` for an answer that does not have what was asked for.
        """
        status = response.status_code
        if status == HTTPStatus.PARTIAL_CONTENT:
            return self._end_of_range(response, part)
        if status == HTTPStatus.OK and part.size == self.total:
            part.completed = 0
            return part.size
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise _WrongLength(f"{response.url} is shorter than {self.total} bytes")
        reason = response.reason_phrase
        raise RegistryStatus(status, reason, f"http status {status} {reason}".rstrip())

    def _end_of_range(self, response: httpx.Response, part: Part) -> int:
        text = response.headers.get("Content-Range", "")
        match = _RANGE.fullmatch(text)
        first = part.offset + part.completed
        if match is None or not int(match[1]) == first <= int(match[2]):
            raise RegistryError(f"{response.url} answers with the range {text!r}")
        if match[3] not in ("*", str(self.total)):
            raise _WrongLength(f"{response.url} has {match[3]} bytes, not {self.total}")
        return min(int(match[2]) + 1 - part.offset, part.size)

    async def _after_refusal(self, place: Place, error: RegistryStatus) -> None:
        """Places may be good for a while only, and so are tokens: find out again."""
        if error.code in _EXPIRED:
            async with self._locating:
                if self._place is place:
                    self._place = None

    async def _keep(self, part: Part, data: bytes) -> None:
        pending = self._pending.setdefault(part.number, bytearray())
        pending += data
        self._arrived[part.number] += len(data)
        due = time.monotonic() - self._saved[part.number][0] >= self._timing.checkpoint
        if len(pending) >= PIECE or due:
            await self._flush(part, save=due)

    async def _flush(self, part: Part, *, save: bool) -> None:
        """Write what is pending, and with `save` how far the part is."""
        data = self._pending.pop(part.number, bytearray())
        await in_disk_thread(self._write, part, data, save)
        if save:
            self._saved[part.number] = time.monotonic(), part.completed

    def _write(self, part: Part, data: bytearray, save: bool) -> None:
        if data:
            self._partial.write(part, data)
        if save:
            self._partial.save(part)
