"""What ends a command: the text goes to standard error after `Error: `, the exit code is 1."""

from __future__ import annotations

from ollamars.errors import OllamarsError


class CommandError(OllamarsError):
    """A command cannot be carried out; its text is for the user."""


class UsageError(CommandError):
    """The arguments do not fit the command."""


class StatusError(CommandError):
    """The server answered with an error status.

    `reason` is the status line (`500 Internal Server Error`), empty for calls that do not show it.
    """

    def __init__(
        self, message: str, *, status: int, reason: str = "", signin_url: str = ""
    ) -> None:
        self.signin_url = signin_url
        self.server_message = message
        parts = [part for part in (reason, message) if part]
        super().__init__(
            ": ".join(parts)
            or "something went wrong, please see the ollama server logs for details",
            status=status,
        )
