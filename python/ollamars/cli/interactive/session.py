"""The loop of the chat: read, carry out or send, show."""

from __future__ import annotations

import re
import sys

from ollamars.cli.client import Client
from ollamars.cli.errors import CommandError, StatusError
from ollamars.cli.interactive.commands import Leave, run_command, unknown
from ollamars.cli.interactive.conversation import Conversation
from ollamars.cli.interactive.editor import Interrupted, LineEditor
from ollamars.cli.load import load_or_unload
from ollamars.cli.media import paths_in, take_media
from ollamars.cli.progress import screen_size
from ollamars.cli.requests import Show, Think
from ollamars.cli.run import Options
from ollamars.cli.wordwrap import WordWrap

_QUOTES = '"""'
_SET_SYSTEM = re.compile(r"/set\s+system\s+(?=\S)")
_CLOUD = "https://ollama.com"
_SURVIVED = ("does not support thinking", "invalid think value")
"""Errors after which the chat goes on."""


class Session:
    """A chat with a model."""

    def __init__(self, client: Client, options: Options) -> None:
        self.client = client
        self.options = options
        self.conversation = Conversation()
        self.editor = LineEditor(options.config)

    def run(self) -> int:
        """Chat until the user leaves. Raises `CommandError` for what ends the chat."""
        self.load(self.options.model, self.options.think)
        self._print_stored_messages()
        while True:
            try:
                self._turn()
            except (Leave, EOFError):
                return 0
            except Interrupted as interrupt:
                if interrupt.empty:
                    print("Use Ctrl + d or /bye to exit.")

    def load(self, model: str, think: Think) -> None:
        """Load a model and begin a new conversation with it."""
        shown = load_or_unload(self.client, model, keep_alive=self.options.keep_alive, think=think)
        if shown.is_remote:
            self._connect(model, shown)
        self.options.model, self.options.shown, self.options.think = model, shown, think
        self.conversation.clear()

    def _connect(self, model: str, shown: Show) -> None:
        name = shown.remote_model or model
        if not shown.remote_host.startswith(_CLOUD):
            print(f"Connecting to '{name}' on '{shown.remote_host}'", file=sys.stderr)
            return
        self.client.post("/api/me")
        print(f"Connecting to '{name}' on 'ollama.com' ⚡", file=sys.stderr)

    def _print_stored_messages(self) -> None:
        for message in self.options.shown.messages:
            content = message.get("content", "")
            if message.get("role") == "user":
                print(f">>> {content}")
            elif message.get("role") == "assistant":
                WordWrap(sys.stdout.write, self._columns).write(content)
                print("\n")

    def _columns(self) -> int:
        return screen_size(sys.stdout)[0] if self.options.wrap else 0

    def _turn(self) -> None:
        line = self.editor.read(continued=False)
        system = _SET_SYSTEM.match(line)
        if system is not None:
            self.conversation.set_system(self._whole(line[system.end() :]))
            print("Set system message.")
        elif line.startswith(_QUOTES) or "\n" in line:
            self._send(self._whole(line))
        elif line.startswith("/") and not self._is_path(line):
            if not run_command(self, line):
                unknown(line.split()[0])
        elif line:
            self._send(line)

    def _is_path(self, line: str) -> bool:
        """Does a line with a slash begin with the path of an image and not with a command?"""
        first = line.split()[0]
        return self.options.shown.takes_media and any(
            path.startswith(first) for path in paths_in(line)
        )

    def _whole(self, text: str) -> str:
        """Text that may begin with three quotes: without them, and with the lines up to the closing
        ones."""
        if not text.startswith(_QUOTES):
            return text
        text = text.removeprefix(_QUOTES)
        while not text.endswith(_QUOTES):
            text += "\n" + self.editor.read(continued=True)
        return text.removesuffix(_QUOTES)

    def _send(self, text: str) -> None:
        images: list[str] = []
        if self.options.shown.takes_media:
            text, images = take_media(text)
        try:
            self.conversation.ask(self.client, self.options, text, images)
        except StatusError as error:
            if not any(part in error.message for part in _SURVIVED):
                raise
            print(f"error: {error}")
        except CommandError:
            print()
            raise
