"""From tokens to trees: one for the text, one for each `define` and `block`."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Final

from ollamars.prompts.gotemplate.errors import TemplateError, TemplateLimitError
from ollamars.prompts.gotemplate.lexer import Lexer
from ollamars.prompts.gotemplate.nodes import (
    Action,
    Bool,
    Break,
    Chain,
    Command,
    Continue,
    Dot,
    Field,
    Identifier,
    If,
    List,
    Nil,
    Node,
    Number,
    Operand,
    Pipe,
    Range,
    String,
    TemplateCall,
    Text,
    Variable,
    With,
    is_empty,
)
from ollamars.prompts.gotemplate.numbers import NumberError, number_value
from ollamars.prompts.gotemplate.strconv import QuoteError, quote, unquote
from ollamars.prompts.gotemplate.tokens import Kind, Token

MAX_NESTING: Final = 60
"""Deepest nesting of control structures and parentheses together."""

_BRANCHES: Final[dict[str, type[If | Range | With]]] = {"if": If, "range": Range, "with": With}
_ELSE_CHAINS: Final = {"if": Kind.IF, "with": Kind.WITH}
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

Trees = dict[str, List]
"""The parsed text under the empty name, and each defined template under its own."""


class _End:
    """`{{end}}`: closes a list."""

    def __str__(self) -> str:
        return "{{end}}"


class _Else:
    """`{{else}}`: closes a list and begins the next."""

    def __init__(self, pos: int) -> None:
        self.pos = pos

    def __str__(self) -> str:
        return "{{else}}"


def parse(text: str, functions: Container[str]) -> Trees:
    """The trees of a template. Raises `TemplateError` with Go's text.

    `functions` are the names that may be called.
    """
    trees: Trees = {}
    _Parser(Lexer(text), functions, trees).parse_text()
    return trees


class _Parser:
    """Parses the body of one template. Definitions inside have their own, over the same lexer."""

    def __init__(
        self, lexer: Lexer, functions: Container[str], trees: Trees, nesting: int = 0
    ) -> None:
        self._lexer = lexer
        self._functions = functions
        self._trees = trees
        self._lookahead: list[Token] = []
        self._line = 0
        """Line of the token that was lexed last: that of an error."""
        self._action_line = 0
        self._variables = ["$"]
        self._range_depth = 0
        self._nesting = nesting

    # Tokens

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

    # Errors

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

    # Lists

    def parse_text(self) -> None:
        """The whole text, with the definitions in it."""
        root = List(self._peek().pos)
        while self._peek().kind is not Kind.EOF:
            if self._peek().kind is Kind.LEFT_DELIM:
                delimiter = self._next()
                token = self._next_non_space()
                if token.kind is Kind.DEFINE:
                    self._inner()._parse_definition()
                    continue
                self._back(token, delimiter)
            node = self._text_or_action()
            if isinstance(node, _End | _Else):
                raise self._error(f"unexpected {node}")
            root.nodes.append(node)
        self._add("", root)

    def _inner(self) -> _Parser:
        """A parser of a definition that begins here."""
        return _Parser(self._lexer, self._functions, self._trees, self._nest())

    def _parse_definition(self) -> None:
        context = "define clause"
        token = self._next_non_space()
        if token.kind not in (Kind.STRING, Kind.RAW_STRING):
            raise self._unexpected(token, context)
        name = self._unquote(token.text)
        self._expect(Kind.RIGHT_DELIM, context)
        root, end = self._item_list()
        if not isinstance(end, _End):
            raise self._error(f"unexpected {end} in {context}")
        self._add(name, root)

    def _add(self, name: str, root: List) -> None:
        """An empty definition does not replace another, and two that are not empty clash."""
        old = self._trees.get(name)
        if old is None or is_empty(old):
            self._trees[name] = root
        elif not is_empty(root):
            raise self._error(f"template: multiple definition of template {quote(name)}")

    def _item_list(self) -> tuple[List, _End | _Else]:
        self._nesting = self._nest()
        nodes = List(self._peek_non_space().pos)
        while self._peek_non_space().kind is not Kind.EOF:
            node = self._text_or_action()
            if isinstance(node, _End | _Else):
                self._nesting -= 1
                return nodes, node
            nodes.nodes.append(node)
        raise self._error("unexpected EOF")

    def _text_or_action(self) -> Node | _End | _Else:
        token = self._next_non_space()
        if token.kind is Kind.TEXT:
            return Text(token.pos, token.text)
        if token.kind is not Kind.LEFT_DELIM:
            raise self._unexpected(token, "input")
        self._action_line = token.line
        node = self._action()
        self._action_line = 0
        return node

    # Actions

    def _action(self) -> Node | _End | _Else:
        token = self._next_non_space()
        control = self._CONTROLS.get(token.kind)
        if control is not None:
            return control(self, token)
        self._back(token)
        return Action(token.pos, self._pipeline("command", Kind.RIGHT_DELIM))

    def _loop_control(self, token: Token) -> Break | Continue:
        name = f"{{{{{token.text}}}}}"
        end = self._next_non_space()
        if end.kind is not Kind.RIGHT_DELIM:
            raise self._unexpected(end, name)
        if self._range_depth == 0:
            raise self._error(f"{name} outside {{{{range}}}}")
        return (Break if token.kind is Kind.BREAK else Continue)(token.pos)

    def _else_control(self, _token: Token) -> _Else:
        token = self._peek_non_space()
        if token.kind in (Kind.IF, Kind.WITH):
            return _Else(token.pos)
        return _Else(self._expect(Kind.RIGHT_DELIM, "else").pos)

    def _end_control(self, _token: Token) -> _End:
        self._expect(Kind.RIGHT_DELIM, "end")
        return _End()

    def _branch_control(self, token: Token) -> If | Range | With:
        """`if`, `range` or `with` to its end. `else if` nests one in the `else` of the other."""
        context = token.text
        visible = len(self._variables)
        first = branch = self._branch_head(context)
        end = self._branch_body(branch, context)
        while isinstance(end, _Else):
            if self._peek().kind is not _ELSE_CHAINS.get(context):
                branch.otherwise, end = self._item_list()
                if not isinstance(end, _End):
                    raise self._error(f"expected end; found {end}")
                break
            self._next()
            chained = self._branch_head(context)
            branch.otherwise = List(end.pos, [chained])
            branch = chained
            end = self._branch_body(branch, context)
        del self._variables[visible:]
        return first

    def _branch_head(self, context: str) -> If | Range | With:
        pipe = self._pipeline(context, Kind.RIGHT_DELIM)
        return _BRANCHES[context](pipe.pos, pipe, List(pipe.pos), None)

    def _branch_body(self, branch: If | Range | With, context: str) -> _End | _Else:
        self._range_depth += context == "range"
        branch.body, end = self._item_list()
        self._range_depth -= context == "range"
        return end

    def _block_control(self, _token: Token) -> TemplateCall:
        context = "block clause"
        token = self._next_non_space()
        name = self._template_name(token, context)
        pipe = self._pipeline(context, Kind.RIGHT_DELIM)
        inner = self._inner()
        root, end = inner._item_list()
        if not isinstance(end, _End):
            raise self._error(f"unexpected {end} in {context}")
        inner._add(name, root)
        return TemplateCall(token.pos, name, pipe)

    def _template_control(self, _token: Token) -> TemplateCall:
        context = "template clause"
        token = self._next_non_space()
        name = self._template_name(token, context)
        following = self._next_non_space()
        if following.kind is Kind.RIGHT_DELIM:
            return TemplateCall(token.pos, name, None)
        self._back(following)
        return TemplateCall(token.pos, name, self._pipeline(context, Kind.RIGHT_DELIM))

    def _template_name(self, token: Token, context: str) -> str:
        if token.kind not in (Kind.STRING, Kind.RAW_STRING):
            raise self._unexpected(token, context)
        return self._unquote(token.text)

    def _unquote(self, literal: str) -> str:
        try:
            return unquote(literal)
        except QuoteError as error:
            raise self._error(str(error)) from None

    # Pipelines

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

    _TERMS: Final[dict[Kind, Callable[[_Parser, Token], Operand]]] = {
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
    _CONTROLS: Final[dict[Kind, Callable[[_Parser, Token], Node | _End | _Else]]] = {
        Kind.BLOCK: _block_control,
        Kind.BREAK: _loop_control,
        Kind.CONTINUE: _loop_control,
        Kind.ELSE: _else_control,
        Kind.END: _end_control,
        Kind.IF: _branch_control,
        Kind.RANGE: _branch_control,
        Kind.TEMPLATE: _template_control,
        Kind.WITH: _branch_control,
    }
