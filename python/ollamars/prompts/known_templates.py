"""Our Go templates for the conversation formats that a Jinja text may be recognised as.

Each writes what the format of its name wants; names and stop texts are those of Ollama.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class KnownTemplate:
    """A Go template with the texts at which generation stops."""

    text: str
    stop: tuple[str, ...]

    @property
    def parameters(self) -> dict[str, Any]:
        """Its default parameters, as a model stores them."""
        return {"stop": list(self.stop)}


def _turns(turn: str, opening: str, *, before: str = "") -> str:
    """A text for every message, then what opens the answer."""
    return (
        (before + "{{ range" if before else "{{- range")
        + " .Messages }}"
        + turn
        + "{{ end }}"
        + opening
    )


def _roles(system: str, user: str, assistant: str, other: str = "") -> str:
    """A text by the message's role."""
    return (
        f'{{{{ if eq .Role "user" }}}}{user}{{{{ else if eq .Role "assistant" }}}}{assistant}'
        f'{{{{ else if eq .Role "system" }}}}{system}{{{{ else }}}}{other}{{{{ end }}}}'
    )


_HOLDING: Final = '{{ $held := "" }}'
"""For formats where a system text waits for the next turn of the user."""
_HOLD: Final = "{{ $held = .Content }}"


def _held(text: str) -> str:
    """A text with the system text that waits, once."""
    return "{{ if $held }}" + text + '{{ $held = "" }}{{ end }}'


def _instructions(mark: str, colon: str, end: str, other: str = "") -> str:
    """Instructions and responses under headings."""
    user = f"{mark} Instruction{colon}\n{{{{ .Content }}}}\n\n"
    answer = f"{mark} Response{colon}\n"
    return _turns(
        _roles(
            _HOLD, _held("{{ $held }}\n\n") + user, answer + "{{ .Content }}" + end + "\n\n", other
        ),
        answer,
        before=_HOLDING,
    )


_COMMAND_R_RULES: Final = (
    "# Safety Preamble\n"
    "The instructions in this section override those in the task description and style guide "
    "sections. Don't answer questions that are harmful or immoral.\n\n"
    "# System Preamble\n## Basic Rules\n"
    "You are a powerful conversational AI trained by Cohere to help people. You are augmented by "
    "a number of tools, and your job is to use and consume the output of these tools to best help "
    "the user. You will see a conversation history between yourself and a user, ending with an "
    "utterance from the user. You will then see a specific instruction instructing you what kind "
    "of response to generate. When you answer the user's requests, you cite your sources in your "
    "answers, according to those instructions.\n\n"
)
_COMMAND_R_ACTION: Final = (
    "Write 'Action:' followed by a json-formatted list of actions that you want to perform in "
    "order to produce a good response to the user's last input. You can use any of the supplied "
    "tools any number of times, but you should aim to execute the minimum number of necessary "
    "actions for the input. You should use the `directly-answer` tool if calling the other tools "
    "is unnecessary. The list of actions you want to call should be formatted as a list of json "
    "objects, for example:\n```json\n[\n    {\n"
    '        "tool_name": title of the tool in the specification,\n'
    '        "parameters": a dict of parameters to input into the tool as they are defined in the '
    "specs, or {} if it takes no parameters\n    }\n]```"
)
"""Word for word what the model was trained to see beside tools."""
_COMMAND_R_TOOL: Final = (
    "\n\n```python\ndef {{ .Function.Name }}("
    "{{ range $name, $kind := .Function.Parameters.Properties }}{{ $name }}: {{ $kind.Type }}, "
    "{{ end }}) -> List[Dict]:\n    '''{{ .Function.Description }}"
    "{{ if .Function.Parameters.Properties }}\n\n    Args:"
    "{{ range $name, $kind := .Function.Parameters.Properties }}"
    "\n        {{ $name }} ({{ $kind.Type }}): {{ $kind.Description }}{{ end }}{{ end }}"
    "\n    '''\n    pass\n```"
)
_COMMAND_R_CALLS: Final = (
    "{{ if .Content }}{{ .Content }}{{ else if .ToolCalls }}\nAction: ```json\n["
    '{{ range .ToolCalls }}\n    {\n        "tool_name": "{{ .Function.Name }}",'
    '\n        "parameters": {{ .Function.Arguments }}\n    }{{ end }}\n]```{{ end }}'
)


def _command_r() -> str:
    opening, closing = "<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>"
    system = f"{opening}<|SYSTEM_TOKEN|>"
    preamble = (
        "{{ if .Tools }}"
        + _COMMAND_R_RULES
        + "{{ if .System }}# User Preamble\n{{ .System }}{{ end }}\n\n## Available Tools\n"
        "Here is a list of tools that you have available to you:"
        "{{ range .Tools }}" + _COMMAND_R_TOOL + "{{ end }}{{ else }}{{ .System }}{{ end }}"
    )
    result = f"{system}<results>\nconsole_output: {{{{ .Content }}}}\n</results>{closing}"
    action = "{{ if $.Tools }}" + system + _COMMAND_R_ACTION + "{{ end }}"
    turn = _roles(
        "",
        f"{opening}<|USER_TOKEN|>{{{{ .Content }}}}{action}{closing}",
        f"{opening}<|CHATBOT_TOKEN|>{_COMMAND_R_CALLS}{closing}",
        f'{{{{ if eq .Role "tool" }}}}{result}{{{{ else }}}}{opening}{closing}{{{{ end }}}}',
    )
    return _turns(
        turn,
        f"{closing}{opening}<|CHATBOT_TOKEN|>\n",
        before="{{ if or .Tools .System }}" + system + preamble + closing + "{{ end }}",
    )


KNOWN: Final = {
    "alfred": KnownTemplate(
        _turns("<start_{{ .Role }}>{{ .Content }}<end_message>", "<start_assistant>"),
        ("<start_system>", "<end_message>", "<start_user>", "<start_assistant>"),
    ),
    "alpaca": KnownTemplate(_instructions("###", ":", ""), ("### Instruction:", "### Response")),
    "chatml": KnownTemplate(
        _turns("<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n", "<|im_start|>assistant\n"),
        ("<|im_start|>", "<|im_end|>"),
    ),
    "chatqa": KnownTemplate(
        _turns(_roles("System:", "User:", "Assistant:") + " {{ .Content }}\n\n", "Assistant:"),
        ("System:", "User:", "Assistant:", "<|begin_of_text|>"),
    ),
    "codellama-70b-instruct": KnownTemplate(
        _turns(
            "Source:" + _roles(" system", " user", " assistant") + "\n\n {{ .Content }} <step> ",
            "Source: assistant\nDestination: user\n\n ",
        ),
        ("Source:", "Destination:", "<step>"),
    ),
    "command-r": KnownTemplate(_command_r(), ("<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>")),
    "falcon-instruct": KnownTemplate(
        _turns(_roles("System: ", "User:\n", "Falcon:\n", "\n") + "{{ .Content }}\n", "Falcon:\n"),
        ("User:", "Assistant:"),
    ),
    "gemma-instruct": KnownTemplate(
        _turns(
            _roles(
                _HOLD,
                "<start_of_turn>user\n" + _held("{{ $held }}\n") + "{{ .Content }}<end_of_turn>\n",
                "<start_of_turn>model\n{{ .Content }}<end_of_turn>\n",
                "\n{{ .Content }}<end_of_turn>\n",
            ),
            "<start_of_turn>model\n",
            before=_HOLDING,
        ),
        ("<start_of_turn>", "<end_of_turn>"),
    ),
    "gemma3-instruct": KnownTemplate(
        "{{ range $at, $message := .Messages }}"
        + _roles(
            "",
            "<start_of_turn>user\n"
            "{{ if and $.System (eq $at 1) }}{{ $.System }}\n\n{{ end }}"
            "{{ .Content }}<end_of_turn>\n",
            "<start_of_turn>model\n{{ .Content }}<end_of_turn>\n",
        )
        + "{{ if eq (len (slice $.Messages $at)) 1 }}<start_of_turn>model\n{{ end }}"
        "{{ end }}\n",
        ("<end_of_turn>",),
    ),
    "granite-instruct": KnownTemplate(
        _turns(_roles("System:", "Question:", "Answer:") + "\n{{ .Content }}\n\n", "Answer:\n"),
        ("System:", "Question:", "Answer:"),
    ),
    "llama2-chat": KnownTemplate(
        _turns(
            _roles(
                _HOLD,
                "<<SYS>>" + _held("\n{{ $held }}\n") + "<</SYS>>\n\n{{ .Content }} [/INST]",
                " {{ .Content }}</s><s>[INST] ",
            ),
            "",
            before=_HOLDING + "[INST] ",
        ),
        ("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"),
    ),
    "llama3-instruct": KnownTemplate(
        _turns(
            "<|start_header_id|>{{ .Role }}<|end_header_id|>\n\n{{ .Content }}<|eot_id|>",
            "<|start_header_id|>assistant<|end_header_id|>\n\n",
        ),
        ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    ),
    "magicoder": KnownTemplate(
        _instructions("@@", "", "", "\n{{ .Content }}\n\n"), ("@@ Instruction", "@@ Response")
    ),
    "mistral-instruct": KnownTemplate(
        _turns(
            _roles("{{ .Content }}\n\n", "{{ .Content }}[/INST]", " {{ .Content }}</s>[INST] "),
            "",
            before="[INST] ",
        ),
        ("<|im_start|>", "<|im_end|>"),
    ),
    "openchat": KnownTemplate(
        _turns(
            "GPT4 Correct "
            + _roles("System: ", "User: ", "Assistant: ")
            + "{{ .Content }}<|end_of_turn|>",
            "GPT4 Correct Assistant:",
        ),
        ("<|end_of_turn|>",),
    ),
    "phi-3": KnownTemplate(
        _turns("<|{{ .Role }}|>\n{{ .Content }}<|end|>\n", "<|assistant|>\n"),
        ("<|end|>", "<|system|>", "<|user|>", "<|assistant|>"),
    ),
    "solar-instruct": KnownTemplate(
        _turns(
            _roles(
                "### System:\n{{ .Content }}\n\n",
                "### User:\n{{ .Content }}\n\n",
                "### Assistant:\n{{ .Content }}</s>\n\n",
                "\n{{ .Content }}\n\n",
            ),
            "### Assistant:\n",
        ),
        ("### System:", "### User:", "### Assistant"),
    ),
    "starcoder2-instruct": KnownTemplate(
        _instructions("###", "", "<|endoftext|>"),
        ("### Instruction", "### Response", "<|endoftext|>"),
    ),
    "zephyr": KnownTemplate(
        _turns("<|{{ .Role }}|>\n{{ .Content }}</s>\n", "<|assistant|>\n"),
        ("<|system|>", "</s>", "<|user|>", "<|assistant|>"),
    ),
}
"""By the name that Ollama gives them."""
