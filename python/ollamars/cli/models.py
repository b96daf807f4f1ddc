"""`list`, `ps`, `cp`, `rm`, `stop`: the models that the server has and those it runs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ollamars.cli.client import Client
from ollamars.cli.commands import Call
from ollamars.cli.errors import CommandError, StatusError
from ollamars.cli.format import human_bytes, human_time, parse_time
from ollamars.cli.load import load_or_unload
from ollamars.cli.tables import table

_DIGEST_DIGITS = 12


def list_models(call: Call) -> int:
    """Print the table of models, or of those whose name begins with a prefix."""
    print_models(Client(call.config), call.args[:1])
    return 0


def print_models(client: Client, prefixes: Sequence[str]) -> None:
    """Print the models whose names begin with the prefixes, case ignored."""
    models = client.get("/api/tags").get("models") or []
    now = datetime.now(UTC)
    rows = [
        _listed(model, now)
        for model in models
        if all(str(model.get("name", "")).lower().startswith(each.lower()) for each in prefixes)
    ]
    print(table(rows, header=("NAME", "ID", "SIZE", "MODIFIED")), end="")


def _listed(model: Mapping[str, Any], now: datetime) -> list[str]:
    size = "-" if model.get("remote_model") else human_bytes(model.get("size", 0))
    return [
        model.get("name", ""),
        model.get("digest", "")[:_DIGEST_DIGITS],
        size,
        human_time(parse_time(model.get("modified_at", "")), now, "Never"),
    ]


def running(call: Call) -> int:
    """Print the table of loaded models, or of those whose name begins with a prefix."""
    verbose = call.flag("verbose")
    route = "/api/ps?verbose=true" if verbose else "/api/ps"
    models = Client(call.config).get(route).get("models") or []
    now = datetime.now(UTC)
    rows = [
        _loaded(model, now) + ([str(model.get("executor", ""))] if verbose else [])
        for model in models
        if not call.args or str(model.get("name", "")).startswith(call.args[0])
    ]
    header = ["NAME", "ID", "SIZE", "PROCESSOR", "CONTEXT", "UNTIL"]
    header += ["EXECUTOR"] if verbose else []
    print(table(rows, header=header), end="")
    return 0


def _loaded(model: Mapping[str, Any], now: datetime) -> list[str]:
    size = model.get("size", 0)
    expires = parse_time(model.get("expires_at", ""))
    past = expires is not None and expires.year != 1 and expires < now
    return [
        model.get("name", ""),
        model.get("digest", "")[:_DIGEST_DIGITS],
        human_bytes(size),
        processor(size, model.get("size_vram", 0)),
        str(model.get("context_length", 0)),
        "Stopping..." if past else human_time(expires, now, "Never"),
    ]


def processor(size: int, vram: int) -> str:
    """Where a model lies, by its bytes in all and on GPUs: `100% CPU`, `67%/33% CPU/GPU`."""
    if vram == 0:
        return "100% CPU"
    if vram == size:
        return "100% GPU"
    if vram > size or size == 0:
        return "Unknown"
    cpu = (200 * (size - vram) + size) // (2 * size)
    return f"{cpu}%/{100 - cpu}% CPU/GPU"


def copy(call: Call) -> int:
    """Copy a model to a new name."""
    source, destination = call.args
    Client(call.config).post("/api/copy", {"source": source, "destination": destination})
    print(f"copied '{source}' to '{destination}'")
    return 0


def remove(call: Call) -> int:
    """Unload and delete models, one after the other, until one fails."""
    client = Client(call.config)
    for name in call.args:
        try:
            load_or_unload(client, name, keep_alive="0s")
        except CommandError as error:
            if not _is_missing(error):
                print(f"Warning: unable to stop model '{name}'", file=sys.stderr)
        client.delete("/api/delete", {"model": "", "name": name})
        print(f"deleted '{name}'", flush=True)
    return 0


def stop(call: Call) -> int:
    """Unload a model."""
    name = call.args[0]
    try:
        load_or_unload(Client(call.config), name, keep_alive="0s")
    except CommandError as error:
        if _is_missing(error):
            raise CommandError(f'couldn\'t find model "{name}" to stop') from None
        raise
    return 0


def _is_missing(error: CommandError) -> bool:
    return isinstance(error, StatusError) and error.status == 404
