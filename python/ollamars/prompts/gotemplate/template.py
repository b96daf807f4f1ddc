"""A parsed template."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ollamars.prompts.gotemplate.evaluator import Execution
from ollamars.prompts.gotemplate.functions import (
    BUILTINS,
    OLLAMA_FUNCTIONS,
    ollama_functions,
)
from ollamars.prompts.gotemplate.nodes import List
from ollamars.prompts.gotemplate.parser import Trees, parse
from ollamars.prompts.gotemplate.state import Limits
from ollamars.prompts.gotemplate.values import Value, dynamic

_NAMES = frozenset((*BUILTINS, *OLLAMA_FUNCTIONS))
DEFAULT_LIMITS = Limits()


class Template:
    """A template of Go's `text/template`, with Ollama's functions. Immutable.

    >>> import datetime
    >>> Template.parse("Hi {{ .Name }}!").execute({"Name": "you"}, today=datetime.date(2025, 1, 31))
    'Hi you!'
    """

    __slots__ = ("_trees", "text")

    def __init__(self, text: str, trees: Trees) -> None:
        self.text = text
        self._trees = trees

    @classmethod
    def parse(cls, text: str) -> Template:
        """Parse. Raises `TemplateError` with stage `parse` and Go's text."""
        return cls(text, parse(text, _NAMES))

    @property
    def root(self) -> List:
        """The tree of the text itself."""
        return self._trees[""]

    @property
    def trees(self) -> Mapping[str, List]:
        """The root under the empty name, and the templates that are defined in the text."""
        return self._trees

    def execute(self, data: Any, *, today: datetime.date, limits: Limits = DEFAULT_LIMITS) -> str:
        """The text for `data`, Python values or a `Value`; `today` is the local date.

        Bytes that are not UTF-8 are lone surrogates (`surrogateescape`) in the result. Raises
        `TemplateError` with stage `exec`.
        """
        return self.execute_tree(self.root, data, today=today, limits=limits)

    def execute_tree(
        self, root: List, data: Any, *, today: datetime.date, limits: Limits = DEFAULT_LIMITS
    ) -> str:
        """Execute another tree made from this text."""
        trees = {**self._trees, "": root}
        execution = Execution(self.text, trees, ollama_functions(today), limits)
        return execution.run(root, _dot(data))

    def execute_bare(self, root: List, data: Any, *, limits: Limits = DEFAULT_LIMITS) -> str:
        """Execute a tree with Go's functions alone, without definitions and options."""
        execution = Execution(self.text, {"": root}, BUILTINS, limits, missing_is_zero=False)
        return execution.run(root, _dot(data))


def _dot(data: Any) -> Value:
    return data if isinstance(data, Value) else dynamic(data)
