"""Reads tokens with lookahead, and makes the errors of the parser."""

from __future__ import annotations

from typing import Final

from ollamars.prompts.gotemplate.errors import TemplateError, TemplateLimitError
from ollamars.prompts.gotemplate.lexer import Lexer
from ollamars.prompts.gotemplate.strconv import QuoteError, unquote
from ollamars.prompts.gotemplate.tokens import Kind, Token

MAX_NESTING: Final = 60
"""Deepest nesting of control structures and parentheses together."""


class TokenReader:
    """The tokens of one template. Definitions inside have their own reader over the same lexer."""

    def __init__(self, lexer: Lexer, nesting: int = 0) -> None:
        self._lexer = lexer
        self._lookahead: list[Token] = []
        self._line = 0
        """Line of the token that was lexed last: that of an error."""
        self._action_line = 0
        self._nesting = nesting

    def _next(self) -> Token:
        if self._lookahead:
            return self._lookahead.pop()
        token = self._lexer.next()
        self._line = token.line
        return token

    def _back(self, *tokens: Token) -> None:
        """Put tokens back; the first will be read last."""
        self._lookahead.extend(tokens)

    def _peek(self) -> Token:
        token = self._next()
        self._lookahead.append(token)
        return token

    def _next_non_space(self) -> Token:
        while (token := self._next()).kind is Kind.SPACE:
            pass
        return token

    def _peek_non_space(self) -> Token:
        token = self._next_non_space()
        self._lookahead.append(token)
        return token

    def _expect(self, kind: Kind, context: str) -> Token:
        token = self._next_non_space()
        if token.kind is not kind:
            raise self._unexpected(token, context)
        return token

    def _error(self, message: str) -> TemplateError:
        return TemplateError(f"template: :{self._line}: {message}", "parse")

    def _unexpected(self, token: Token, context: str) -> TemplateError:
        if token.kind is not Kind.ERROR:
            return self._error(f"unexpected {token} in {context}")
        extra = ""
        if self._action_line not in (0, token.line):
            extra = f" in action started at :{self._action_line}"
            if token.text.endswith(" action"):
                extra = extra.removeprefix(" in action")
        return self._error(f"{token}{extra}")

    def _nest(self) -> int:
        """The nesting of what begins here."""
        if self._nesting >= MAX_NESTING:
            raise TemplateLimitError(
                f"template: :{self._line}: nested more than {MAX_NESTING} deep", "parse"
            )
        return self._nesting + 1

    def _unquote(self, literal: str) -> str:
        try:
            return unquote(literal)
        except QuoteError as error:
            raise self._error(str(error)) from None
