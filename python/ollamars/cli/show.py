"""`show`: what a model is, or one of its texts."""

from __future__ import annotations

import sys

from ollamars.cli import requests
from ollamars.cli.client import Client
from ollamars.cli.commands import Call
from ollamars.cli.errors import CommandError
from ollamars.cli.requests import Show
from ollamars.cli.show_text import show_text

_TEXTS = {
    "license": "\n",
    "modelfile": "\n",
    "parameters": "\n",
    "system": "",
    "template": "",
}
"""The flags that print one text, and what ends it."""


def show(call: Call) -> int:
    """Print a model's sections, or the text that a flag asks for."""
    wanted = [name for name in _TEXTS if call.flag(name)]
    if len(wanted) > 1:
        raise CommandError(
            "only one of '--license', '--modelfile', '--parameters', '--system', or "
            "'--template' can be specified"
        )
    verbose = call.flag("verbose")
    shown = requests.show(Client(call.config), name=call.args[0], verbose=verbose)
    if wanted:
        sys.stdout.write((shown.raw.get(wanted[0]) or "") + _TEXTS[wanted[0]])
        return 0
    refuse_image_model(shown)
    sys.stdout.write(show_text(shown.raw, verbose=verbose))
    return 0


def refuse_image_model(shown: Show) -> None:
    """Raise `CommandError` for a model that makes images."""
    if "image" in shown.capabilities:
        raise CommandError("image generation models are not currently supported")
