"""What an expression reads, found without running it: the edges of the graph are made of this."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from nbflow.spec.document import Located
from nbflow.spec.expressions.grammar import CONSTANT_NAMES, is_null
from nbflow.spec.expressions.parsing import Parsed

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """A root and the fields and places that follow it, as far as they are written out.

    `offset` is that of the root, from 0, in the expression's text, or in the text of `at` when that is known.
    `tested` says that the root is compared with None, or is read only where such a test has said that it is not;
    `truth`, that the test asked for its plain truth, so that 0 and "" count as missing too.
    """

    root: str
    path: Path
    offset: int
    tested: bool = False
    truth: bool = False
    at: Located | None = field(default=None, compare=False, repr=False)


def references(parsed: Parsed) -> tuple[Reference, ...]:
    """The references of an expression, in the order in which they are written."""
    found = _Finder(parsed)
    found.visit(parsed.tree, frozenset(), {})
    return tuple(sorted(found.references, key=lambda reference: reference.offset))


Known = dict[str, bool]  # roots that are not None here; True when a plain truth said so


class _Finder:
    def __init__(self, parsed: Parsed):
        self._parsed = parsed
        self.references: list[Reference] = []

    def visit(self, node: ast.AST, bound: frozenset[str], known: Known) -> None:
        """Finds the references in `node`; `bound` are names of comprehensions, `known` roots that have a value."""
        match node:
            case ast.Name() | ast.Attribute() | ast.Subscript():
                self._chain(node, bound, known)
            case ast.Call():
                self._call(node, bound, known)
            case ast.IfExp():
                self.visit_tested(node.test, bound, known)
                self.visit(node.body, bound, known | _not_none(node.test, True))
                self.visit(node.orelse, bound, known | _not_none(node.test, False))
            case ast.BoolOp():
                self._bool(node, bound, known)
            case ast.Compare():
                self._compare(node, bound, known)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                self._comprehension(node, bound, known)
            case _:
                for child in ast.iter_child_nodes(node):
                    self.visit(child, bound, known)

    def visit_tested(self, node: ast.expr, bound: frozenset[str], known: Known) -> None:
        """The same for a condition: a root that stands alone in it is tested for its truth."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self.visit_tested(node.operand, bound, known)
        elif isinstance(node, ast.BoolOp):
            self._bool(node, bound, known)
        elif isinstance(node, ast.Name) and node.id not in bound:
            self._add(node, (), tested=True, truth=True)
        else:
            self.visit(node, bound, known)

    def _bool(self, node: ast.BoolOp, bound: frozenset[str], known: Known) -> None:
        holds = isinstance(node.op, ast.And)
        for value in node.values[:-1]:
            self.visit_tested(value, bound, known)
            known = known | _not_none(value, holds)
        self.visit(node.values[-1], bound, known)

    def _compare(self, node: ast.Compare, bound: frozenset[str], known: Known) -> None:
        root = _compared_with_none(node)
        if root is not None and root.id not in bound:
            self._add(root, (), tested=True)
            return
        for operand in (node.left, *node.comparators):
            self.visit(operand, bound, known)

    def _call(self, node: ast.Call, bound: frozenset[str], known: Known) -> None:
        if isinstance(node.func, ast.Attribute):
            self.visit(node.func.value, bound, known)
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            self.visit(argument, bound, known)

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, bound: frozenset[str], known: Known
    ) -> None:
        for generator in node.generators:
            self.visit(generator.iter, bound, known)
            bound = bound | frozenset(_names(generator.target))
            for condition in generator.ifs:
                self.visit_tested(condition, bound, known)
                known = known | _not_none(condition, True)
        for part in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
            self.visit(part, bound, known)

    def _chain(self, node: ast.expr, bound: frozenset[str], known: Known) -> None:
        """A root with what follows it; what stands in brackets is visited too."""
        steps: list[ast.expr] = []
        while isinstance(node, (ast.Attribute, ast.Subscript)):
            steps.append(node)
            node = node.value
        path: list[str | int] = []
        written_out = True
        for step in reversed(steps):
            key = step_key(step)
            written_out = written_out and key is not None
            if written_out and key is not None:
                path.append(key)
            if isinstance(step, ast.Subscript) and key is None:
                self.visit(step.slice, bound, known)
        if isinstance(node, ast.Name):
            if node.id not in bound and node.id not in CONSTANT_NAMES:
                self._add(node, tuple(path), tested=node.id in known, truth=known.get(node.id, False))
        else:
            self.visit(node, bound, known)

    def _add(self, node: ast.Name, path: Path, *, tested: bool = False, truth: bool = False) -> None:
        if node.id not in CONSTANT_NAMES:
            self.references.append(Reference(node.id, path, self._parsed.start(node), tested, truth))


def step_key(node: ast.expr) -> str | int | None:
    """The key or place of ``.name``, ``["name"]`` or ``[0]``; None when it is known only at run."""
    if isinstance(node, ast.Attribute):
        return node.attr
    assert isinstance(node, ast.Subscript)
    index = node.slice
    if isinstance(index, ast.Constant) and type(index.value) in (str, int):
        return index.value  # type: ignore[return-value]
    match index:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as place)) if type(place) is int:
            return -place
        case _:
            return None


def _names(target: ast.expr) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            yield node.id


def _compared_with_none(node: ast.Compare) -> ast.Name | None:
    """The root of ``root is None``, ``root != None`` and the like."""
    if len(node.ops) != 1 or not isinstance(node.ops[0], (ast.Is, ast.IsNot, ast.Eq, ast.NotEq)):
        return None
    for one, other in ((node.left, node.comparators[0]), (node.comparators[0], node.left)):
        if isinstance(one, ast.Name) and not is_null(one) and is_null(other):
            return one
    return None


def _not_none(test: ast.expr, holds: bool) -> Known:
    """The roots that cannot be None when `test` holds, or when it does not."""
    match test:
        case ast.Name():
            return {test.id: True} if holds else {}
        case ast.UnaryOp(op=ast.Not()):
            return _not_none(test.operand, not holds)
        case ast.BoolOp(op=ast.And()) if holds:
            return _merged(test.values, True)
        case ast.BoolOp(op=ast.Or()) if not holds:
            return _merged(test.values, False)
        case ast.Compare():
            root = _compared_with_none(test)
            if root is not None and isinstance(test.ops[0], (ast.IsNot, ast.NotEq)) == holds:
                return {root.id: False}
        case _:
            pass
    return {}


def _merged(values: list[ast.expr], holds: bool) -> Known:
    known: Known = {}
    for value in values:
        for root, truth in _not_none(value, holds).items():
            known[root] = known.get(root, True) and truth
    return known
