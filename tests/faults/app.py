"""A small application on the server's own classes: `python -m tests.faults.app [grace]`.

Prints the port that it listens on. Its routes do what real ones may do: answer at once, stream for
ever, work where they cannot be cancelled, read bodies slowly or not at all.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import trio
from quart import Response, request

from ollamars.host import parse_host
from ollamars.server.asgi import current_request
from ollamars.server.responses import json_response
from ollamars.server.serving import App, Server, hypercorn_config, run
from ollamars.server.sockets import address_of, listen

KEEP_ALIVE = 1.5
"""Seconds."""
WRITE_TIMEOUT = 3.0
LIMIT = 1 << 20
"""Bytes that `/limited` takes."""

app = App("faults")
app.config["RESPONSE_TIMEOUT"] = 0.2  # must have no effect
counts = {"handled": 0, "ended": 0, "streaming": 0}


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@app.get("/tiny")
async def tiny() -> Response:
    return json_response({})


@app.get("/stats")
async def stats() -> Response:
    tasks = trio.lowlevel.current_statistics().tasks_living
    descriptors = len(os.listdir("/proc/self/fd"))
    return json_response({"fds": descriptors, "rss": resident(), "tasks": tasks, **counts})


@app.get("/stream")
async def stream() -> Response:
    delay, left = float(request.args.get("delay", 0)), int(request.args.get("n", 10**9))
    counts["streaming"] += 1
    current_request().on_end.callback(lambda: add("streaming", -1))

    async def body() -> AsyncIterator[bytes]:
        for _ in range(left):
            yield b"x" * 999 + b"\n"
            await trio.sleep(delay)

    return Response(body(), content_type="text/plain")


@app.get("/late")
async def late() -> Response:
    """Work that cannot be cancelled, then an answer whose generator may never start."""
    counts["handled"] += 1
    current_request().on_end.callback(lambda: add("ended", 1))
    await trio.to_thread.run_sync(time.sleep, 0.3)

    async def body() -> AsyncIterator[bytes]:
        yield b"x"

    return Response(body())


@app.get("/broken")
async def broken() -> Response:
    raise RuntimeError("a fault of the handler")


@app.post("/upload")
async def upload() -> Response:
    """Read slowly."""
    async for _ in current_request().body:
        await trio.sleep(5)
    return json_response({})


@app.post("/count")
async def count() -> Response:
    """Read fast."""
    size = 0
    async for piece in current_request().body:
        size += len(piece)
    return json_response({"size": size})


@app.post("/limited")
async def limited() -> Response:
    body = current_request().body
    body.limit = LIMIT
    return json_response({"size": len(await body)})


@app.post("/reject")
async def reject() -> Response:
    return json_response({}, 413)


def add(name: str, number: int) -> None:
    counts[name] += number


def main(arguments: list[str]) -> None:
    sock = listen(parse_host("127.0.0.1:0")[0])
    config: Any = hypercorn_config()
    config.keep_alive_timeout = KEEP_ALIVE
    server = Server(app, config=config, write_timeout=WRITE_TIMEOUT)
    grace = float(arguments[0]) if arguments else 1.0

    def ready() -> None:
        print(address_of(sock).rpartition(":")[2], flush=True)

    async def serve() -> None:
        await run(server, [sock], grace=grace, on_listening=ready)

    trio.run(serve)


if __name__ == "__main__":
    main(sys.argv[1:])
