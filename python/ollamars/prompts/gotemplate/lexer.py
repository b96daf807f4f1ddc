"""From text to tokens, on demand: nothing behind the first error that the parser meets is seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from ollamars.prompts.gotemplate.strconv import quote
from ollamars.prompts.gotemplate.tokens import KEYWORDS, Kind, Token

LEFT: Final = "{{"
RIGHT: Final = "}}"
SPACES: Final = " \t\r\n"
"""The only white space of the language."""

_SPACE_RUN = re.compile(r"[ \t\r\n]+")
_COMMENT = re.compile(r"\{\{(?:-[ \t\r\n])?/\*")
_RIGHT_TRIM = re.compile(r"[ \t\r\n]-\}\}")
_QUOTED = {
    '"': re.compile(r'(?:[^"\\\n]|\\[^\n])*', re.DOTALL),
    "'": re.compile(r"(?:[^'\\\n]|\\[^\n])*", re.DOTALL),
}
_UNTERMINATED: Final = {
    '"': "unterminated quoted string",
    "'": "unterminated character constant",
}
_QUOTED_KINDS: Final = {'"': Kind.STRING, "'": Kind.CHAR_CONSTANT}
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?"
    r"|0[oO][0-7_]*(?:\.[0-7_]*)?"
    r"|0[bB][01_]*(?:\.[01_]*)?"
    r"|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)


def is_alphanumeric(char: str) -> bool:
    """May it be in a name?"""
    return char == "_" or char.isalpha() or char.isdecimal()


def describe_character(char: str) -> str:
    """Go's `%#U`: `U+005B '['`, without the quotes for what cannot be printed."""
    if not char:
        return "U+FFFFFFFFFFFFFFFF"
    code = f"U+{ord(char):04X}"
    return f"{code} '{char}'" if char.isprintable() else code


_Step = Callable[[], "Iterator[Token]"]


class Lexer:
    """The tokens of one text. After the last one or an error, `EOF` for ever."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._pos = 0
        self._start = 0
        self._line = 1
        self._parens = 0
        self._tokens = self._lex()

    def next(self) -> Token:
        """The next token."""
        token = next(self._tokens, None)
        return token if token is not None else Token(Kind.EOF, self._pos, "EOF", self._line)

    def _take(self, kind: Kind) -> Token:
        token = Token(kind, self._start, self._text[self._start : self._pos], self._line)
        self._skip()
        return token

    def _skip(self) -> None:
        self._line += self._text.count("\n", self._start, self._pos)
        self._start = self._pos

    def _error(self, message: str) -> Token:
        return Token(Kind.ERROR, self._start, message, self._line)

    def _peek(self) -> str:
        return self._text[self._pos : self._pos + 1]

    def _lex(self) -> Iterator[Token]:
        """Text and actions in turn. An error token is the last one."""
        while True:
            left = self._text.find(LEFT, self._pos)
            if left < 0:
                break
            yield from self._lex_text(left)
            if _COMMENT.match(self._text, self._pos):
                error = self._skip_comment()
                if error is not None:
                    yield error
                    return
                continue
            for token in self._lex_action():
                yield token
                if token.kind is Kind.ERROR:
                    return
        self._pos = len(self._text)
        if self._pos > self._start:
            yield self._take(Kind.TEXT)

    def _lex_text(self, left: int) -> Iterator[Token]:
        """The text before a left delimiter, which may ask to trim it."""
        end = left
        if self._trims_left(left):
            while end > self._start and self._text[end - 1] in SPACES:
                end -= 1
        self._pos = end
        if end > self._start:
            yield self._take(Kind.TEXT)
        self._pos = left
        self._skip()

    def _trims_left(self, left: int) -> bool:
        return (
            self._text.startswith("-", left + 2)
            and self._text[left + 3 : left + 4] in SPACES
            and left + 3 < len(self._text)
        )

    def _skip_comment(self) -> Token | None:
        close = self._text.find("*/", self._text.index("/*", self._pos) + 2)
        if close < 0:
            return self._error("unclosed comment")
        self._pos = close + 2
        if self._text.startswith(RIGHT, self._pos):
            self._pos += 2
            self._skip()
        elif _RIGHT_TRIM.match(self._text, self._pos):
            self._pos += 4
            self._skip_spaces()
        else:
            return self._error("comment ends before closing delimiter")
        return None

    def _skip_spaces(self) -> None:
        if match := _SPACE_RUN.match(self._text, self._pos):
            self._pos = match.end()
        self._skip()

    def _lex_action(self) -> Iterator[Token]:
        trims = self._trims_left(self._pos)
        self._pos += 2
        yield self._take(Kind.LEFT_DELIM)
        if trims:
            self._pos += 2
            self._skip()
        self._parens = 0
        while not self._at_right_delim():
            yield self._lex_item()
        if self._parens:
            yield self._error("unclosed left paren")
            return
        trims = not self._text.startswith(RIGHT, self._pos)
        if trims:
            self._pos += 2
            self._skip()
        self._pos += 2
        yield self._take(Kind.RIGHT_DELIM)
        if trims:
            self._skip_spaces()

    def _at_right_delim(self) -> bool:
        return self._text.startswith(RIGHT, self._pos) or bool(
            _RIGHT_TRIM.match(self._text, self._pos)
        )

    def _lex_item(self) -> Token:
        """One token inside an action."""
        char = self._peek()
        if not char:
            return self._error("unclosed action")
        if char in SPACES:
            return self._lex_space()
        if char == "." and self._text[self._pos + 1 : self._pos + 2] not in tuple("0123456789"):
            return self._lex_field(Kind.FIELD, Kind.DOT)
        if char in "+-.0123456789":
            return self._lex_number()
        if is_alphanumeric(char):
            return self._lex_identifier()
        lex = self._BY_CHARACTER.get(char)
        if lex is not None:
            return lex(self, char)
        if char.isascii() and char.isprintable():
            return self._single(Kind.CHAR)
        return self._error(f"unrecognized character in action: {describe_character(char)}")

    def _single(self, kind: Kind) -> Token:
        self._pos += 1
        return self._take(kind)

    def _lex_space(self) -> Token:
        match = _SPACE_RUN.match(self._text, self._pos)
        end = match.end() if match else self._pos + 1
        # The last space may be that of a trimming delimiter.
        if end - 1 > self._pos and _RIGHT_TRIM.match(self._text, end - 1):
            end -= 1
        self._pos = end
        return self._take(Kind.SPACE)

    def _at_terminator(self) -> bool:
        char = self._peek()
        return char in " \t\r\n.,|:)(" or self._text.startswith(RIGHT, self._pos)

    def _skip_alphanumeric(self) -> None:
        text, pos = self._text, self._pos
        while pos < len(text) and is_alphanumeric(text[pos]):
            pos += 1
        self._pos = pos

    def _lex_field(self, kind: Kind, alone: Kind) -> Token:
        """`.name` or `$name`; nothing of interest behind the first character: `alone`."""
        self._pos += 1
        if self._at_terminator():
            return self._take(alone)
        self._skip_alphanumeric()
        if not self._at_terminator():
            return self._error(f"bad character {describe_character(self._peek())}")
        return self._take(kind)

    def _lex_identifier(self) -> Token:
        self._skip_alphanumeric()
        if not self._at_terminator():
            return self._error(f"bad character {describe_character(self._peek())}")
        word = self._text[self._start : self._pos]
        if word in ("true", "false"):
            return self._take(Kind.BOOL)
        return self._take(KEYWORDS.get(word, Kind.IDENTIFIER))

    def _scan_number(self) -> bool:
        match = _NUMBER.match(self._text, self._pos)
        self._pos = match.end() if match else self._pos
        if is_alphanumeric(self._peek() or " "):
            self._pos += 1
            return False
        return True

    def _lex_number(self) -> Token:
        good, kind = self._scan_number(), Kind.NUMBER
        if good and self._peek() in ("+", "-"):
            good = self._scan_number() and self._text[self._pos - 1] == "i"
            kind = Kind.COMPLEX
        if not good:
            return self._error(f"bad number syntax: {quote(self._text[self._start : self._pos])}")
        return self._take(kind)

    def _lex_quoted(self, char: str) -> Token:
        match = _QUOTED[char].match(self._text, self._pos + 1)
        end = match.end() if match else self._pos + 1
        if self._text[end : end + 1] != char:
            # The line of an unfinished text is the one on which it began.
            return self._error(_UNTERMINATED[char])
        self._pos = end + 1
        return self._take(_QUOTED_KINDS[char])

    def _lex_raw_quoted(self, _char: str) -> Token:
        end = self._text.find("`", self._pos + 1)
        if end < 0:
            return self._error("unterminated raw quoted string")
        self._pos = end + 1
        return self._take(Kind.RAW_STRING)

    def _lex_variable(self, _char: str) -> Token:
        return self._lex_field(Kind.VARIABLE, Kind.VARIABLE)

    def _lex_declare(self, _char: str) -> Token:
        if not self._text.startswith(":=", self._pos):
            return self._error("expected :=")
        self._pos += 2
        return self._take(Kind.DECLARE)

    def _lex_left_paren(self, _char: str) -> Token:
        self._parens += 1
        return self._single(Kind.LEFT_PAREN)

    def _lex_right_paren(self, _char: str) -> Token:
        self._parens -= 1
        if self._parens < 0:
            return self._error("unexpected right paren")
        return self._single(Kind.RIGHT_PAREN)

    def _lex_assign(self, _char: str) -> Token:
        return self._single(Kind.ASSIGN)

    def _lex_pipe(self, _char: str) -> Token:
        return self._single(Kind.PIPE)

    _BY_CHARACTER: Final[dict[str, Callable[[Lexer, str], Token]]] = {
        "=": _lex_assign,
        ":": _lex_declare,
        "|": _lex_pipe,
        '"': _lex_quoted,
        "'": _lex_quoted,
        "`": _lex_raw_quoted,
        "$": _lex_variable,
        "(": _lex_left_paren,
        ")": _lex_right_paren,
    }
