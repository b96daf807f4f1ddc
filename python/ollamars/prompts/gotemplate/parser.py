"""From tokens to trees: one for the text, one for each `define` and `block`."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Final

from ollamars.prompts.gotemplate.lexer import Lexer
from ollamars.prompts.gotemplate.nodes import (
    Action,
    Break,
    Continue,
    If,
    List,
    Node,
    Range,
    TemplateCall,
    Text,
    With,
    is_empty,
)
from ollamars.prompts.gotemplate.pipeline_parser import PipelineParser
from ollamars.prompts.gotemplate.strconv import quote
from ollamars.prompts.gotemplate.tokens import Kind, Token

_BRANCHES: Final[dict[str, type[If | Range | With]]] = {"if": If, "range": Range, "with": With}
_ELSE_CHAINS: Final = {"if": Kind.IF, "with": Kind.WITH}

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


class _Parser(PipelineParser):
    """Parses the body of one template. Definitions inside have their own, over the same lexer."""

    def __init__(
        self, lexer: Lexer, functions: Container[str], trees: Trees, nesting: int = 0
    ) -> None:
        super().__init__(lexer, functions, nesting)
        self._trees = trees
        self._range_depth = 0

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
