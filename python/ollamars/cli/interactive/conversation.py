"""The messages of a chat, and asking the model for the next one."""

from __future__ import annotations

import sys
from typing import Any

from ollamars.cli import requests
from ollamars.cli.answer import Answer, statistics_text
from ollamars.cli.client import Client
from ollamars.cli.errors import CommandError
from ollamars.cli.progress import Progress
from ollamars.cli.run import Options

_UPSTREAM = "upstream error"
_TRY_AGAIN = "An error occurred while processing your message. Please try again.\n"


class Conversation:
    """What was said so far; the whole is sent with each question."""

    def __init__(self) -> None:
        self.system = ""
        self.messages: list[dict[str, Any]] = []

    def set_system(self, text: str) -> None:
        """Set the system message; it counts from here on."""
        self.system = text
        if self.messages and self.messages[-1]["role"] == "system":
            self.messages.pop()
        self.messages.append({"role": "system", "content": text})

    def clear(self) -> None:
        """Forget all but the system message."""
        self.messages = []
        if self.system:
            self.messages.append({"role": "system", "content": self.system})

    def ask(self, client: Client, options: Options, text: str, images: list[str]) -> None:
        """Send a message and show the answer. Raises `CommandError`."""
        message: dict[str, Any] = {"role": "user", "content": text}
        self.messages.append(message | ({"images": images} if images else {}))
        try:
            answer, final = _stream(client, options, self.messages)
        except KeyboardInterrupt:
            print()
            return
        except CommandError as error:
            if _UPSTREAM not in error.message:
                raise
            print(_TRY_AGAIN)
            return
        said = {"role": "assistant", "content": answer.content}
        self.messages.append(said | ({"thinking": answer.thinking} if answer.thinking else {}))
        print("\n", flush=True)
        if options.verbose and final.get("done"):
            sys.stderr.write(statistics_text(final))


def _stream(
    client: Client, options: Options, messages: list[dict[str, Any]]
) -> tuple[Answer, dict[str, Any]]:
    answer = Answer(styled=True, wrap=options.wrap, hide_thinking=options.hide_thinking)
    final: dict[str, Any] = {}
    body = requests.chat(
        options.model,
        messages,
        options=options.parameters,
        output_format=options.json_format(),
        keep_alive=options.keep_alive,
        think=options.think,
    )
    try:
        with Progress(clear=True) as progress:
            progress.spin("")
            for event in client.stream("/api/chat", body):
                message = event.get("message") or {}
                thinking, text = message.get("thinking") or "", message.get("content") or ""
                calls = message.get("tool_calls") or []
                if answer.shows(thinking, text, calls):
                    progress.stop()
                answer.add(thinking, text, calls)
                final = event
    finally:
        answer.finish()
    return answer, final
