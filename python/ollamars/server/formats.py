"""The form that a request wants its answer in, and the grammar that it becomes.

`format` is Ollama's field. The options `regex`, `lark` and `gbnf` are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ollamars import _core
from ollamars.errors import BadRequest
from ollamars.prompts.thinking import ThinkingTags
from ollamars.runtime.engine import Grammar
from ollamars.runtime.options import OptionError
from ollamars.server.checks import check_format
from ollamars.server.inference import Job
from ollamars.server.threads import in_format_thread

OPTIONS = ("regex", "lark", "gbnf")
"""Options of a request that hold the text of a grammar of that kind."""


class Wanted(NamedTuple):
    """A form: its kind as `_core.Engine.grammar` has it, and its text."""

    kind: str
    text: str = ""


def wanted_format(format: str | None, options: Mapping[str, Any] | None) -> Wanted | None:
    """What a request asks for, by the JSON text of its field `format` or by an option.

    Raises `OllamarsError` for a field or an option that is no form, and for two at once.
    """
    check_format(format)
    wanted = {}
    if format is not None and format not in ("null", '""'):
        wanted["format"] = Wanted("json") if format == '"json"' else Wanted("schema", format)
    for name in OPTIONS:
        text = (options or {}).get(name)
        if text is None:
            continue
        if not isinstance(text, str):
            raise OptionError(f'option "{name}" must be of type string')
        wanted[name] = Wanted(name, text)
    if len(wanted) > 1:
        raise BadRequest(f"only one of {' and '.join(wanted)} can be asked for")
    return next(iter(wanted.values()), None)


async def grammar_of(
    job: Job, wanted: Wanted | None, thinking: ThinkingTags | None
) -> Grammar | None:
    """Compile a form off the event loop; it holds behind `thinking`, where the model may think.

    Raises `BadRequest` that says what is wrong with it.
    """
    if wanted is None:
        return None
    try:
        return await in_format_thread(
            job.loaded.engine.grammar, wanted.kind, wanted.text, after=thinking
        )
    except _core.CoreError as error:
        raise BadRequest(str(error)) from None
