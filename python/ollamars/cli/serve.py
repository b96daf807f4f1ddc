"""`ollamars serve`: the server, in this process."""

from __future__ import annotations

from ollamars.cli.commands import Call


def serve(call: Call) -> int:
    """Serve until a signal ends it."""
    from ollamars.server.main import serve as run  # the web framework: for this command alone

    return run(call.config)
