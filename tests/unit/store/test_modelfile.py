from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollamars.store.modelfile import Command, Modelfile, ModelfileError

FILE = '''\
# a comment
FROM ./m.gguf
parameter stop "a b"
PARAMETER temperature 0.5
SYSTEM """
You are "terse".
"""
MESSAGE user hi: there
'''


def test_commands() -> None:
    assert Modelfile.parse(FILE.encode()).commands == (
        Command("model", "./m.gguf"),
        Command("stop", "a b"),
        Command("temperature", "0.5"),
        Command("system", '\nYou are "terse".\n'),
        Command("message", "user: hi: there"),
    )


def test_printed_back() -> None:
    printed = str(Modelfile.parse(FILE.encode()))
    assert printed.splitlines()[:3] == [
        "FROM ./m.gguf",
        "PARAMETER stop a b",
        "PARAMETER temperature 0.5",
    ]
    assert Modelfile.parse(printed.encode()) == Modelfile.parse(FILE.encode())


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks(encoding: str) -> None:
    parsed = Modelfile.parse("FROM m\nSYSTEM é🎉".encode(encoding))
    assert parsed.commands[1].args == "é🎉"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no FROM line"),
        (b"SYSTEM x", "no FROM line"),
        (b"FROM", "unexpected EOF"),
        (b'FROM m\nSYSTEM "x', "unexpected EOF"),
        (b"FROM m\nPARAMETER a-b 1", "unexpected EOF: a"),
        (
            b"FROM m\nMESSAGE robot x",
            '(line 2): message role must be one of "system", "user", or "assistant"',
        ),
    ],
)
def test_refused(data: bytes, message: str) -> None:
    with pytest.raises(ModelfileError) as caught:
        Modelfile.parse(data)
    assert caught.value.message == message


def test_an_unknown_command_is_named_with_its_line() -> None:
    with pytest.raises(ModelfileError, match=r'^\(line 2\): command must be one of "from"'):
        Modelfile.parse(b"FROM m\nBOGUS x")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        parsed = Modelfile.parse(b"FROM m\n" + data)
    except ModelfileError:
        return
    assert parsed.commands[0].name == "model"


def test_a_long_quoted_text_takes_linear_time() -> None:
    body = '"\n' * 200_000
    parsed = Modelfile.parse(f'FROM m\nLICENSE """{body}"""\n'.encode())
    assert parsed.commands[1].args == body
