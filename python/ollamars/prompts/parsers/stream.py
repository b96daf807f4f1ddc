"""A parser of streamed text as a machine whose states take from a buffer what is certain."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from ollamars.errors import OllamarsError
from ollamars.prompts.messages import Message, Think, Tool, ToolCall
from ollamars.prompts.text import WHITE_SPACE, overlap


class ParserOutput(NamedTuple):
    """What one piece of a stream makes certain."""

    content: str = ""
    thinking: str = ""
    tool_calls: tuple[ToolCall, ...] = ()


class ToolCallError(OllamarsError):
    """The model wrote a call that cannot be read. It ends the stream.

    `partial` is what the same piece gave before, as far as the family keeps it.
    """

    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.partial = ParserOutput()


class Parser(Protocol):
    """Reads content, thinking and tool calls out of the text that a model streams."""

    has_tools: bool
    has_thinking: bool
    tools: Sequence[Tool]
    """The request's tools under the names that the prompt must give them."""

    def add(self, text: str, done: bool = False) -> ParserOutput:
        """Read the next piece; `done` ends the stream. Raises `ToolCallError`."""


State: TypeAlias = Callable[[], bool]
"""Takes what is certain; is there more to do before the next piece?"""

Write: TypeAlias = Callable[[str], None]


class StreamParser:
    """The machine: a buffer, a state, and what the current piece has given so far."""

    has_tools: bool = True
    has_thinking: bool = False
    reads_last_piece: bool = True
    """Is a piece that comes together with the end read as others are?"""
    kept_on_error: frozenset[str] = frozenset()
    """Fields of what a piece gave that are kept when a call in the same piece is bad."""

    def __init__(
        self, tools: Sequence[Tool] = (), last: Message | None = None, think: Think = None
    ) -> None:
        """`last`: the last message of the request, which the model may go on with."""
        self.tools: Sequence[Tool] = tools
        self._think = think
        self._buffer = ""
        self._searched: dict[str, int] = {}
        self._state: State = self._content
        self._done = False
        self._content_parts: list[str] = []
        self._thinking_parts: list[str] = []
        self._calls: list[ToolCall] = []
        self._call_count = 0
        self._start(last)

    def _start(self, last: Message | None) -> None:
        """Choose the first state."""

    def _content(self) -> bool:
        """The state of plain content."""
        raise NotImplementedError

    def add(self, text: str, done: bool = False) -> ParserOutput:
        """Read the next piece; `done` ends the stream. Raises `ToolCallError`."""
        self._buffer += text
        try:
            if self.reads_last_piece or not done:
                self._run()
            if done:
                self._done = True
                self._run()
        except ToolCallError as error:
            output = self._output()._asdict()
            error.partial = ParserOutput(**{name: output[name] for name in self.kept_on_error})
            raise
        return self._output()

    def _run(self) -> None:
        while self._state():
            pass

    def _output(self) -> ParserOutput:
        output = ParserOutput(
            "".join(self._content_parts), "".join(self._thinking_parts), tuple(self._calls)
        )
        self._content_parts, self._thinking_parts, self._calls = [], [], []
        return output

    # What states do.

    def _write(self, text: str) -> None:
        self._content_parts.append(text)

    def _write_thinking(self, text: str) -> None:
        self._thinking_parts.append(text)

    def _write_call(self, name: str, arguments: Mapping[str, Any], call_id: str = "") -> None:
        self._calls.append(ToolCall(name, arguments, self._call_count, call_id))
        self._call_count += 1

    def _rest(self, text: str) -> None:
        """Make `text` the buffer."""
        self._buffer = text
        self._searched.clear()

    def _take(self) -> str:
        """The whole buffer, which becomes empty."""
        text = self._buffer
        self._rest("")
        return text

    def _index(self, tag: str) -> int:
        """Where the buffer first holds a tag; -1 if it does not. Text is searched once."""
        found = self._buffer.find(tag, self._searched.get(tag, 0))
        self._searched[tag] = found if found >= 0 else max(0, len(self._buffer) - len(tag) + 1)
        return found

    def _has(self, tag: str) -> bool:
        return self._index(tag) >= 0

    def _cut(self, tag: str) -> str:
        """The text before a tag that the buffer holds; what follows the tag stays."""
        index = self._index(tag)
        before = self._buffer[:index]
        self._rest(self._buffer[index + len(tag) :])
        return before

    def _ends_in_tag(self, *tags: str) -> bool:
        """Does the buffer end in what may become one of the tags, but is none yet?"""
        return any(0 < overlap(self._buffer, tag) < len(tag) for tag in tags)

    def _skip_space(self) -> bool:
        """Drop white space at the start of the buffer; is anything left?"""
        if self._buffer and self._buffer[0] in WHITE_SPACE:
            self._rest(self._buffer.lstrip(WHITE_SPACE))
        return bool(self._buffer)

    def _write_settled(self, write: Write, tags: Sequence[str], *, space: bool = True) -> bool:
        """Write all that cannot be part of a tag to come, nor (`space`) the white space before it.

        Always False: nothing is left to do before the next piece.
        """
        size = settled(self._buffer, tags)
        if space:
            size = len(self._buffer[:size].rstrip(WHITE_SPACE))
        if size:
            write(self._buffer[:size])
            self._rest(self._buffer[size:])
        return False

    def _gap(self, following: State) -> State:
        """A state that drops white space before the following one."""

        def gap() -> bool:
            if not self._skip_space():
                return False
            self._state = following
            return True

        return gap


def settled(text: str, tags: Sequence[str]) -> int:
    """Length of the text before what may be the start of a tag at its end."""
    return len(text) - max((overlap(text, tag) for tag in tags), default=0)


def goes_on(last: Message | None) -> bool:
    """Does the model go on with content that the request gave?"""
    return last is not None and last.role == "assistant" and bool(last.content)


def thinks(think: Think, *, default: bool) -> bool:
    """Is thinking on? Every level counts as on."""
    return default if think is None else bool(think)


class Passthrough(StreamParser):
    """All text is content."""

    has_tools = False

    def _content(self) -> bool:
        if self._buffer:
            self._write(self._take())
        return False


THINK: Final = "<think>"
THINK_END: Final = "</think>"
CALL: Final = "<tool_call>"
CALL_END: Final = "</tool_call>"
