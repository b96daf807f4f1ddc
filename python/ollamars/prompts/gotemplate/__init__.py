"""Go's `text/template`: parse a template, execute it on data, with Go's texts for all errors."""

from ollamars.prompts.gotemplate.errors import TemplateError, TemplateLimitError
from ollamars.prompts.gotemplate.state import Limits
from ollamars.prompts.gotemplate.template import Template

__all__ = ["Limits", "Template", "TemplateError", "TemplateLimitError"]
