"""`ollamars serve`: binds the port, tends the store, serves until a signal."""

from __future__ import annotations

import logging
import os
import resource
import socket
from dataclasses import fields
from typing import Any

import trio

from ollamars import _core
from ollamars.config import VARIABLES, Config
from ollamars.durations import SECOND, format_duration
from ollamars.errors import OllamarsError
from ollamars.registry.keys import Keys
from ollamars.runtime.runtime import Runtime
from ollamars.runtime.settings import DEFAULT_CONTEXT
from ollamars.server.app import create_app
from ollamars.server.context import Context
from ollamars.server.logs import info, set_up
from ollamars.server.serving import Server, hypercorn_config, run
from ollamars.server.sockets import address_of, all_loopback, listen
from ollamars.server.transfers import LazyTransfers
from ollamars.store.store import Store
from ollamars.version import API_VERSION

_log = logging.getLogger(__name__)

GRACE = 0.5
"""Seconds that streams have to end after the first signal."""


def serve(config: Config) -> int:
    """Serve until SIGINT or SIGTERM; the exit code. Raises `OllamarsError` if it cannot start."""
    set_up(config.log_level)
    for warning in config.warnings:
        _log.warning(warning)
    _make_keys(config.home)
    sock = listen(config.host)
    try:
        _raise_file_limit()
        store = Store(config.models)
        _announce(config)
        pruned = store.start(prune=not config.no_prune)
        if pruned is not None:
            info(_log, f"total blobs: {pruned.total}")
            info(_log, f"total unused blobs removed: {pruned.removed}")
        trio.run(_serve, config, store, sock)
    except KeyboardInterrupt:
        pass
    finally:
        sock.close()
    return 0


def _make_keys(home: str) -> None:
    """Make the user's key pair at the first start; without one, only registries are missed."""
    keys = Keys(home)
    try:
        public = keys.make()
    except OllamarsError as error:
        _log.warning("no key pair for registries: %s", error.message)
        return
    if public is not None:
        print(f"Couldn't find '{keys.path}'. Generating new private key.")
        print(f"Your new public key is: \n\n{public}\n", flush=True)


_DURATIONS = ("keep_alive", "load_timeout", "idle_timeout", "read_timeout", "write_timeout")


def _announce(config: Config) -> None:
    values = {field.name: getattr(config, field.name) for field in fields(config)}
    env: dict[str, Any] = {"OLLAMA_HOST": config.host.url}
    env |= {row.name: _shown(row.field, values[row.field]) for row in VARIABLES}
    info(_log, "server config", env=dict(sorted(env.items())))
    info(_log, f"Ollama cloud disabled: {str(config.no_cloud).lower()}")


def _shown(field: str, value: Any) -> str:
    """A value as Go prints it."""
    if field in _DURATIONS:
        return format_duration(value)
    if isinstance(value, tuple):
        return f"[{' '.join(value)}]"
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _raise_file_limit() -> None:
    """Let as many connections be open as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _serve(config: Config, store: Store, sock: socket.socket) -> None:
    runtime = Runtime(config, load=_core.Engine)
    async with trio.open_nursery() as nursery:
        await nursery.start(runtime.run)
        context = Context(
            config=config,
            store=store,
            runtime=runtime,
            nursery=nursery,
            transfers=LazyTransfers(store, nursery, home=config.home, keep_unused=config.no_prune),
            version=API_VERSION,
            loopback=all_loopback([sock]),
        )
        server = Server(
            create_app(context),
            config=hypercorn_config(
                max_head=config.max_head, keep_alive_timeout=config.idle_timeout / SECOND
            ),
            write_timeout=config.write_timeout / SECOND,
        )
        await run(server, [sock], grace=GRACE, on_listening=lambda: _report(sock))
        nursery.cancel_scope.cancel()


def _report(sock: socket.socket) -> None:
    info(_log, f"Listening on {address_of(sock)} (version {API_VERSION})")
    page = os.sysconf("SC_PAGE_SIZE")
    total = _gib(page * os.sysconf("SC_PHYS_PAGES"))
    available = _gib(page * os.sysconf("SC_AVPHYS_PAGES"))
    cpu = {"id": "cpu", "library": "cpu", "compute": "", "name": "cpu", "description": "cpu"}
    bus = {"libdirs": "", "driver": "", "pci_id": "", "type": ""}
    info(_log, "inference compute", **cpu, **bus, total=total, available=available)
    info(
        _log,
        "vram-based default context",
        total_vram=_gib(0),
        default_num_ctx=DEFAULT_CONTEXT,
    )


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size else "0 B"
