"""The form that a text must have: Ollama's `format`, and our options for other grammars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ollamars.errors import BadRequest
from ollamars.runtime.options import OptionError

GRAMMARS = ("regex", "lark", "gbnf")
"""Options of a request that hold the text of a grammar of that kind."""


class Form(NamedTuple):
    """A form: its kind as `_core.Engine.grammar` has it, and its text."""

    kind: str
    text: str = ""


def one_form(format: Form | None, options: Mapping[str, Any]) -> Form | None:
    """The form that is asked for, by `format` or by an option.

    Raises `BadRequest` for more than one, `OptionError` for a grammar that is no text.
    """
    forms = {} if format is None else {"format": format}
    for name in GRAMMARS:
        text = options.get(name)
        if text is None:
            continue
        if not isinstance(text, str):
            raise OptionError(f'option "{name}" must be of type string')
        forms[name] = Form(name, text)
    if len(forms) > 1:
        raise BadRequest(f"only one of {' and '.join(forms)} can be asked for")
    return next(iter(forms.values()), None)
