"""An expression: read once, evaluated often.

A plain path (``fetch.body``) is neither parsed nor compiled: it is looked up. Everything else is compiled when it is
first evaluated, so that drawing and checking a workflow pays for reading only.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from keyword import iskeyword
from typing import Any

from nbflow.errors import NbflowError
from nbflow.spec.document import Located
from nbflow.spec.expressions.budget import DEPTH, LENGTH, Budget
from nbflow.spec.expressions.errors import ExpressionError
from nbflow.spec.expressions.explaining import CAUGHT, explain
from nbflow.spec.expressions.grammar import CONSTANT_NAMES
from nbflow.spec.expressions.leaving import leave
from nbflow.spec.expressions.lookups import entry, field
from nbflow.spec.expressions.parsing import Parsed, parse
from nbflow.spec.expressions.references import Reference, references
from nbflow.spec.expressions.rewriting import OWN_MAPPINGS, Compiled, compile_tree
from nbflow.spec.expressions.secrecy import check_secrecy

_PATH = re.compile(r"[ \t\r\n]*([A-Za-z_][A-Za-z0-9_]*)((?:\.[A-Za-z_][A-Za-z0-9_]*)*)[ \t\r\n]*")
_READY = frozenset((str, int, bool, type(None)))


class _Core:
    """What expressions of the same text share."""

    __slots__ = ("passes_on", "path", "references", "run", "text", "tree")

    def __init__(self, text: str, found: tuple[Reference, ...], path: tuple[str, ...] | None, tree: Parsed | None):
        self.text, self.references, self.path, self.tree = text, found, path, tree
        self.passes_on = tree is None or _passes_on(tree.tree)  # what leaves has come in: it is JSON already
        self.run: Compiled | None = None

    def compiled(self) -> Compiled:
        run = self.run
        if run is None:
            parsed = self.tree or parse(self.text)
            self.run = run = compile_tree(parsed.tree)
            self.tree = None
        return run


def _passes_on(tree: ast.expr) -> bool:
    """Whether the value is one of those that are read, and nothing that is made."""
    match tree:
        case ast.Name():
            return True
        case ast.Attribute(value=value):
            return _passes_on(value)
        case ast.Subscript(value=value, slice=place):
            return not isinstance(place, ast.Slice) and _passes_on(value)
        case ast.IfExp(body=body, orelse=orelse):
            return _passes_on(body) and _passes_on(orelse)
        case ast.BoolOp(values=values):
            return all(map(_passes_on, values))
        case ast.Constant(value=value):
            return not isinstance(value, float)
        case _:
            return False


@lru_cache(maxsize=4096)
def _core(text: str) -> _Core:
    found = _PATH.fullmatch(text) if len(text) <= LENGTH else None
    if found is not None and not iskeyword(found.group(1)) and found.group(1) not in CONSTANT_NAMES:
        names = tuple(found.group(2).split(".")[1:])
        root = found.group(1)
        if (
            len(names) < DEPTH
            and not (root == "secrets" and len(names) > 1)
            and not any(iskeyword(name) or name.startswith("__") for name in (root, *names))
        ):
            reference = Reference(root, names, found.start(1))
            _refuse_whole((reference,))
            return _Core(text, (reference,), names, None)
    parsed = parse(text)
    read = references(parsed)
    if any(reference.root == "secrets" for reference in read):
        check_secrecy(parsed)
    _refuse_whole(read)
    return _Core(text, read, None, parsed)


def _refuse_whole(read: tuple[Reference, ...]) -> None:
    for reference in read:
        root = reference.root
        if root in OWN_MAPPINGS and (not reference.path or not isinstance(reference.path[0], str)):
            code = "secret.exposed" if root == "secrets" else "expr.forbidden"
            message = f"'{root}' cannot be read as a whole; name one of them"
            raise ExpressionError(code, message, reference.offset, f"write {root}.NAME", len(root))


class Expression:
    """One expression of a workflow.

    >>> from nbflow.spec.expressions import compile_expression
    >>> compile_expression("score > 0.8 and len(items) < 3").evaluate({"score": 0.9, "items": []})
    True
    """

    __slots__ = ("_core", "_path", "_root", "at", "column", "constant", "line", "references", "text")

    def __init__(self, core: _Core, line: int = 1, column: int = 1, at: Located | None = None, offset: int = 0):
        self.text, self.line, self.column, self.at = core.text, line, column, at
        self._core = core
        self.constant = not core.references
        self.references = core.references if at is None else _placed(core.references, at, offset)
        self._path = core.path
        self._root = core.references[0].root if core.path is not None else ""

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def evaluate(self, scope: Mapping[str, Any]) -> Any:
        """The value, as JSON data or one opaque value; ``scope[root]`` gives what a root stands for.

        The value may share parts with the scope, so it must not be changed. Raises EvaluationError.
        """
        try:
            path = self._path
            if path is not None:
                value = scope[self._root]
                for name in path:
                    if type(value) is dict and name in value:
                        value = value[name]
                    else:
                        return self._slowly(scope)
                return value
            budget = Budget()
            value = (self._core.run or self._core.compiled())(scope, budget)
            return value if type(value) in _READY or self._core.passes_on else leave(budget, value)
        except CAUGHT as error:
            if isinstance(error, NbflowError):  # one that the scope has raised, and says what it is
                raise
            raise explain(self.text, error, scope) from None

    def _slowly(self, scope: Mapping[str, Any]) -> Any:
        """A path that does not go through mappings alone: through the engine's own, or into an error."""
        if self._root in OWN_MAPPINGS:
            value = entry(scope[self._root], self._path[0]) if self._path else scope[self._root]
            for name in (self._path or ())[1:]:
                value = field(value, name)
            return value
        budget = Budget()
        return leave(budget, self._core.compiled()(scope, budget))


def _placed(found: tuple[Reference, ...], at: Located, offset: int) -> tuple[Reference, ...]:
    return tuple(replace(reference, at=at, offset=reference.offset + offset) for reference in found)


def compile_expression(text: str, *, line: int = 1, column: int = 1) -> Expression:
    """The expression of a text. Raises ExpressionError (``expr.*``) with the offset of what is wrong."""
    return Expression(_core(text), line, column)


def expression_at(text: str, at: Located, offset: int) -> Expression:
    """The same for a part of a located text, which begins at `offset` of it. Raises ExpressionError."""
    return Expression(_core(text), at.line, at.column, at, offset)
