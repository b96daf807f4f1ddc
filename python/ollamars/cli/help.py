"""Help texts, made from the table of commands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ollamars.cli.arguments import Flag
from ollamars.cli.commands import COMMANDS, ROOT_FLAGS, Command
from ollamars.config import HOST_HELP, VARIABLES

PROGRAM = "ollamars"


def root_help() -> str:
    """The help of the program."""
    return "Run language models locally\n\n" + root_usage(with_help_flag=True)


def root_usage(*, with_help_flag: bool) -> str:
    """Usage, commands and flags of the program."""
    rows = [(row.name, row.help) for row in COMMANDS if not row.hidden]
    rows.append(("help", "Help about any command"))
    flags = (*ROOT_FLAGS, _help_flag(PROGRAM)) if with_help_flag else ROOT_FLAGS
    return (
        f"Usage:\n  {PROGRAM} [flags]\n  {PROGRAM} [command]\n\n"
        f"Available Commands:\n{_columns(rows, indent='  ')}\n"
        f"Flags:\n{_flags(flags)}\n"
        f'Use "{PROGRAM} [command] --help" for more information about a command.\n'
    )


def command_help(command: Command) -> str:
    """The help of one command."""
    sections = [
        command.help,
        f"Usage:\n  {PROGRAM} {command.usage}"
        + (" [flags]" if any(not flag.hidden for flag in command.flags) else ""),
    ]
    if command.aliases:
        sections.append(f"Aliases:\n  {', '.join((command.name, *command.aliases))}")
    if command.details:
        sections.append(command.details)
    sections.append(f"Flags:\n{_flags((*command.flags, _help_flag(command.name)))}".rstrip("\n"))
    if command.env:
        rows = [(name, _variable_help(name)) for name in command.env]
        sections.append(f"Environment Variables:\n{_columns(rows, indent='      ')}".rstrip("\n"))
    return "\n\n".join(sections) + "\n"


def _help_flag(name: str) -> Flag:
    return Flag("help", f"help for {name}", short="h")


def _flags(flags: Iterable[Flag]) -> str:
    rows = []
    for flag in sorted((flag for flag in flags if not flag.hidden), key=lambda flag: flag.name):
        short = f"-{flag.short}, " if flag.short else "    "
        kind = "" if flag.type == "bool" else f" {flag.type}"
        rows.append((f"{short}--{flag.name}{kind}", flag.help))
    return _columns(rows, indent="  ")


def _columns(rows: Sequence[tuple[str, str]], *, indent: str) -> str:
    width = max(len(left) for left, _ in rows)
    return "".join(f"{indent}{left.ljust(width)}   {right}\n" for left, right in rows)


def _variable_help(name: str) -> str:
    if name == "OLLAMA_HOST":
        return HOST_HELP
    row = next(row for row in VARIABLES if row.name == name)
    return row.help if row.effect else f"{row.help} (no effect yet)"
