"""The interactive chat: its commands with typed lines given, and the whole on a terminal."""

from __future__ import annotations

import os
import pty
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ollamars.cli.client import Client
from ollamars.cli.interactive import session as session_module
from ollamars.cli.interactive.editor import Interrupted
from ollamars.cli.interactive.history import LIMIT, PromptHistory
from ollamars.cli.interactive.session import Session
from ollamars.cli.requests import Show
from ollamars.cli.run import Options
from ollamars.config import Config
from ollamars.errors import OllamarsError
from tests.unit.cli.scripted import DONE, SHOW, Answer, Scripted, serve

LOADED = Answer(stream=[DONE | {"done_reason": "load"}])
HELLO = Answer(stream=[{"message": {"role": "assistant", "content": "Hello"}}, DONE])


class Typed:
    """An editor whose lines are given; the end of them is Ctrl-D."""

    def __init__(self, lines: list[str | Exception], history: PromptHistory) -> None:
        self.lines = iter(lines)
        self.history = history

    def read(self, *, continued: bool) -> str:
        line = next(self.lines, EOFError())
        if isinstance(line, Exception):
            raise line
        return line


Chat = Callable[..., int]


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Chat:
    def start(server: Scripted, *lines: str | Exception, **facts: Any) -> int:
        env = {"OLLAMA_HOST": f"127.0.0.1:{server.port}", "HOME": str(tmp_path)}
        config = Config.from_env(env)
        history = PromptHistory(tmp_path / "history", enabled=True)
        monkeypatch.setattr(session_module, "LineEditor", lambda _: Typed(list(lines), history))
        options = Options(model="m", shown=Show(SHOW | facts), config=config)
        return Session(Client(config), options).run()

    return start


@pytest.fixture
def server() -> Iterator[Scripted]:
    with serve(
        post_api_show=Answer(SHOW), post_api_generate=LOADED, post_api_chat=HELLO
    ) as scripted:
        yield scripted


def test_the_whole_conversation_is_sent(
    chat: Chat, server: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    assert chat(server, "one", '"""two', 'lines"""', "/bye") == 0
    assert capsys.readouterr().out == "Hello\n\nHello\n\n"
    assert server.body("POST /api/chat")["messages"] == [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "two\nlines"},
    ]


def test_a_system_message_keeps_its_newlines(chat: Chat, server: Scripted) -> None:
    chat(server, '/set system """a', 'b"""', "hi", "/clear", "again")
    assert server.body("POST /api/chat")["messages"] == [
        {"role": "system", "content": "a\nb"},
        {"role": "user", "content": "again"},
    ]


def test_parameters_and_modes(
    chat: Chat, server: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    chat(
        server,
        "/set parameter temperature 0.7",
        "/set parameter stop a b",
        "/set parameter seed x",
        "/set format json",
        "/set nosuch",
        "/show parameters",
        "/nosuch x",
        Interrupted(empty=True),
        "hi",
    )
    out = capsys.readouterr().out
    assert "Set parameter 'stop' to 'a, b'\n" in out
    assert 'Couldn\'t set parameter: "invalid int value [x]"\n' in out
    assert "Unknown command '/set nosuch'. Type /? for help\n" in out
    assert "  temperature                    0.7\n  stop                           [a b]\n" in out
    assert "Unknown command '/nosuch'. Type /? for help\n" in out
    assert "Use Ctrl + d or /bye to exit.\n" in out
    body = server.body("POST /api/chat")
    assert body["options"] == {"temperature": 0.7, "stop": ["a", "b"]}
    assert body["format"] == "json"


def test_save(chat: Chat, server: Scripted, capsys: pytest.CaptureFixture[str]) -> None:
    invalid = Answer({"error": "invalid model name"}, 400)
    server.answers["POST /api/create"] = [Answer(stream=[{"status": "success"}]), invalid]
    chat(server, "/set system S", "hi", "/save mine", "/save bad!")
    out = capsys.readouterr().out
    assert "Created new model 'mine'\nerror: The model name 'bad!' is invalid\n" in out
    assert server.requests[-2][1]["messages"] == [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "Hello"},
    ]


def test_a_missing_model_is_not_loaded(
    chat: Chat, server: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = Answer({"error": "model 'x' not found"}, 404)
    server.answers["POST /api/show"] = [Answer(SHOW), missing]
    chat(server, "/load x", "hi")
    assert "Loading model 'x'\nCouldn't find model 'x'\n" in capsys.readouterr().out
    assert server.body("POST /api/chat")["model"] == "m"


def test_errors_of_a_chat(chat: Chat, server: Scripted, capsys: pytest.CaptureFixture[str]) -> None:
    server.answers["POST /api/chat"] = [
        Answer({"error": '"m" does not support thinking'}, 400),
        Answer({"error": "upstream error: 502"}, 502),
        Answer({"error": "kaput"}, 500),
    ]
    with pytest.raises(OllamarsError, match="500 Internal Server Error: kaput"):
        chat(server, "a", "b", "c", "d")
    out = capsys.readouterr().out
    assert 'error: 400 Bad Request: "m" does not support thinking\n' in out
    assert "An error occurred while processing your message. Please try again.\n" in out


def test_stored_messages_are_shown(
    chat: Chat, server: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    talk = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]
    server.answers["POST /api/show"] = [Answer(SHOW | {"messages": talk})]
    chat(server)
    assert capsys.readouterr().out == ">>> hi\nho\n\n"


def test_history_keeps_the_last_lines(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "history"
    history = PromptHistory(path, enabled=True)
    for number in range(LIMIT + 5):
        history.append_string(f"line {number}")
    history.enabled = False
    history.append_string("secret")
    lines = path.read_text().splitlines()
    assert len(lines) == LIMIT
    assert lines[-1] == f"line {LIMIT + 4}"
    assert next(iter(PromptHistory(path, enabled=True).load_history_strings())) == lines[-1]


class Terminal:
    """What a program writes on a terminal, looked through from front to end."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self.seen = ""

    def expect(self, text: str) -> None:
        """Wait for `text` after what was expected before."""
        end = time.monotonic() + 20
        while text not in self.seen:
            assert time.monotonic() < end, self.seen
            if select.select([self.handle], [], [], 0.1)[0]:
                self.seen += os.read(self.handle, 65536).decode("utf-8", "replace")
        self.seen = self.seen.partition(text)[2]

    def type(self, keys: bytes) -> None:
        os.write(self.handle, keys)

    def drain(self) -> None:
        """Read to the end of the program."""
        with suppress(OSError):
            while os.read(self.handle, 65536):
                pass


def test_on_a_terminal(server: Scripted, tmp_path: Path) -> None:
    child, handle = pty.fork()
    if child == 0:
        env = {
            **os.environ,
            "OLLAMA_HOST": f"127.0.0.1:{server.port}",
            "HOME": str(tmp_path),
            "TERM": "xterm",
        }
        command = [sys.executable, "-m", "ollamars", "run", "m"]
        os.execve(sys.executable, command, env)
    terminal = Terminal(handle)
    terminal.expect("Send a message")
    terminal.type(b"helo\x1b[Dl\r")
    terminal.expect("Hello")
    terminal.expect("Send a message")
    terminal.type(b"\x04")
    terminal.drain()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert server.body("POST /api/chat")["messages"] == [{"role": "user", "content": "hello"}]
    assert (tmp_path / ".ollama" / "history").read_text() == "hello\n"
