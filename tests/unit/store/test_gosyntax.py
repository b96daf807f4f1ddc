from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollamars.store.gosyntax import SyntaxFault, first_value


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "EOF"),
        (b" \n", "EOF"),
        (b'{"a":', "unexpected EOF"),
        (b"{{", "invalid character '{' looking for beginning of object key string"),
        (b"[1 2]", "invalid character '2' after array element"),
        (b'{"a" 1}', "invalid character '1' after object key"),
        (b'{"a":1 "b"}', "invalid character '\"' after object key:value pair"),
        (b"nul ", "invalid character ' ' in literal null (expecting 'l')"),
        (b'"\n"', "invalid character '\\n' in string literal"),
        (b'"\\x"', "invalid character 'x' in string escape code"),
        (b"1.x", "invalid character 'x' after decimal point in numeric literal"),
        (b"-x", "invalid character 'x' in numeric literal"),
        (b"1ex", "invalid character 'x' in exponent of numeric literal"),
        (b"\xc3\xa9", "invalid character 'Ã' looking for beginning of value"),
        (b"[" * 100_000, "exceeded max depth"),
        (b"NaN", "invalid character 'N' looking for beginning of value"),
    ],
)
def test_faults_in_the_words_of_go(data: bytes, message: str) -> None:
    with pytest.raises(SyntaxFault) as caught:
        first_value(data)
    assert str(caught.value) == message


def test_what_follows_the_first_value_is_ignored() -> None:
    assert first_value(b' {"a":1,"a":2} trailing') == {"a": 2}
    assert first_value(b'["\\ud800", "\xff"]') == ["\ufffd", "\ufffd"]


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        value = first_value(data)
    except SyntaxFault:
        return
    json.dumps(value)
