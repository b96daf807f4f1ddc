"""The help texts of the chat, shown on standard error."""

from __future__ import annotations

import sys
from collections.abc import Sequence

_Rows = Sequence[tuple[str, str]]

_COMMANDS: _Rows = (
    ("/set", "Set session variables"),
    ("/show", "Show model information"),
    ("/load <model>", "Load a session or model"),
    ("/save <model>", "Save your current session"),
    ("/clear", "Clear session context"),
    ("/list [prefix]", "List models"),
    ("/bye", "Exit"),
    ("/?, /help", "Help for a command"),
    ("/? shortcuts", "Help for keyboard shortcuts"),
)
_SET: _Rows = (
    ("/set parameter ...", "Set a parameter"),
    ("/set system <string>", "Set system message"),
    ("/set history", "Enable history"),
    ("/set nohistory", "Disable history"),
    ("/set wordwrap", "Enable wordwrap"),
    ("/set nowordwrap", "Disable wordwrap"),
    ("/set format json", "Enable JSON mode"),
    ("/set noformat", "Disable formatting"),
    ("/set verbose", "Show LLM stats"),
    ("/set quiet", "Disable LLM stats"),
    ("/set think", "Enable thinking"),
    ("/set nothink", "Disable thinking"),
)
_PARAMETERS: _Rows = (
    ("/set parameter seed <int>", "Random number seed"),
    ("/set parameter num_predict <int>", "Max number of tokens to predict"),
    ("/set parameter top_k <int>", "Pick from the k most likely tokens"),
    ("/set parameter top_p <float>", "Pick tokens up to this sum of probabilities"),
    ("/set parameter min_p <float>", "Pick tokens above this part of the best one's probability"),
    ("/set parameter num_ctx <int>", "Set the context size"),
    ("/set parameter temperature <float>", "Set creativity level"),
    ("/set parameter repeat_penalty <float>", "How strongly to penalize repetitions"),
    ("/set parameter repeat_last_n <int>", "How far back to look for repetitions"),
    ("/set parameter num_gpu <int>", "The number of layers to send to the GPU"),
    ("/set parameter stop <string> <string> ...", "Set the stop strings"),
)
_SHOW: _Rows = (
    ("/show info", "Show details for this model"),
    ("/show license", "Show model license"),
    ("/show modelfile", "Show Modelfile for this model"),
    ("/show parameters", "Show parameters for this model"),
    ("/show system", "Show system message"),
    ("/show template", "Show prompt template"),
)
_SHORTCUTS: _Rows = (
    ("Ctrl + a", "Move to the beginning of the line (Home)"),
    ("Ctrl + e", "Move to the end of the line (End)"),
    ("Alt + b", "Move back (left) one word"),
    ("Alt + f", "Move forward (right) one word"),
    ("Ctrl + k", "Delete the sentence after the cursor"),
    ("Ctrl + u", "Delete the sentence before the cursor"),
    ("Ctrl + w", "Delete the word before the cursor"),
    ("Ctrl + l", "Clear the screen"),
    ("Ctrl + g", "Write the message in your editor"),
    ("Ctrl + c", "Stop the model from responding"),
    ("Ctrl + d", "Exit ollama (/bye)"),
)

_AFTER_COMMANDS = 'Use """ to begin a multi-line message.\n'
_USAGES: dict[str, tuple[str, _Rows, str]] = {
    "": ("Available Commands:", _COMMANDS, _AFTER_COMMANDS),
    "set": ("Available Commands:", _SET, ""),
    "parameter": ("Available Parameters:", _PARAMETERS, ""),
    "show": ("Available Commands:", _SHOW, ""),
    "shortcuts": ("Available keyboard shortcuts:", _SHORTCUTS, ""),
}


def show_help(topic: str) -> None:
    """Print the help of a topic: nothing, `set`, `parameter`, `show` or `shortcuts`."""
    title, rows, after = _USAGES.get(topic, _USAGES[""])
    width = max(len(left) for left, _ in rows)
    lines = [title, *(f"  {left.ljust(width)} {right}" for left, right in rows), "", after]
    print("\n".join(lines).rstrip("\n") + "\n", file=sys.stderr)
