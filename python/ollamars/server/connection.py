"""One TCP connection that can always be ended, and that cannot end the server."""

from __future__ import annotations

import logging
import socket
from collections.abc import MutableSet

import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, ConnectionState
from hypercorn.utils import parse_socket_addr

from ollamars.server.http1 import Http1

_log = logging.getLogger(__name__)

_RECEIVE_SIZE = 64 * 1024
_NO_LINGER = b"\x01\0\0\0\0\0\0\0"
"""`struct linger` that makes `close` reset the connection."""
LINGER = 0.5
"""Seconds for reading an early answer, before unread input resets the connection."""
_GONE = (trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError)


class Connection(TCPServer):
    """Hypercorn's connection, made safe for long streams.

    Hypercorn's own shields every write without a limit, so that a client that does not read can
    never be ended; it keeps the socket of an idle connection after its client has gone; and an
    exception in the protocol code of one connection ends them all.
    """

    def __init__(
        self,
        app: AppWrapper,
        config: Config,
        context: WorkerContext,
        live: MutableSet[Connection],
        write_timeout: float,
        stream: trio.SocketStream,
    ) -> None:
        super().__init__(app, config, context, {}, stream)  # type: ignore[arg-type]  # never TLS
        self._live = live
        self._write_timeout = write_timeout
        self._at_eof = trio.Event()
        self._closing = False
        self._reader: trio.lowlevel.Task | None = None
        self._scope = trio.CancelScope()

    async def run(self) -> None:
        """Serve the connection until it is closed; only cancellation leaves this."""
        self._live.add(self)
        try:
            with self._scope:
                await self._serve()
        except* OSError:
            pass  # the client went away
        except* Exception as error:
            _log.exception("connection failed", exc_info=error)
        finally:
            self._live.discard(self)
            if not self._closing:
                await trio.aclose_forcefully(self.stream)

    async def _serve(self) -> None:
        sock = self.stream.socket
        client = parse_socket_addr(sock.family, sock.getpeername())
        server = parse_socket_addr(sock.family, sock.getsockname())
        try:
            async with TaskGroup() as tasks:
                self._task_group = tasks
                self.protocol = Http1(  # type: ignore[assignment]  # it never changes
                    self.app,
                    self.config,
                    self.context,
                    tasks,
                    ConnectionState({}),
                    False,
                    client,
                    server,
                    self.protocol_send,
                )
                await self.idle_task.restart(tasks, self._idle_timeout)
                await self._read_data()
        finally:
            await self._close()

    async def protocol_send(self, event: Event) -> None:
        """Write, or do what else the protocol asks for."""
        if isinstance(event, RawData):
            async with self.send_lock:
                await self._write(event.data)
        else:
            await super().protocol_send(event)

    async def _write(self, data: bytes) -> None:
        whole = False
        try:
            with trio.move_on_after(self._write_timeout):
                await self.stream.send_all(data)
                whole = True
        except _GONE:
            whole = True
            await self.protocol.handle(Closed())
        finally:
            if not whole:  # cut in the middle: the connection is of no further use
                self.abort()

    def abort(self) -> None:
        """Reset the connection now, and cancel whatever its tasks wait for."""
        sock = self.stream.socket
        if sock.fileno() != -1:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            sock.close()
        self._scope.cancel()

    async def _read_data(self) -> None:
        self._reader = trio.lowlevel.current_task()
        try:
            while not self._at_eof.is_set():
                try:
                    data = await self.stream.receive_some(_RECEIVE_SIZE)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    break
                if not data:
                    self._at_eof.set()
                await self.protocol.handle(RawData(bytes(data)))
        finally:
            self._at_eof.set()
        await self.idle_task.stop()  # it would keep the socket open after its client has gone
        await self.protocol.handle(Closed())

    async def _close(self) -> None:
        if self._closing:
            return
        self._closing = True
        with trio.CancelScope(shield=True):
            try:
                await self.stream.send_eof()
                with trio.move_on_after(LINGER):
                    await self._discard_input()
            except _GONE:
                pass
            await trio.aclose_forcefully(self.stream)

    async def _discard_input(self) -> None:
        """Wait for the client's end; closing with unread input would cost it the answer."""
        if trio.lowlevel.current_task() is not self._reader:
            await self._at_eof.wait()
        elif not self._at_eof.is_set():
            while await self.stream.receive_some(_RECEIVE_SIZE):
                pass
