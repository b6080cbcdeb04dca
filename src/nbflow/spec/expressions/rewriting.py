"""From a checked tree to a Python function of a scope and a budget.

Roots become lookups in the scope, names of comprehensions local variables; attributes, subscripts, calls and the
operators that can grow or meet what is no data become calls of our own functions. What stays Python's (comparison,
and, or, not, if) gets operands that are known to be data. Nothing is evaluated here.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from types import CodeType, FunctionType
from typing import Any, cast

from nbflow.spec.expressions import formatting, functions, lookups, methods, operators, plain
from nbflow.spec.expressions.budget import Budget
from nbflow.spec.expressions.grammar import CONSTANT_NAMES, is_null

FILE = "<expression>"
OWN_MAPPINGS = frozenset({"secrets", "env"})  # roots that are the engine's own mappings

_SCOPE, _BUDGET = "scope", "budget"
_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.FloorDiv: "divide_whole",
    ast.Mod: "remainder", ast.Pow: "power",
}  # fmt: skip
_GUARDS: dict[str, Any] = {
    **{name: getattr(operators, name) for name in _OPERATORS.values()},
    "negative": operators.negative, "positive": operators.positive, "key": operators.key, "unique": operators.unique,
    "walk": operators.walk, "walk_pairs": operators.walk_pairs, "field": lookups.field, "item": lookups.item,
    "part": lookups.part, "entry": lookups.entry, "shallow": plain.shallow, "whole": plain.whole,
    "formatted": formatting.formatted, "joined": formatting.joined, "method": methods.call, "__builtins__": {},
    **{f"f_{name}": function for name, function in functions.FUNCTIONS.items()},
}  # fmt: skip
_WEIGHS = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.Attribute, ast.Subscript, ast.Call, ast.FormattedValue, ast.BoolOp,
           ast.IfExp, ast.List, ast.Dict, ast.Tuple)  # fmt: skip

Compiled = Callable[[Mapping[str, Any], Budget], Any]


def compile_tree(tree: ast.expr) -> Compiled:
    """The function that evaluates a checked tree."""
    body = _Rewriter().plain(tree, frozenset())
    arguments = ast.arguments([], [ast.arg(_SCOPE), ast.arg(_BUDGET)], None, [], [], None, [])
    outer = ast.fix_missing_locations(ast.Expression(ast.copy_location(ast.Lambda(arguments, body), tree)))
    module = compile(outer, FILE, "eval", dont_inherit=True)
    code = next(constant for constant in module.co_consts if isinstance(constant, CodeType))
    return cast("Compiled", FunctionType(code, _GUARDS, "expression"))


class _Rewriter:
    """`plain` rewrites a node; `data` and `sound` see to it that its value may be asked for its truth, or compared."""

    def plain(self, node: ast.expr, names: frozenset[str]) -> ast.expr:
        rewrite: Callable[[Any, frozenset[str]], ast.expr] = _REWRITES[type(node)]
        return rewrite(self, node, names)  # type: ignore[call-arg, arg-type]

    def data(self, node: ast.expr, names: frozenset[str]) -> ast.expr:
        made = self.plain(node, names)
        return made if _never_opaque(node) else _call("shallow", node, made)

    def sound(self, node: ast.expr, names: frozenset[str]) -> ast.expr:
        made = self.plain(node, names)
        return made if _always_scalar(node) else _guard("whole", node, made)

    # ---- leaves

    def constant(self, node: ast.Constant, names: frozenset[str]) -> ast.expr:
        return node

    def name(self, node: ast.Name, names: frozenset[str]) -> ast.expr:
        if node.id in names:
            return ast.copy_location(ast.Name(f"v_{node.id}", ast.Load()), node)
        if node.id in CONSTANT_NAMES:
            return ast.copy_location(ast.Constant(CONSTANT_NAMES[node.id]), node)
        scope = ast.copy_location(ast.Name(_SCOPE, ast.Load()), node)
        key = ast.copy_location(ast.Constant(node.id), node)
        return ast.copy_location(ast.Subscript(scope, key, ast.Load()), node)

    # ---- lookups

    def attribute(self, node: ast.Attribute, names: frozenset[str]) -> ast.expr:
        value = node.value
        own = isinstance(value, ast.Name) and value.id in OWN_MAPPINGS and value.id not in names
        key = ast.copy_location(ast.Constant(node.attr), node)
        return _call("entry" if own else "field", node, self.plain(value, names), key)

    def subscript(self, node: ast.Subscript, names: frozenset[str]) -> ast.expr:
        value, index = self.plain(node.value, names), node.slice
        if isinstance(index, ast.Slice):
            bounds = [
                self.plain(bound, names) if bound is not None else ast.copy_location(ast.Constant(None), node)
                for bound in (index.lower, index.upper, index.step)
            ]
            return _guard("part", node, value, *bounds)
        if isinstance(node.value, ast.Name) and node.value.id in OWN_MAPPINGS and node.value.id not in names:
            return _call("entry", node, value, self.plain(index, names))
        return _guard("item", node, value, self.plain(index, names))

    def call(self, node: ast.Call, names: frozenset[str]) -> ast.expr:
        arguments = [self.plain(argument, names) for argument in node.args]
        keywords = [
            ast.copy_location(ast.keyword(keyword.arg, self.plain(keyword.value, names)), keyword)
            for keyword in node.keywords
        ]
        if isinstance(node.func, ast.Name):
            made = _guard(f"f_{node.func.id}", node, *arguments)
        else:
            assert isinstance(node.func, ast.Attribute)
            name = ast.copy_location(ast.Constant(node.func.attr), node)
            made = _guard("method", node, self.plain(node.func.value, names), name, *arguments)
        made.keywords = keywords
        return made

    # ---- operators

    def binary(self, node: ast.BinOp, names: frozenset[str]) -> ast.expr:
        guard = _OPERATORS[type(node.op)]
        return _guard(guard, node, self.plain(node.left, names), self.plain(node.right, names))

    def unary(self, node: ast.UnaryOp, names: frozenset[str]) -> ast.expr:
        if isinstance(node.op, ast.Not):
            return ast.copy_location(ast.UnaryOp(node.op, self.data(node.operand, names)), node)
        if isinstance(node.operand, ast.Constant) and type(node.operand.value) in (int, float):
            return node
        guard = "negative" if isinstance(node.op, ast.USub) else "positive"
        return _call(guard, node, self.plain(node.operand, names))

    def boolean(self, node: ast.BoolOp, names: frozenset[str]) -> ast.expr:
        values = [*(self.data(value, names) for value in node.values[:-1]), self.plain(node.values[-1], names)]
        return ast.copy_location(ast.BoolOp(node.op, values), node)

    def conditional(self, node: ast.IfExp, names: frozenset[str]) -> ast.expr:
        made = ast.IfExp(self.data(node.test, names), self.plain(node.body, names), self.plain(node.orelse, names))
        return ast.copy_location(made, node)

    def compare(self, node: ast.Compare, names: frozenset[str]) -> ast.expr:
        operands = [node.left, *node.comparators]
        identity = [isinstance(operator, (ast.Is, ast.IsNot)) for operator in node.ops]
        made = []
        for index, operand in enumerate(operands):
            beside = identity[max(0, index - 1) : index + 1]  # the operators that touch it
            if all(beside):
                made.append(self._identified(operand, names))
            else:
                made.append(self.sound(operand, names))
        return ast.copy_location(ast.Compare(made[0], node.ops, made[1:]), node)

    def _identified(self, node: ast.expr, names: frozenset[str]) -> ast.expr:
        """An operand of `is`, which touches nothing; a literal beside it would make Python warn."""
        made = self.plain(node, names)
        return _call("shallow", node, made) if not is_null(node) and _never_opaque(node) else made

    # ---- displays

    def display(self, node: ast.List | ast.Tuple, names: frozenset[str]) -> ast.expr:
        items = [self.plain(item, names) for item in node.elts]
        return ast.copy_location(type(node)(items, ast.Load()), node)

    def display_set(self, node: ast.Set, names: frozenset[str]) -> ast.expr:
        items = [self.plain(item, names) for item in node.elts]
        return _guard("unique", node, ast.copy_location(ast.List(items, ast.Load()), node))

    def display_dict(self, node: ast.Dict, names: frozenset[str]) -> ast.expr:
        keys = [self._key(key, names) for key in node.keys if key is not None]
        return ast.copy_location(ast.Dict([*keys], [self.plain(value, names) for value in node.values]), node)

    def _key(self, node: ast.expr, names: frozenset[str]) -> ast.expr:
        made = self.plain(node, names)
        return made if isinstance(node, ast.Constant) else _guard("key", node, made)

    def formatted(self, node: ast.FormattedValue, names: frozenset[str]) -> ast.expr:
        spec = node.format_spec
        text = self.plain(spec, names) if spec is not None else ast.copy_location(ast.Constant(""), node)
        conversion = ast.copy_location(ast.Constant(node.conversion), node)
        return _guard("formatted", node, self.plain(node.value, names), conversion, text)

    def joined(self, node: ast.JoinedStr, names: frozenset[str]) -> ast.expr:
        return _guard("joined", node, *(self.plain(part, names) for part in node.values))

    # ---- comprehensions

    def comprehension(self, node: ast.ListComp | ast.GeneratorExp, names: frozenset[str]) -> ast.expr:
        generators, inner = self._generators(node, names, [node.elt])
        return ast.copy_location(type(node)(self.plain(node.elt, inner), generators), node)

    def comprehension_set(self, node: ast.SetComp, names: frozenset[str]) -> ast.expr:
        generators, inner = self._generators(node, names, [node.elt])
        made = ast.copy_location(ast.ListComp(self.plain(node.elt, inner), generators), node)
        return _guard("unique", node, made)

    def comprehension_dict(self, node: ast.DictComp, names: frozenset[str]) -> ast.expr:
        generators, inner = self._generators(node, names, [node.key, node.value])
        made = ast.DictComp(self._key(node.key, inner), self.plain(node.value, inner), generators)
        return ast.copy_location(made, node)

    def _generators(
        self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp, names: frozenset[str],
        results: list[ast.expr],
    ) -> tuple[list[ast.comprehension], frozenset[str]]:  # fmt: skip
        made = []
        for place, generator in enumerate(node.generators):
            below = [*results, *generator.ifs, *(one for later in node.generators[place + 1 :] for one in later.ifs)]
            weight = ast.copy_location(ast.Constant(1 + _weight(below)), generator.iter)
            source = self.plain(generator.iter, names)
            shape = _shape(generator.target)
            if shape:
                shape_node = ast.copy_location(_literal(shape), generator.iter)
                walked = _guard("walk_pairs", generator.iter, source, weight, shape_node)
            else:
                walked = _guard("walk", generator.iter, source, weight)
            names = names | frozenset(one.id for one in ast.walk(generator.target) if isinstance(one, ast.Name))
            conditions = [self.data(condition, names) for condition in generator.ifs]
            made.append(ast.comprehension(_renamed(generator.target), walked, conditions, 0))
        return made, names


_REWRITES: dict[type[ast.expr], Any] = {
    ast.Constant: _Rewriter.constant, ast.Name: _Rewriter.name, ast.Attribute: _Rewriter.attribute,
    ast.Subscript: _Rewriter.subscript, ast.Call: _Rewriter.call, ast.BinOp: _Rewriter.binary,
    ast.UnaryOp: _Rewriter.unary, ast.BoolOp: _Rewriter.boolean, ast.IfExp: _Rewriter.conditional,
    ast.Compare: _Rewriter.compare, ast.List: _Rewriter.display, ast.Tuple: _Rewriter.display,
    ast.Set: _Rewriter.display_set, ast.Dict: _Rewriter.display_dict, ast.FormattedValue: _Rewriter.formatted,
    ast.JoinedStr: _Rewriter.joined, ast.ListComp: _Rewriter.comprehension, ast.GeneratorExp: _Rewriter.comprehension,
    ast.SetComp: _Rewriter.comprehension_set, ast.DictComp: _Rewriter.comprehension_dict,
}  # fmt: skip


def _call(guard: str, node: ast.expr, *arguments: ast.expr) -> ast.Call:
    """A call of one of our functions, standing where `node` stands."""
    function = ast.copy_location(ast.Name(guard, ast.Load()), node)
    return ast.copy_location(ast.Call(function, list(arguments), []), node)


def _guard(guard: str, node: ast.expr, *arguments: ast.expr) -> ast.Call:
    """The same for a function that takes the budget first."""
    return _call(guard, node, ast.copy_location(ast.Name(_BUDGET, ast.Load()), node), *arguments)


def _never_opaque(node: ast.expr) -> bool:
    """Whether the value is data at its top, whatever the roots are."""
    return not isinstance(node, (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.IfExp, ast.BoolOp))


def _always_scalar(node: ast.expr) -> bool:
    """Whether the value is a number, a text, a boolean or null of moderate size."""
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not) or _always_scalar(node.operand)
    return isinstance(node, (ast.Constant, ast.Compare)) or is_null(node)


def _weight(nodes: list[ast.expr]) -> int:
    """How many operations there are in `nodes`."""
    return sum(isinstance(inner, _WEIGHS) for node in nodes for inner in ast.walk(node))


Shape = tuple[Any, ...]


def _shape(target: ast.expr) -> Shape:
    """How a target takes values apart: ``i, (a, b)`` is ``((), ((), ()))``, a name alone is ``()``."""
    return tuple(_shape(part) for part in target.elts) if isinstance(target, (ast.Tuple, ast.List)) else ()


def _literal(shape: Shape) -> ast.expr:
    return ast.Tuple([_literal(part) for part in shape], ast.Load())


def _renamed(target: ast.expr) -> ast.expr:
    if isinstance(target, (ast.Tuple, ast.List)):
        return ast.copy_location(ast.Tuple([_renamed(part) for part in target.elts], ast.Store()), target)
    assert isinstance(target, ast.Name)
    return ast.copy_location(ast.Name(f"v_{target.id}", ast.Store()), target)
