"""The one way to stream: batches of lines, the first awaited before the answer starts."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import ExitStack
from typing import TypeVar

import trio
from quart import Response

from ollamars.errors import OllamarsError
from ollamars.runtime.batches import Batches
from ollamars.server.responses import NDJSON, PLAIN_JSON, error_line, error_response

_log = logging.getLogger(__name__)

T = TypeVar("T")


def _as_is(line: bytes) -> bytes:
    return line


def _plain_error(error: OllamarsError) -> Response:
    return error_response(error.message, error.status, content_type=PLAIN_JSON)


async def stream_lines(
    batches: AsyncIterator[Iterable[T]],
    encode: Callable[[T], bytes] = _as_is,  # type: ignore[assignment]  # T is bytes then
    *,
    content_type: str = NDJSON,
    first_error: Callable[[OllamarsError], Response] = _plain_error,
    last_error: Callable[[str], bytes] = error_line,
) -> Response:
    """Stream items as lines; all that one batch holds goes out as one chunk.

    The first batch is awaited here: an error before it is an answer with a status of its own, which
    `first_error` makes. Any later error becomes the last line. The work behind `batches` must be
    ended by `Request.on_end`: a generator that was never started runs no `finally`. It cannot use
    `quart.request`.
    """
    try:
        first: Iterable[T] = await anext(batches, ())
    except OllamarsError as error:
        return first_error(error)

    async def body() -> AsyncIterator[bytes]:
        yield b"".join(map(encode, first))
        try:
            async for batch in batches:
                yield b"".join(map(encode, batch))
        except OllamarsError as error:
            yield last_error(error.message)
        except Exception:
            _log.exception("a stream failed")
            yield last_error("internal server error")

    return Response(body(), content_type=content_type)


def produce(
    nursery: trio.Nursery,
    on_end: ExitStack,
    work: Callable[[Callable[[T], None]], Awaitable[None]],
) -> AsyncIterator[list[T]]:
    """Run `work(push)` in a nursery that outlives the request; what it pushes comes in batches.

    `push` is called on Trio's thread. An exception of `work` is raised after the last batch; the
    end of the request cancels `work`.
    """
    batches: Batches[T] = Batches()
    scope = trio.CancelScope()
    on_end.callback(scope.cancel)

    async def run() -> None:
        with scope:
            try:
                await work(batches.push)
            except Exception as error:
                batches.end(error)
            else:
                batches.end()

    nursery.start_soon(run)
    return batches
