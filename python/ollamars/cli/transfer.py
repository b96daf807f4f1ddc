"""`pull` and `push`: the server transfers, the client shows the progress."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from ollamars.cli import requests
from ollamars.cli.account import open_signin
from ollamars.cli.client import Client
from ollamars.cli.commands import Call
from ollamars.cli.errors import CommandError, StatusError
from ollamars.cli.progress import Bar, Progress
from ollamars.store.names import DEFAULT_HOST, Name

_DIGEST_DIGITS = 12
_MISSING = "file does not exist"


def pull(call: Call) -> int:
    """Pull a model."""
    pull_model(Client(call.config), call.args[0], insecure=call.flag("insecure"), command="pull")
    return 0


def pull_model(client: Client, name: str, *, insecure: bool, command: str) -> str:
    """Pull a model with progress; returns the name that was pulled.

    Where a model is missing that exists as a cloud model, `command` names what to type instead, or
    on a terminal the user is asked.
    """
    try:
        with Progress() as progress:
            events = client.stream("/api/pull", requests.transfer(name, insecure=insecure))
            show_events(progress, events, label=_pull_label, skip_empty=True)
    except CommandError as error:
        if insecure or _MISSING not in error.message:
            raise
        cloud = cloud_name(client, name)
        if cloud is None:
            raise
        if not _confirm(cloud):
            raise CommandError(
                f'{error}\n\n"{cloud}" is available as a cloud model. Try:\n'
                f"  ollama {command} {cloud}"
            ) from None
        return pull_model(client, cloud, insecure=False, command=command)
    return name


def cloud_name(client: Client, name: str) -> str | None:
    """The cloud model of the same name, if there is one and `name` could have meant it."""
    bare = Name.parse_bare(name)
    if bare.tag or bare.host:
        return None
    cloud = f"{name}:cloud"
    try:
        requests.show(client, cloud)
    except CommandError:
        return None
    return cloud


def _confirm(cloud: str) -> bool:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    answer = input(f'"{cloud}" is available as a cloud model. Use it instead? [y/N] ')
    return answer.strip().lower() in ("y", "yes")


def _pull_label(event: Mapping[str, Any]) -> str:
    name: str = event["digest"]
    if name.startswith("sha256:"):
        name = name.removeprefix("sha256:")[:_DIGEST_DIGITS]
    return f"pulling {name.strip()}:"


def _status_label(event: Mapping[str, Any]) -> str:
    return event.get("status") or f"pushing {event['digest'][7:19]}..."


def show_events(
    progress: Progress,
    events: Iterable[Mapping[str, Any]],
    *,
    label: Any = _status_label,
    skip_empty: bool = False,
    status: str = "",
) -> None:
    """Show a stream of progress objects: a bar for each digest, a line for each status.

    With `skip_empty`, a digest is shown once its first bytes are there. `status` is the one that is
    shown already.
    """
    bars: dict[str, Bar] = {}
    for event in events:
        digest = event.get("digest")
        completed = event.get("completed") or 0
        if digest:
            if skip_empty and not completed:
                continue
            if digest not in bars:
                bars[digest] = progress.bar(label(event), event.get("total") or 0)
            bars[digest].set(completed)
        elif event.get("status", "") != status:
            status = event.get("status", "")
            progress.spin(status)


def push(call: Call) -> int:
    """Push a model, after asking who pushes where it goes to the default registry."""
    client, text = Client(call.config), call.args[0]
    name = Name.parse(text)
    to_default = name.host.lower() == DEFAULT_HOST
    if to_default and not _signed_in(client):
        return 0
    try:
        with Progress() as progress:
            body = requests.transfer(text, insecure=call.flag("insecure"))
            show_events(progress, client.stream("/api/push", body))
    except CommandError as error:
        if "access denied" in error.message or "unauthorized" in error.message:
            raise CommandError(
                "you are not authorized to push to this namespace, "
                "create the model under a namespace you own"
            ) from None
        raise
    destination = name.short
    if to_default:
        destination = f"https://ollama.com/{destination.removesuffix(':latest')}"
    print(f"\nYou can find your model at:\n\n\t{destination}")
    return 0


def _signed_in(client: Client) -> bool:
    try:
        client.post("/api/me")
    except StatusError as error:
        if error.status != 401:
            raise
        print("You need to be signed in to push models to ollama.com.\n")
        open_signin(error.signin_url)
        return False
    return True
