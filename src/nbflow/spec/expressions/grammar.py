"""The part of Python that is the language: what may stand in a tree, and what to say of what may not."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nbflow.spec.expressions.budget import BITS, DEPTH
from nbflow.spec.expressions.calls import check_call, forbidden, takes_generator
from nbflow.spec.expressions.errors import ExpressionError

if TYPE_CHECKING:
    from nbflow.spec.expressions.parsing import Parsed

_CHILDREN: dict[type[ast.AST], tuple[str, ...]] = {
    ast.Constant: (), ast.Name: (), ast.Attribute: ("value",), ast.Subscript: ("value", "slice"),
    ast.Slice: ("lower", "upper", "step"), ast.Call: ("args", "keywords"), ast.keyword: ("value",),
    ast.BinOp: ("left", "right"), ast.UnaryOp: ("operand",), ast.BoolOp: ("values",),
    ast.Compare: ("left", "comparators"), ast.IfExp: ("body", "test", "orelse"), ast.List: ("elts",),
    ast.Tuple: ("elts",), ast.Set: ("elts",), ast.Dict: ("keys", "values"), ast.ListComp: ("elt", "generators"),
    ast.SetComp: ("elt", "generators"), ast.DictComp: ("key", "value", "generators"),
    ast.GeneratorExp: ("elt", "generators"), ast.comprehension: ("target", "iter", "ifs"),
    ast.JoinedStr: ("values",), ast.FormattedValue: ("value", "format_spec"),
}  # fmt: skip
_OPERATORS = frozenset({ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow})

_REFUSED: dict[type[ast.AST], str] = {
    ast.Lambda: "functions cannot be defined here (lambda)",
    ast.NamedExpr: ":= is not in the language",
    ast.Await: "await is not in the language",
    ast.Yield: "yield is not in the language",
    ast.YieldFrom: "yield is not in the language",
    ast.Starred: "* for several values is not in the language",
    ast.MatMult: "@ is not in the language",
    ast.BitOr: "| is not in the language; there are no filters either",
    ast.BitAnd: "& is not in the language; write 'and'",
    ast.BitXor: "^ is not in the language; a power is **",
    ast.LShift: "<< is not in the language",
    ast.RShift: ">> is not in the language",
    ast.Invert: "~ is not in the language; write 'not'",
}

CONSTANT_NAMES: dict[str, Any] = {"true": True, "false": False, "null": None}


def check(parsed: Parsed) -> None:
    """Raises ExpressionError for the first thing in the text that is not in the language."""
    _Check(parsed).visit(parsed.tree)


def too_deep(at: int = 0) -> ExpressionError:
    """The error for what would exhaust those who walk through a tree."""
    hint = "move parts of it into nodes of their own"
    return ExpressionError("expr.limit", "the expression is nested too deeply", at, hint)


def odd_character(character: str, at: int) -> ExpressionError:
    """The error for a character that may stand in strings only."""
    shown = f"'{character}' " if character.isprintable() else ""
    message = f"there is an odd character here: {shown}(U+{ord(character):04X})"
    hint = 'names are plain letters, digits and _; for another key write ["…"]'
    return ExpressionError("expr.odd_character", message, at, hint)


class _Check:
    """Goes over a tree, without recursion; `parsed` tells places."""

    def __init__(self, parsed: Parsed):
        self._parsed = parsed
        self._ascii = parsed.text.isascii()
        self._errors: list[ExpressionError] = []
        self._arguments: set[int] = set()  # generators that stand where one may

    def visit(self, tree: ast.expr) -> None:
        waiting: list[tuple[ast.AST, int]] = [(tree, 1)]
        while waiting:
            node, depth = waiting.pop()
            if depth > DEPTH:
                raise too_deep()
            kind = type(node)
            fields = _CHILDREN.get(kind)
            if fields is None:
                self._refuse(node, self._parsed.start(node))  # type: ignore[arg-type]
                continue
            rule = _RULES.get(kind)
            if rule is not None:
                self._apply(rule, node)
            waiting += [(child, depth + 1) for child in _below(node, fields)]
        if self._errors:
            raise min(self._errors, key=lambda error: error.offset)

    def _apply(self, rule: Callable[[_Check, Any], None], node: ast.AST) -> None:
        try:
            rule(self, node)
        except ExpressionError as error:
            self._errors.append(error)

    def _refuse(self, node: ast.AST, at: int) -> None:
        message = _REFUSED.get(type(node), f"{type(node).__name__} is not in the language")
        hint = "write … if … else …, or a listed function" if isinstance(node, ast.Lambda) else None
        self._errors.append(forbidden(message, at, hint))

    def _binary(self, node: ast.BinOp) -> None:
        if type(node.op) in _OPERATORS:
            return
        at = operator_offset(self._parsed, node)
        word = re.match(r"\s*(\w+)", self._parsed.text[at + 1 :])
        message = _REFUSED[type(node.op)]
        if isinstance(node.op, ast.BitOr) and word:
            message = f"there are no filters: '| {word.group(1)}' is not in the language"
        raise forbidden(message, at)

    def _unary(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Invert):
            raise forbidden(_REFUSED[ast.Invert], self._parsed.start(node))

    def _name(self, node: ast.Name) -> None:
        if node.id.startswith("__"):
            at = self._parsed.start(node)
            raise forbidden(f"names that begin with __ cannot be used ({node.id})", at, length=len(node.id))
        if not self._ascii:
            self._plain_name(node.id)

    def _plain_name(self, name: str) -> None:
        """Refuses a name that Python read as another, or that has more than plain letters."""
        text = self._parsed.text
        if not name.isascii():
            odd = next(character for character in name if not character.isascii())
            raise odd_character(odd, max(text.find(odd), 0))
        if not re.search(rf"\b{re.escape(name)}\b", text, re.ASCII):
            at, odd = next((place, one) for place, one in enumerate(text) if not one.isascii())
            raise odd_character(odd, at)

    def _constant(self, node: ast.Constant) -> None:
        if node.value is not None and type(node.value) not in (str, int, float, bool):
            what = {bytes: "bytes", complex: "an imaginary number"}.get(type(node.value), "...")
            raise forbidden(f"{what} cannot be written here", self._parsed.start(node))
        if type(node.value) is int and node.value.bit_length() > BITS:
            raise ExpressionError("expr.limit", "the number is too large", self._parsed.start(node))

    def _attribute(self, node: ast.Attribute) -> None:
        if node.attr.startswith("__"):
            at = self._parsed.end(node) - len(node.attr)
            hint = f'if it is a key of your data, write ["{node.attr}"]'
            raise forbidden(f"names that begin with __ cannot be used ({node.attr})", at, hint, len(node.attr))
        if not self._ascii:
            self._plain_name(node.attr)

    def _subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.slice, ast.Tuple) and any(isinstance(part, ast.Slice) for part in node.slice.elts):
            raise forbidden("a list has one dimension: one slice between [ ]", self._parsed.start(node.slice))

    def _call(self, node: ast.Call) -> None:
        if takes_generator(node):
            self._arguments.update(id(argument) for argument in node.args)
        if isinstance(node.func, ast.Attribute):
            self._attribute(node.func)
        check_call(node, self._parsed)

    def _compare(self, node: ast.Compare) -> None:
        operands = [node.left, *node.comparators]
        for index, operator in enumerate(node.ops):
            if isinstance(operator, (ast.Is, ast.IsNot)) and not (
                is_null(operands[index + 1]) or (is_null(operands[index]) and len(node.ops) == 1)
            ):
                sign = "==" if isinstance(operator, ast.Is) else "!="
                word = "is" if isinstance(operator, ast.Is) else "is not"
                at = self._parsed.start(operands[index + 1])
                raise forbidden(f"'{word}' compares with None only", at, f"write {sign}")

    def _dict(self, node: ast.Dict) -> None:
        if any(key is None for key in node.keys):
            at = self._parsed.start(node)
            raise forbidden("** for several values is not in the language", at, "write dict(a, key=value)")

    def _comprehension(self, node: ast.comprehension) -> None:
        if node.is_async:
            raise forbidden("async is not in the language", self._parsed.start(node.target))
        self._target(node.target)

    def _target(self, target: ast.expr) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            for part in target.elts:
                self._target(part)
        elif not isinstance(target, ast.Name):
            raise forbidden("what follows 'for' is a name", self._parsed.start(target))
        elif target.id in CONSTANT_NAMES:
            raise forbidden(f"'{target.id}' is a value and cannot be a name", self._parsed.start(target))

    def _generator(self, node: ast.GeneratorExp) -> None:
        if id(node) not in self._arguments:
            raise forbidden(
                "a comprehension needs [ ] around it here", self._parsed.start(node), "write [… for … in …]"
            )


_RULES: dict[type[ast.AST], Callable[[_Check, Any], None]] = {
    ast.Name: _Check._name, ast.Constant: _Check._constant, ast.Attribute: _Check._attribute,
    ast.Subscript: _Check._subscript, ast.Call: _Check._call, ast.Compare: _Check._compare, ast.Dict: _Check._dict,
    ast.comprehension: _Check._comprehension, ast.GeneratorExp: _Check._generator, ast.BinOp: _Check._binary,
    ast.UnaryOp: _Check._unary,
}  # fmt: skip


def _below(node: ast.AST, fields: tuple[str, ...]) -> list[ast.AST]:
    """The nodes right below one."""
    found: list[ast.AST] = _called_on(node.func) if type(node) is ast.Call else []
    for field in fields:
        child = getattr(node, field)
        if type(child) is list:
            found += child
        else:
            found.append(child)
    return [one for one in found if one is not None]


def _called_on(func: ast.expr) -> list[ast.AST]:
    """What a call reads besides its arguments: the value a method is called on."""
    if isinstance(func, ast.Attribute):
        return [func.value]
    return [func] if isinstance(func, ast.Lambda) else []


def is_null(node: ast.expr) -> bool:
    """None, or null."""
    if isinstance(node, ast.Constant):
        return node.value is None
    return isinstance(node, ast.Name) and node.id == "null"


def operator_offset(parsed: Parsed, node: ast.BinOp) -> int:
    """Where the sign of an operation stands, between its sides."""
    start, end = parsed.end(node.left), parsed.start(node.right)
    found = re.search(r"[^\s()]", parsed.text[start:end])
    return start + found.start() if found else start
