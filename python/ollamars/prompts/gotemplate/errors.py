"""What can go wrong with a template."""

from __future__ import annotations

from typing import Literal

from ollamars.errors import OllamarsError

Stage = Literal["parse", "exec"]


class TemplateError(OllamarsError):
    """A template that cannot be parsed or executed; the text is Go's.

    `stage` says which. A bad template is the fault of who sent it (status 400), a failing one of
    the model (500).
    """

    def __init__(self, message: str, stage: Stage) -> None:
        super().__init__(message, status=400 if stage == "parse" else 500)
        self.stage: Stage = stage


class TemplateLimitError(TemplateError):
    """A template that is nested too deeply, or that works or writes more than is allowed."""
