"""OLMo 3: instruct models that call functions, and thinking models that do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ollamars.prompts.messages import Message, ToolCall
from ollamars.prompts.renderers import chatml, json
from ollamars.prompts.renderers.conversation import Conversation

_AI2: Final = (
    "You are Olmo, a helpful AI assistant built by Ai2. Your date cutoff is December 2024, and "
    "your model weights are available at https://huggingface.co/allenai."
)
_NO_FUNCTIONS: Final = "You do not currently have access to any functions. "
_FUNCTIONS: Final = (
    "You are provided with function signatures within <functions></functions> XML tags. You may "
    "call one or more functions to assist with the user query. Output any function calls within "
    "<function_calls></function_calls> XML tags. Do not make assumptions about what values to plug "
    "into functions."
)


@dataclass(frozen=True, slots=True)
class Instruct:
    """The models without thinking."""

    system: str

    def render(self, conversation: Conversation) -> str:
        """The prompt. The first system message wins; later ones vanish."""
        messages = [message for message in conversation.messages if message.role != "system"]
        parts = [chatml.turn("system", self._system(conversation))]
        last = messages[-1] if messages else None
        parts.extend(_message(message, last=message is last) for message in messages)
        if last is None or last.role != "assistant" or last.tool_calls or not last.content:
            parts.append(chatml.opened("assistant"))
        return "".join(parts)

    def _system(self, conversation: Conversation) -> str:
        given = chatml.first_system(conversation.messages)
        if given is None and not conversation.tools:
            return self.system + _NO_FUNCTIONS + "<functions></functions>"
        text = given.content if given else self.system + _FUNCTIONS
        if conversation.tools:
            text += f"<functions>{json.spaced(json.tools(conversation.tools))}</functions>"
        return text


@dataclass(frozen=True, slots=True)
class Thinking:
    """The models that always think. They know no tools."""

    system: str

    def render(self, conversation: Conversation) -> str:
        """The prompt."""
        given = chatml.first_system(conversation.messages)
        suffix = f" {_NO_FUNCTIONS}<functions></functions>"
        system = given.content + suffix if given else self.system
        turns = (
            chatml.turn(message.role, message.content)
            for message in conversation.messages
            if message.role in ("user", "assistant")
        )
        start = chatml.turn("system", system)
        return start + "".join(turns) + chatml.opened("assistant") + "<think>"


def _message(message: Message, *, last: bool) -> str:
    if message.role == "user":
        return chatml.turn("user", message.content)
    if message.role == "tool":
        return chatml.turn("environment", message.content)
    if message.role != "assistant":
        return ""
    calls = "\n".join(map(_call, message.tool_calls))
    block = f"<function_calls>{calls}</function_calls>" if message.tool_calls else ""
    end = "" if last and not message.tool_calls else chatml.END
    return chatml.opened("assistant") + message.content + block + end


def _call(call: ToolCall) -> str:
    values = (f"{name}={json.compact(call.arguments[name])}" for name in sorted(call.arguments))
    return f"{call.name}({', '.join(values)})"


OLMO3: Final = Instruct("You are a helpful function-calling AI assistant. ")
OLMO31: Final = Instruct(_AI2 + " ")
OLMO3_THINK: Final = Thinking(_AI2)
OLMO3_32B_THINK: Final = Thinking("You are a helpful AI assistant.")
