"""Parses pipelines: declarations, commands, operands."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Final

from ollamars.prompts.gotemplate.lexer import Lexer
from ollamars.prompts.gotemplate.nodes import (
    Bool,
    Chain,
    Command,
    Dot,
    Field,
    Identifier,
    Nil,
    Number,
    Operand,
    Pipe,
    String,
    Variable,
)
from ollamars.prompts.gotemplate.numbers import NumberError, number_value
from ollamars.prompts.gotemplate.strconv import QuoteError, quote
from ollamars.prompts.gotemplate.token_reader import TokenReader
from ollamars.prompts.gotemplate.tokens import Kind, Token

_LITERALS: Final = (Bool, Dot, Nil, Number, String)
_OPERANDS: Final = frozenset(
    {
        Kind.BOOL,
        Kind.CHAR_CONSTANT,
        Kind.COMPLEX,
        Kind.DOT,
        Kind.FIELD,
        Kind.IDENTIFIER,
        Kind.NUMBER,
        Kind.NIL,
        Kind.RAW_STRING,
        Kind.STRING,
        Kind.VARIABLE,
        Kind.LEFT_PAREN,
    }
)


class PipelineParser(TokenReader):
    """Parses the pipelines of one template, whose variables it knows."""

    def __init__(self, lexer: Lexer, functions: Container[str], nesting: int = 0) -> None:
        super().__init__(lexer, nesting)
        self._functions = functions
        self._variables = ["$"]

    def _pipeline(self, context: str, end: Kind) -> Pipe:
        """Declarations and commands up to the token `end`."""
        pipe = Pipe(self._peek_non_space().pos)
        while self._declaration(pipe, context):
            pass
        while (token := self._next_non_space()).kind is not end:
            if token.kind not in _OPERANDS:
                raise self._unexpected(token, context)
            self._back(token)
            pipe.commands.append(self._command())
        self._check(pipe, context)
        return pipe

    def _declaration(self, pipe: Pipe, context: str) -> bool:
        """Read `$x :=`, `$x =` or the first of `$x, $y :=`; true if another one follows."""
        variable = self._peek_non_space()
        if variable.kind is not Kind.VARIABLE:
            return False
        self._next()
        adjacent = self._peek()
        following = self._peek_non_space()
        if following.kind in (Kind.ASSIGN, Kind.DECLARE):
            pipe.assigns = following.kind is Kind.ASSIGN
            self._next_non_space()
            self._declare(pipe, variable)
            return False
        if following.kind is Kind.CHAR and following.text == ",":
            self._next_non_space()
            self._declare(pipe, variable)
            if context != "range" or len(pipe.declared) > 1:
                raise self._error(f"too many declarations in {context}")
            kinds = (Kind.VARIABLE, Kind.RIGHT_DELIM, Kind.RIGHT_PAREN)
            if self._peek_non_space().kind not in kinds:
                raise self._error("range can only initialize variables")
            return True
        # A space between the variable and what follows matters to the command that begins here.
        if adjacent.kind is Kind.SPACE:
            self._back(adjacent)
        self._back(variable)
        return False

    def _declare(self, pipe: Pipe, variable: Token) -> None:
        pipe.declared.append(Variable(variable.pos, (variable.text,)))
        self._variables.append(variable.text)

    def _check(self, pipe: Pipe, context: str) -> None:
        if not pipe.commands:
            raise self._error(f"missing value for {context}")
        for stage, command in enumerate(pipe.commands[1:], 2):
            if isinstance(command.args[0], _LITERALS):
                raise self._error(f"non executable command in pipeline stage {stage}")

    def _command(self) -> Command:
        """Operands separated by space, up to a pipe or the end of the pipeline."""
        command = Command(self._peek_non_space().pos, [])
        while True:
            self._peek_non_space()
            operand = self._operand()
            if operand is not None:
                command.args.append(operand)
            token = self._next()
            if token.kind is Kind.SPACE:
                continue
            if token.kind in (Kind.RIGHT_DELIM, Kind.RIGHT_PAREN):
                self._back(token)
            elif token.kind is not Kind.PIPE:
                raise self._unexpected(token, "operand")
            break
        if not command.args:
            raise self._error("empty command")
        return command

    def _operand(self) -> Operand | None:
        """A term and the fields behind it; None if no term begins here."""
        node = self._term()
        if node is None or self._peek().kind is not Kind.FIELD:
            return node
        pos = self._peek().pos
        names: list[str] = []
        while self._peek().kind is Kind.FIELD:
            names.append(self._next().text[1:])
        if isinstance(node, Field):
            return Field(pos, (*node.names, *names))
        if isinstance(node, Variable):
            return Variable(pos, (*node.names, *names))
        if isinstance(node, _LITERALS):
            raise self._error(f"unexpected . after term {quote(str(node))}")
        return Chain(pos, node, tuple(names))

    def _term(self) -> Operand | None:
        token = self._next_non_space()
        term = self._TERMS.get(token.kind)
        if term is None:
            self._back(token)
            return None
        return term(self, token)

    def _identifier(self, token: Token) -> Identifier:
        if token.text not in self._functions:
            raise self._error(f"function {quote(token.text)} not defined")
        return Identifier(token.pos, token.text)

    def _variable(self, token: Token) -> Variable:
        if token.text not in self._variables:
            raise self._error(f"undefined variable {quote(token.text)}")
        return Variable(token.pos, (token.text,))

    def _number(self, token: Token) -> Number:
        try:
            return Number(token.pos, token.text, number_value(token.text, token.kind))
        except (NumberError, QuoteError) as error:
            raise self._error(str(error)) from None

    def _string(self, token: Token) -> String:
        return String(token.pos, token.text, self._unquote(token.text))

    def _parenthesized(self, _token: Token) -> Pipe:
        self._nesting = self._nest()
        pipe = self._pipeline("parenthesized pipeline", Kind.RIGHT_PAREN)
        self._nesting -= 1
        return pipe

    def _field(self, token: Token) -> Field:
        return Field(token.pos, (token.text[1:],))

    _TERMS: Final[dict[Kind, Callable[[PipelineParser, Token], Operand]]] = {
        Kind.IDENTIFIER: _identifier,
        Kind.DOT: lambda _self, token: Dot(token.pos),
        Kind.NIL: lambda _self, token: Nil(token.pos),
        Kind.VARIABLE: _variable,
        Kind.FIELD: _field,
        Kind.BOOL: lambda _self, token: Bool(token.pos, token.text == "true"),
        Kind.CHAR_CONSTANT: _number,
        Kind.COMPLEX: _number,
        Kind.NUMBER: _number,
        Kind.LEFT_PAREN: _parenthesized,
        Kind.STRING: _string,
        Kind.RAW_STRING: _string,
    }
