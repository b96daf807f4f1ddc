"""The slash commands of the chat."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ollamars.cli import requests
from ollamars.cli.errors import CommandError, StatusError
from ollamars.cli.interactive.help import show_help
from ollamars.cli.models import print_models
from ollamars.cli.requests import Show
from ollamars.cli.run import default_think, parse_think
from ollamars.cli.show_text import show_text
from ollamars.errors import BadRequest
from ollamars.store.gotext import format_value
from ollamars.store.names import Name
from ollamars.store.params import format_param

if TYPE_CHECKING:
    from ollamars.cli.interactive.session import Session

Handler = Callable[["Session", list[str]], None]


class Leave(Exception):
    """The user leaves the chat."""


def run_command(session: Session, line: str) -> bool:
    """Carry out a slash command; False where the line begins with none."""
    words = line.split()
    for name, handler in _COMMANDS:
        if line.startswith(name):
            handler(session, words[1:])
            return True
    return False


def unknown(command: str) -> None:
    """Say that there is no such command."""
    print(f"Unknown command '{command}'. Type /? for help")


def _list(session: Session, words: list[str]) -> None:
    print_models(session.client, words[:1])


def _load(session: Session, words: list[str]) -> None:
    if len(words) != 1:
        print("Usage:\n  /load <modelname>")
        return
    name = words[0]
    print(f"Loading model '{name}'")
    try:
        shown = requests.show(session.client, name)
        session.load(name, default_think(shown))
    except StatusError as error:
        if error.status != 404 and "not found" not in error.message:
            raise
        print(f"Couldn't find model '{name}'")


def _save(session: Session, words: list[str]) -> None:
    if len(words) != 1:
        print("Usage:\n  /save <modelname>")
        return
    name = words[0]
    try:
        for _ in session.client.stream("/api/create", _save_request(session, name)):
            pass
    except StatusError as error:
        if "invalid model name" not in error.message:
            raise
        print(f"error: The model name '{name}' is invalid")
        return
    print(f"Created new model '{name}'")


def _save_request(session: Session, name: str) -> dict[str, Any]:
    options, talk = session.options, session.conversation
    parent = options.shown.parent_model
    body: dict[str, Any] = {
        "model": name,
        "from": parent if Name.parse(parent).is_valid else options.model,
    }
    extra = {
        "system": talk.system or None,
        "parameters": options.parameters or None,
        "messages": [*options.shown.messages, *talk.messages] or None,
    }
    return body | requests.given(extra) | {"name": ""}


def _clear(session: Session, words: list[str]) -> None:
    session.conversation.clear()
    print("Cleared session context")


def _help(session: Session, words: list[str]) -> None:
    topic = words[0].removeprefix("/") if words else ""
    show_help(topic if topic in ("set", "show", "shortcuts") else "")


def _leave(session: Session, words: list[str]) -> None:
    raise Leave


def _set(session: Session, words: list[str]) -> None:
    if not words:
        show_help("set")
        return
    handler = _SET.get(words[0])
    if handler is None:
        unknown(f"/set {words[0]}")
        return
    handler(session, words[1:])


def _set_parameter(session: Session, words: list[str]) -> None:
    if len(words) < 2:
        show_help("parameter")
        return
    name, *texts = words
    try:
        session.options.parameters[name] = format_param(name, texts)
    except BadRequest as error:
        print(f'Couldn\'t set parameter: "{error}"')
        return
    print(f"Set parameter '{name}' to '{', '.join(texts)}'")


def _set_system(session: Session, words: list[str]) -> None:
    # The text itself is taken by the session, which may have to read more lines.
    show_help("set")


def _switch(attribute: str, value: bool, text: str) -> Handler:
    def switch(session: Session, words: list[str]) -> None:
        setattr(session.options, attribute, value)
        print(text)

    return switch


def _history(enabled: bool) -> Handler:
    def switch(session: Session, words: list[str]) -> None:
        session.editor.history.enabled = enabled

    return switch


def _set_format(session: Session, words: list[str]) -> None:
    if words[:1] != ["json"]:
        print("Invalid or missing format. For 'json' mode use '/set format json'")
        return
    session.options.format = "json"
    print("Set format to 'json' mode.")


def _set_no_format(session: Session, words: list[str]) -> None:
    session.options.format = ""
    print("Disabled format.")


def _set_think(session: Session, words: list[str]) -> None:
    try:
        think = parse_think(words[0] if words else "true")
    except CommandError as error:
        print(f"error: {error}")
        return
    _warn_if_thoughtless(session)
    session.options.think = think
    print(f"Set 'think' mode to '{words[0]}'." if words else "Set 'think' mode.")


def _set_no_think(session: Session, words: list[str]) -> None:
    _warn_if_thoughtless(session)
    session.options.think = False
    print("Set 'nothink' mode.")


def _warn_if_thoughtless(session: Session) -> None:
    model = session.options.model
    if "thinking" not in requests.show(session.client, model).capabilities:
        print(f'warning: model "{model}" does not support thinking output', file=sys.stderr)


_SET: Mapping[str, Handler] = {
    "history": _history(True),
    "nohistory": _history(False),
    "wordwrap": _switch("wrap", True, "Set 'wordwrap' mode."),
    "nowordwrap": _switch("wrap", False, "Set 'nowordwrap' mode."),
    "verbose": _switch("verbose", True, "Set 'verbose' mode."),
    "quiet": _switch("verbose", False, "Set 'quiet' mode."),
    "think": _set_think,
    "nothink": _set_no_think,
    "format": _set_format,
    "noformat": _set_no_format,
    "parameter": _set_parameter,
    "system": _set_system,
}


def _show(session: Session, words: list[str]) -> None:
    if not words:
        show_help("show")
        return
    shown = requests.show(
        session.client,
        name=session.options.model,
        system=session.conversation.system,
        options=session.options.parameters,
    )
    handler = _SHOW.get(words[0])
    if handler is None:
        unknown(f"/show {words[0]}")
        return
    handler(session, shown)


def _show_info(session: Session, shown: Show) -> None:
    print(show_text(shown.raw, verbose=False), end="", file=sys.stderr)


def _show_field(field: str, absent: str) -> Callable[[Session, Show], None]:
    def show(session: Session, shown: Show) -> None:
        print(shown.raw.get(field) or absent)

    return show


def _show_system(session: Session, shown: Show) -> None:
    text = session.conversation.system or shown.raw.get("system")
    print(f"{text}\n" if text else "No system message was specified for this model.")


def _show_parameters(session: Session, shown: Show) -> None:
    print("Model defined parameters:")
    lines = (shown.raw.get("parameters") or "").splitlines()
    for line in lines or ["No additional parameters were specified for this model."]:
        print(f"  {line}")
    print()
    if session.options.parameters:
        print("User defined parameters:")
        for name, value in session.options.parameters.items():
            print(f"  {name:<30} {_shown_value(value)}")
        print()


def _shown_value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{' '.join(value)}]"
    return str(value) if type(value) is int else format_value(value)


_SHOW: Mapping[str, Callable[[Session, Show], None]] = {
    "info": _show_info,
    "license": _show_field("license", "No license was specified for this model."),
    "modelfile": _show_field("modelfile", "No Modelfile was specified for this model."),
    "parameters": _show_parameters,
    "system": _show_system,
    "template": _show_field("template", "No prompt template was specified for this model."),
}

_COMMANDS: tuple[tuple[str, Handler], ...] = (
    ("/list", _list),
    ("/load", _load),
    ("/save", _save),
    ("/clear", _clear),
    ("/set", _set),
    ("/show", _show),
    ("/help", _help),
    ("/?", _help),
    ("/exit", _leave),
    ("/bye", _leave),
)
"""A line is a command when it begins with one of these, as in Ollama's chat."""
