"""A parsed template."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ollamars.prompts.gotemplate.evaluator import Execution, Limits
from ollamars.prompts.gotemplate.functions import (
    BUILTINS,
    OLLAMA_FUNCTIONS,
    Function,
    ollama_functions,
)
from ollamars.prompts.gotemplate.nodes import List
from ollamars.prompts.gotemplate.parser import Trees, parse
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
        return self.execute_tree(self.root, data, ollama_functions(today), limits=limits)

    def execute_tree(
        self,
        root: List,
        data: Any,
        functions: Mapping[str, Function],
        *,
        definitions: bool = True,
        limits: Limits = DEFAULT_LIMITS,
    ) -> str:
        """Execute another tree made from this text, without its definitions if so asked."""
        trees = dict(self._trees) if definitions else {}
        trees[""] = root
        dot = data if isinstance(data, Value) else dynamic(data)
        return Execution(self.text, trees, functions, limits).run(root, dot)
