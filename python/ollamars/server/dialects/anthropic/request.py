"""The body of a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ollamars.server.dialects.anthropic.blocks import PACKAGE, MessageParam, ReadMessage


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A tool that the model may call: the client's own, or one that the server runs."""

    go_package: ClassVar[str] = PACKAGE

    type: str = ""
    name: str = ""
    description: str = ""
    input_schema: Any = None
    max_uses: int = 0


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Checked for its form; the model chooses all the same, as with Ollama."""

    go_package: ClassVar[str] = PACKAGE

    type: str = ""
    name: str = ""
    disable_parallel_tool_use: bool = False


@dataclass(frozen=True, slots=True)
class ThinkingConfig:
    """`enabled`, `disabled`, or anything else: the model's own way. A budget has no effect."""

    go_package: ClassVar[str] = PACKAGE

    type: str = ""
    budget_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Metadata:
    """Of no effect."""

    go_package: ClassVar[str] = PACKAGE

    user_id: str = ""


@dataclass(frozen=True, slots=True)
class OutputConfig:
    """How much the model shall think."""

    go_package: ClassVar[str] = PACKAGE

    effort: str = ""


@dataclass(frozen=True, slots=True)
class MessagesRequest:
    """The body of `/v1/messages` and, without `max_tokens`, of `/v1/messages/count_tokens`."""

    go_package: ClassVar[str] = PACKAGE

    model: str = ""
    max_tokens: int = 0
    messages: list[ReadMessage] = field(default_factory=list[MessageParam])
    system: Any = None
    stream: bool = False
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] = field(default_factory=list)
    tools: list[ToolDefinition] = field(default_factory=list)
    tool_choice: ToolChoice | None = None
    thinking: ThinkingConfig | None = None
    metadata: Metadata | None = None
    output_config: OutputConfig | None = None
