"""The line editor of the chat, on prompt_toolkit."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from prompt_toolkit.application import get_app, run_in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import create_output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.shortcuts import PromptSession
from prompt_toolkit.styles import Style

from ollamars.cli.interactive.history import PromptHistory
from ollamars.config import Config

_PROMPT, _CONTINUATION = ">>> ", "... "
_PLACEHOLDER = "Send a message (/? for help)"
_CONTINUATION_PLACEHOLDER = 'Use """ to end multi-line input'
_STYLE = Style.from_dict({"placeholder": "#8a8a8a"})


class Interrupted(Exception):
    """Ctrl-C; `empty` when nothing had been typed."""

    def __init__(self, *, empty: bool) -> None:
        self.empty = empty
        super().__init__()


class LineEditor:
    """Reads messages with editing, history and bracketed paste."""

    def __init__(self, config: Config) -> None:
        path = Path(config.home, ".ollama", "history")
        self.history = PromptHistory(path, enabled=not config.no_history)
        self._editor = config.editor
        output = create_output(sys.stdout)
        if isinstance(output, Vt100_Output):
            # Asking the terminal where the cursor is would mix its answer with what is typed ahead.
            output.enable_cpr = False
        self._session: PromptSession[str | Interrupted] = PromptSession(
            history=self.history,
            key_bindings=self._keys(),
            output=output,
            style=_STYLE,
            enable_suspend=True,
            prompt_continuation=lambda _width, _line, wrapped: "" if wrapped else _CONTINUATION,
        )

    def read(self, *, continued: bool) -> str:
        """The next line, or several when they were pasted.

        Raises `EOFError` (Ctrl-D on an empty line) and `Interrupted` (Ctrl-C).
        """
        hint = _CONTINUATION_PLACEHOLDER if continued else _PLACEHOLDER

        def placeholder() -> StyleAndTextTuples:
            return [] if get_app().is_done else [("class:placeholder", hint)]

        result = self._session.prompt(
            _CONTINUATION if continued else _PROMPT, placeholder=placeholder
        )
        if isinstance(result, Interrupted):
            raise result
        return result

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("c-c")
        def _(event: KeyPressEvent) -> None:
            empty = not event.current_buffer.text
            event.app.exit(result=Interrupted(empty=empty))

        @keys.add("c-g")
        def _(event: KeyPressEvent) -> None:
            buffer = event.current_buffer
            run_in_terminal(lambda: self._edit(buffer))

        return keys

    def _edit(self, buffer: Buffer) -> None:
        """Let the user's editor change what was typed so far."""
        editor = self._editor or os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
        handle, name = tempfile.mkstemp(prefix="ollamars-", suffix=".txt")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(buffer.text)
            if subprocess.call([*shlex.split(editor), name]) == 0:
                text = Path(name).read_text(encoding="utf-8", errors="replace").removesuffix("\n")
                buffer.text = text
                buffer.cursor_position = len(text)
        except (OSError, ValueError) as error:
            print(f"Couldn't run the editor: {error}", file=sys.stderr)
        finally:
            os.unlink(name)
