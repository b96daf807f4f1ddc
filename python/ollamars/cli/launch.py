"""`ollamars launch`: not supported, and says so."""

from __future__ import annotations

from ollamars.cli.commands import Call
from ollamars.cli.errors import CommandError


def launch(call: Call) -> int:
    """Refuse."""
    raise CommandError(
        "launch is not supported: ollamars does not start or configure other tools. "
        f"Point the tool at {call.config.host.client_url} yourself."
    )
