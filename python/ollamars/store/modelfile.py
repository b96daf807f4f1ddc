"""Modelfiles: bytes to commands, and commands to text.

A file is a list of commands, one a line: `FROM`, `PARAMETER`, `TEMPLATE` and so on. What a command
means is checked elsewhere; this module knows only the form, character by character, as Ollama
v0.33 reads it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ollamars.errors import BadRequest
from ollamars.store.gotext import is_print

COMMANDS = (
    "from",
    "license",
    "template",
    "system",
    "adapter",
    "draft",
    "renderer",
    "parser",
    "parameter",
    "message",
    "requires",
)
"""The commands; upper and lower case mean the same."""

ROLES = ("system", "user", "assistant")
"""The roles of a `MESSAGE`."""

_QUOTED_COMMANDS = frozenset(COMMANDS) - {"from", "parameter", "message"}
_BLANKS = " \t"
_NEWLINES = "\r\n"


class ModelfileError(BadRequest):
    """A text that is no Modelfile; the message has the line."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command: `FROM x` has the name `model`, `PARAMETER k v` the name `k`, others their own."""

    name: str
    args: str
    """What follows, without quotes; a message is `role: text`."""

    def __str__(self) -> str:
        """The command's line, without newline."""
        if self.name == "model":
            return f"FROM {self.args}"
        if self.name == "message":
            role, _, text = self.args.partition(": ")
            return f"MESSAGE {role} {quote(text)}"
        if self.name in _QUOTED_COMMANDS:
            return f"{self.name.upper()} {quote(self.args)}"
        return f"PARAMETER {self.name} {quote(self.args)}"


@dataclass(frozen=True, slots=True)
class Modelfile:
    """The commands of a file in their order."""

    commands: tuple[Command, ...]

    @classmethod
    def parse(cls, data: bytes) -> Modelfile:
        """Read a file. Raises `ModelfileError` with Ollama's text."""
        commands = _Parser().run(decode(data))
        if all(command.name != "model" for command in commands):
            raise ModelfileError("no FROM line")
        return cls(tuple(commands))

    def __str__(self) -> str:
        """The file's text: a line for each command."""
        return "".join(f"{command}\n" for command in self.commands)


def quote(text: str) -> str:
    """A value as printed: in quotes if it has a newline or a space at an end, else bare.

    There are no escapes, so a text that begins with a quote and needs no quoting reads back
    differently; Ollama has this fault and existing files rely on the form.
    """
    if "\n" not in text and not text.startswith(" ") and not text.endswith(" "):
        return text
    return f'"""{text}"""' if '"' in text else f'"{text}"'


def decode(data: bytes) -> str:
    """The text of a file: UTF-8, or UTF-16 if it begins with its byte order mark.

    Every bad byte (UTF-8) or lone surrogate (UTF-16) becomes U+FFFD.
    """
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            body = data[2:]
            even = len(body) // 2 * 2
            text = body[:even].decode(encoding, "surrogatepass")
            return _replace_surrogates(text) + "\ufffd" * (len(body) - even)
    return _replace_surrogates(
        data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    )


def _replace_surrogates(text: str) -> str:
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def _is_letter(char: str) -> bool:
    return char.isascii() and char.isalpha()


def _is_word(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char == "_")


def _unquote(text: str) -> str | None:
    """A trimmed value without its quotes; None while its closing quotes are missing."""
    for marks in ('"""', '"'):
        if text.startswith(marks):
            closed = len(text) >= 2 * len(marks) and text.endswith(marks)
            return text[len(marks) : -len(marks)] if closed else None
    return text


class _Parser:
    """The states of the reader; each is a method that takes the next character."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.line = 1
        self.state: Callable[[str], None] = self.between
        self.buffer: list[str] = []
        self.end = 0
        self.name = ""
        self.role = ""

    def run(self, text: str) -> list[Command]:
        """All commands of `text`."""
        for char in text:
            self.line += char in _NEWLINES
            self.state(char)
        if self.state == self.value:
            self.end_value()
        elif self.state not in (self.between, self.comment):
            raise ModelfileError("unexpected EOF")
        return self.commands

    def go(self, state: Callable[[str], None], char: str = "") -> None:
        """Enter a state, with `char` as the first character of its text."""
        self.state = state
        self.buffer = []
        self.end = 0
        self.add(char)

    def add(self, char: str) -> bool:
        """Add a character to the text of the state if it is printable."""
        if not char or not is_print(char):
            return False
        self.buffer.append(char)
        return True

    def fail(self, message: str) -> ModelfileError:
        return ModelfileError(f"(line {self.line}): {message}")

    def between(self, char: str) -> None:
        """Before a command."""
        if char == "#":
            self.go(self.comment)
        elif char not in _BLANKS and char not in _NEWLINES:
            self.go(self.command, char)

    def comment(self, char: str) -> None:
        """After a `#`."""
        if char in _NEWLINES:
            self.go(self.between)

    def command(self, char: str) -> None:
        """Inside a command's name."""
        if _is_letter(char):
            self.add(char)
            return
        name = "".join(self.buffer).lower()
        if char not in _BLANKS or name not in COMMANDS:
            *first, last = (f'"{command}"' for command in COMMANDS)
            raise self.fail(f"command must be one of {', '.join(first)}, or {last}")
        self.name = "model" if name == "from" else name
        after = {"parameter": self.parameter, "message": self.message_role}
        self.go(after.get(name, self.value))

    def parameter(self, char: str) -> None:
        """Inside the name of a parameter."""
        if _is_word(char):
            self.add(char)
            return
        if char not in _BLANKS:
            raise ModelfileError(f"unexpected EOF: {''.join(self.buffer)}")
        self.name = "".join(self.buffer)
        self.go(self.value)

    def message_role(self, char: str) -> None:
        """Inside the role of a message."""
        if _is_letter(char):
            self.add(char)
            return
        role = "".join(self.buffer)
        if char not in _BLANKS:
            raise ModelfileError(f"unexpected EOF: {role}")
        if role not in ROLES:
            raise self.fail('message role must be one of "system", "user", or "assistant"')
        self.role = role
        self.go(self.value)

    def value(self, char: str) -> None:
        """Inside a value, which ends at a newline unless a quote is open."""
        if char in _NEWLINES and self.trimmed() is not None:
            self.end_value()
            self.go(self.between)
        elif char not in _NEWLINES and char not in _BLANKS:
            if self.add(char):
                self.end = len(self.buffer)
        elif self.buffer:
            self.buffer.append(char)

    def trimmed(self) -> str | None:
        """The value's two ends, trimmed and unquoted; None while its closing quotes are missing.

        Only a few characters are looked at, so that a long text costs no more for each line.
        """
        head, tail = self.buffer[:3], self.buffer[max(self.end - 3, 3) : self.end]
        return _unquote("".join(head[: self.end] + tail))

    def end_value(self) -> None:
        """The command is whole. Raises `ModelfileError` when a quote is open."""
        args = _unquote("".join(self.buffer[: self.end]))
        if args is None:
            raise ModelfileError("unexpected EOF")
        if self.role:
            args = f"{self.role}: {args}"
            self.role = ""
        self.commands.append(Command(self.name, args))
