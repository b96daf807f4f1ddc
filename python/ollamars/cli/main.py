"""The entry: finds the command, checks its arguments, runs it, shows its error."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Sequence

from ollamars.cli import help as help_text
from ollamars.cli.arguments import Flag, command_position, edit_distance, parse
from ollamars.cli.commands import COMMANDS, ROOT_FLAGS, Call, Command, find
from ollamars.cli.errors import UsageError
from ollamars.config import Config
from ollamars.errors import OllamarsError
from ollamars.store.gotext import quote

_HELP = Flag("help", "help", short="h")
_INTERRUPTED = 130
"""The exit code where a signal does not end the process."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (without the program's name); returns the exit code."""
    _use_utf8()
    try:
        code = _dispatch(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
        return code
    except OllamarsError as error:
        sys.stdout.flush()
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Who read our output went away; the interpreter must not complain when it flushes again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        # End as the signal ends a program: a shell that runs a script stops the script, too.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        return _INTERRUPTED


def _use_utf8() -> None:
    """Output is UTF-8 whatever the locale says; other bytes go through unchanged."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")


def _dispatch(words: list[str]) -> int:
    position = command_position(words, (*ROOT_FLAGS, _HELP))
    if position is None:
        return _root(words)
    name = words.pop(position)
    if name == "help":
        return _help(words)
    command = find(name)
    if command is None:
        raise UsageError(_unknown(name))
    return _run(command, words)


def _run(command: Command, words: list[str]) -> int:
    parsed = parse(words, (*command.flags, _HELP))
    if parsed.flags.get("help"):
        print(help_text.command_help(command), end="")
        return 0
    command.check(parsed.args)
    call = Call(parsed.args, parsed.flags, Config.load())
    if command.needs_server:
        from ollamars.cli.client import check_server

        check_server(call.config)
    return command.load()(call)


def _root(words: list[str]) -> int:
    parsed = parse(words, (*ROOT_FLAGS, _HELP))
    if parsed.args and not parsed.flags.get("help"):
        raise UsageError(_unknown(parsed.args[0]))
    if parsed.flags.get("version") and not parsed.flags.get("help"):
        from ollamars.cli.version import show_version

        return show_version(Config.load())
    print(help_text.root_help(), end="")
    return 0


def _help(words: list[str]) -> int:
    topics = parse(words, (_HELP,)).args
    if not topics or topics == ["help"]:
        print(help_text.root_help(), end="")
        return 0
    command = find(topics[0])
    if command is not None:
        print(help_text.command_help(command), end="")
        return 0
    shown = " ".join(f"`{topic}`" for topic in topics)
    print(f"Unknown help topic [{shown}]", file=sys.stderr)
    print(help_text.root_usage(with_help_flag=False), end="", file=sys.stderr)
    return 0


def _unknown(name: str) -> str:
    """The text for a command that does not exist, with the names that may have been meant."""
    text = f'unknown command {quote(name)} for "ollama"'
    near = [
        row.name
        for row in COMMANDS
        if not row.hidden
        and (edit_distance(name, row.name) <= 2 or row.name.startswith(name.lower()))
    ]
    if not near:
        return text
    return text + "\n\nDid you mean this?\n" + "".join(f"\t{name}\n" for name in near)
