"""Calls as `<function=NAME>` blocks: what the model is told about them, and earlier ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ollamars.prompts.messages import ToolCall

INSTRUCTIONS: Final = """\


If you choose to call a function ONLY reply in the following format with NO suffix:

<tool_call>
<function=example_function_name>
<parameter=example_parameter_1>
value_1
</parameter>
<parameter=example_parameter_2>
This is the value for the second parameter
that can span
multiple lines
</parameter>
</function>
</tool_call>

<IMPORTANT>
Reminder:
- Function calls MUST follow the specified format: an inner <function=...></function> block must \
be nested within <tool_call></tool_call> XML tags
- Required parameters MUST be specified
- You may provide optional reasoning for your function call in natural language BEFORE the \
function call, but NOT after
- If there is no function call available, answer the question like normal with your current \
knowledge and do not tell the user about function calls
</IMPORTANT>"""
"""Follows the list of tools in the qwen and nemotron families."""


def call(item: ToolCall, value: Callable[[Any], str]) -> str:
    """A call in its tags; `value` writes an argument."""
    lines = "".join(
        f"<parameter={name}>\n{value(argument)}\n</parameter>\n"
        for name, argument in item.arguments.items()
    )
    return f"<tool_call>\n<function={item.name}>\n{lines}</function>\n</tool_call>"
