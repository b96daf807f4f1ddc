"""The files of recorded rows, and what judges each row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from tests.golden import families, go_values, modelfiles, prompts, values
from tests.golden.data import Data, Row
from tests.golden.rules import Run, judge

Judge = Callable[[Row, Data], str | None]
"""None if a row passes, else how it differs."""


def by_function(runs: Mapping[str, Run], default: str = "") -> Judge:
    """Compares what the function gives that a row names."""

    def judge_row(row: Row, data: Data) -> str | None:
        return judge(row, runs[row.get("fn") or default], data)

    return judge_row


def one(run: Run) -> Judge:
    """Compares what the one function of a file gives."""
    return by_function({"": run})


FILES: Final[Mapping[str, Judge]] = {
    "templates": one(go_values.template),
    "chat_templates": one(prompts.chat_template),
    "chat_prompt": by_function(
        {"chat_prompt": prompts.truncated_prompt, "filter_think": prompts.filter_think}
    ),
    "template_match": one(prompts.match),
    "thinking": by_function({"analyze": prompts.analyze, "thinking": prompts.thinking}),
    "tools": one(prompts.tools),
    "capabilities": by_function(
        {
            "capabilities": prompts.model_capabilities,
            "chat_template_caps": prompts.chat_template_caps,
        }
    ),
    "renderers": families.judge_renderer,
    "parsers": families.judge_parser,
    "harmony": families.judge_harmony,
    "modelfiles": one(modelfiles.modelfile),
    "create_requests": one(modelfiles.create),
    "names": by_function(
        {
            "name": values.name,
            "name_path": values.name_path,
            "namespace": values.namespace,
            "digest": values.digest,
            "model_ref": values.model_ref,
        }
    ),
    "format": one(values.human),
    "options": one(values.options),
    "keep_alive": by_function({"keep_alive": values.keep_alive, "think": values.think}),
    "env": one(values.env),
    "show_output": by_function(
        {"show": modelfiles.show, "model_string": modelfiles.stored_modelfile}
    ),
}
"""By name without suffix."""


class Failure(NamedTuple):
    """A row that does not pass."""

    id: str
    how: str


def failures(name: str, rows: Iterable[Row], data: Data) -> list[Failure]:
    """The rows of a file that do not pass."""
    found = []
    for row in rows:
        how = _judged(FILES[name], row, data)
        if how is not None:
            found.append(Failure(row.get("id") or f"{row['renderer']}/{row['case']}", how))
    return found


def _judged(judge_row: Judge, row: Row, data: Data) -> str | None:
    try:
        return judge_row(row, data)
    except Exception as error:
        # A crash is the failure of that row alone.
        return f"{type(error).__name__}: {error}"
