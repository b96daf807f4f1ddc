"""The form that a request wants its answer in, and the grammar that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ollamars import _core
from ollamars.errors import BadRequest
from ollamars.prompts.thinking import ThinkingTags
from ollamars.runtime.engine import Grammar
from ollamars.runtime.forms import Form, one_form
from ollamars.server.checks import check_format
from ollamars.server.inference import Job
from ollamars.server.threads import in_format_thread


def wanted_form(format: str | None, options: Mapping[str, Any] | None) -> Form | None:
    """What a request asks for, by the JSON text of its field `format` or by an option.

    Raises `OllamarsError` for a field or an option that is no form, and for two at once.
    """
    check_format(format)
    form = None
    if format is not None and format not in ("null", '""'):
        form = Form("json") if format == '"json"' else Form("schema", format)
    return one_form(form, options or {})


async def grammar_of(job: Job, form: Form | None, thinking: ThinkingTags | None) -> Grammar | None:
    """Compile a form off the event loop; it holds behind `thinking`, where the model may think.

    Raises `BadRequest` that says what is wrong with it.
    """
    if form is None:
        return None
    try:
        return await in_format_thread(
            job.loaded.engine.grammar, form.kind, form.text, after=thinking
        )
    except _core.CoreError as error:
        raise BadRequest(str(error)) from None
