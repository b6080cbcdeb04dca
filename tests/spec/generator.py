"""Random expressions, most of them sensible, and CPython's own answer to them.

The same text is given to nbflow and to `eval`. What `eval` gives is brought into JSON as the language says it is:
tuples, ranges and views are lists, NaN and infinities are refused, keys are text.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

from nbflow.spec.expressions import EvaluationError, ExpressionError, compile_expression


class Keyed(dict):  # type: ignore[type-arg]
    """A mapping whose fields can be read with a dot, for `eval`."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


DATA: dict[str, Any] = {
    "n": 3, "zero": 0, "neg": -7, "big": 12345678901234567890, "half": 0.5, "pi": 3.25, "s": "text", "t": "Ab,cD,é",
    "empty": "", "yes": True, "no": False, "nothing": None, "xs": [3, 1, 2], "words": ["b", "a", "ab", ""],
    "mixed": [1, "a", None, 2.5, [1]], "pairs": [["a", 1], ["b", 2]], "none": [],
    "m": {"a": 1, "b": "x", "c": [1, 2], "d": {"e": None}}, "rows": [{"id": 1, "v": 2.5}, {"id": 2, "v": -1}],
}  # fmt: skip


def keyed(value: Any) -> Any:
    """The data as `eval` gets it."""
    if isinstance(value, dict):
        return Keyed({key: keyed(item) for key, item in value.items()})
    return [keyed(item) for item in value] if isinstance(value, list) else value


_BUILTINS = {
    each.__name__: each
    for each in (abs, all, any, bool, dict, enumerate, float, int, len, list, max, min, range, reversed, round, set,
                 sorted, str, sum, tuple, zip)
}  # fmt: skip
_NAMES = {"true": True, "false": False, "null": None}


class NotJson(Exception):
    """What `eval` gave cannot leave an expression."""


class OfSet(list):  # type: ignore[type-arg]
    """The items of a set: in any order."""


def as_json(value: Any) -> Any:
    """What `eval` gave, in JSON."""
    if value is None or isinstance(value, (bool, str)) or type(value) is int:
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise NotJson
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise NotJson
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return OfSet(as_json(item) for item in value)
    if isinstance(value, (list, tuple, range, zip, enumerate, reversed)) or type(value).__name__.startswith("dict_"):
        return [as_json(item) for item in value]
    raise NotJson


def same(ours: Any, theirs: Any) -> bool:
    """Equality in JSON, types and the order of keys included."""
    if isinstance(theirs, OfSet):
        return isinstance(ours, list) and sorted(map(repr, ours)) == sorted(map(repr, theirs))
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, dict):
        return list(ours) == list(theirs) and all(same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return bool(ours == theirs)


RAISES = object()
LIMIT = object()


def by_python(text: str, code: Any = None) -> Any:
    """What CPython says; RAISES when it raises."""
    try:
        return as_json(eval(code or text, {"__builtins__": _BUILTINS, **_NAMES, **keyed(DATA)}))
    except (NotJson, TypeError, ValueError, LookupError, ArithmeticError, AttributeError):
        return RAISES


def by_nbflow(text: str) -> Any:
    """What nbflow says; RAISES when it raises, LIMIT when a budget ended it, or text met % (which is for numbers)."""
    try:
        return compile_expression(text).evaluate(DATA)
    except (EvaluationError, ExpressionError) as error:
        return LIMIT if error.code == "expr.limit" or error.message.startswith("% works on") else RAISES


class Writer:
    """Writes random expressions; the same seed writes the same ones."""

    def __init__(self, source: random.Random):
        self._random = source
        self._locals: list[tuple[str, str]] = []
        self._made = 0
        self._kinds: dict[str, Callable[[int], str]] = {
            "number": self.number, "text": self.text, "truth": self.truth, "list": self.list, "mapping": self.mapping,
        }  # fmt: skip

    def expression(self) -> str:
        self._locals.clear()
        return self.any(self._random.choice((1, 2, 2, 3, 3, 4)))

    def any(self, depth: int) -> str:
        return self._kinds[self._random.choice(list(self._kinds))](depth)

    def of(self, kind: str, depth: int) -> str:
        """Mostly of this kind; now and then of another, so that errors are met too."""
        if self._random.random() < 0.06:
            return self.any(depth)
        local = [name for name, known in self._locals if known == kind]
        if local and self._random.random() < 0.5:
            return self._random.choice(local)
        return self._kinds[kind](depth)

    def _one_of(self, depth: int, leaves: list[str], forms: list[Callable[[], str]]) -> str:
        if depth <= 0 or self._random.random() < 0.15:
            return self._random.choice(leaves)
        return self._random.choice(forms)()

    def number(self, depth: int) -> str:
        d = depth - 1
        of, pick = self.of, self._random.choice
        leaves = ["0", "1", "2", "-3", "7", "0.5", "1e3", "10", "n", "zero", "neg", "half", "pi", "big", "m.a",
                  "rows[0].id", "rows[-1].v", "xs[1]"]  # fmt: skip
        return self._one_of(depth, leaves, [
            lambda: f"({of('number', d)} {pick(['+', '-', '*', '/', '//', '%', '+', '-', '*'])} {of('number', d)})",
            lambda: f"{pick(['-', '+'])}{of('number', d)}" if self._random.random() < 0.8 else f"-({of('number', d)})",
            lambda: f"({of('number', d)}) ** {pick(['0', '1', '2', '3', '-1', '-2'])}",
            lambda: f"abs({of('number', d)})",
            lambda: f"int({of(pick(['number', 'text', 'truth']), d)})",
            lambda: f"float({of(pick(['number', 'text']), d)})",
            lambda: f"round({of('number', d)}{pick(['', ', 1', ', -1', ', 2', ', ndigits=0', ', None'])})",
            lambda: f"len({of(pick(['list', 'text', 'mapping']), d)})",
            lambda: f"sum({of('list', d)}{pick(['', '', ', 1', ', start=0.5'])})",
            lambda: f"{pick(['min', 'max'])}({of('list', d)}{pick(['', '', ', default=0'])})",
            lambda: f"{pick(['min', 'max'])}({of('number', d)}, {of('number', d)})",
            lambda: f"({of('number', d)} if {of('truth', d)} else {of('number', d)})",
            lambda: f"{of('text', d)}.{pick(['find', 'count', 'index'])}({of('text', d)})",
            lambda: f"({of('list', d)}).{pick(['count', 'index'])}({of('number', d)})",
            lambda: f"({of('list', d)})[{of('number', d)}]",
            lambda: f"({of('mapping', d)})[{of('text', d)}]",
            lambda: pick(["m.a", "m.zz", "m.d.e", "rows[0].id", "xs.a", "nothing.a", "(m if yes else rows[1]).a"]),
            lambda: f"({of('number', d)} {pick(['and', 'or'])} {of('number', d)})",
        ])  # fmt: skip

    def text(self, depth: int) -> str:
        d = depth - 1
        of, pick = self.of, self._random.choice
        leaves = [
            "''",
            "'a'",
            "'B,c'",
            "' x '",
            "'12'",
            "'é'",
            "s",
            "t",
            "empty",
            "words[0]",
            "m.b",
            "'a' 'b'",
            r"'\n'",
        ]
        return self._one_of(depth, leaves, [
            lambda: f"({of('text', d)} + {of('text', d)})",
            lambda: f"({of('text', d)} * {pick(['2', '0', '-1', 'n', 'true'])})",
            lambda: f"({of('text', d)}).{pick(['lower', 'upper', 'title', 'capitalize', 'strip', 'lstrip', 'rstrip'])}()",
            lambda: f"({of('text', d)}).{pick(['strip', 'removeprefix', 'removesuffix', 'lstrip'])}({of('text', d)})",
            lambda: f"({of('text', d)}).replace({of('text', d)}, {of('text', d)}{pick(['', ', 1', ', -1'])})",
            lambda: f"({of('text', d)}).join({of('list', d)})",
            lambda: f"', '.join(str(x) for x in {of('list', d)})",
            lambda: f"str({of(pick(['number', 'text', 'truth', 'list', 'mapping']), d)})",
            lambda: f"({of('text', d)})[{of('number', d)}]",
            lambda: f"({of('text', d)})[{self.slice()}]",
            lambda: self.formatted(d),
            lambda: f"({of('text', d)} if {of('truth', d)} else {of('text', d)})",
            lambda: f"({of('text', d)} or {of('text', d)})",
        ])  # fmt: skip

    def formatted(self, depth: int) -> str:
        inner = self.of(self._random.choice(["number", "text", "list"]), min(depth, 1))
        if any(sign in inner for sign in "\"'\\{}:!#"):
            inner = self._random.choice(["n", "pi", "s", "xs", "m", "rows[0].id", "no", "nothing", "big"])
        spec = self._random.choice(
            ["", "", ":>8", ":<5", ":.2f", ":05d", ":,", ":^7", ":x", "!r", "!s:>9", ":{n}", ":.1%"]
        )
        return f'f"{self._random.choice(["", "a", "{{", "é "])}{{{inner}{spec}}}{self._random.choice(["", "!"])}"'

    def truth(self, depth: int) -> str:
        d = depth - 1
        of, pick, any_ = self.of, self._random.choice, self.any
        leaves = ["True", "False", "true", "false", "yes", "no", "n", "(nothing is None)", "s"]
        return self._one_of(depth, leaves, [
            lambda: f"({of('number', d)} {pick(['<', '<=', '>', '>=', '==', '!='])} {of('number', d)})",
            lambda: f"({of('number', d)} < {of('number', d)} <= {of('number', d)})",
            lambda: f"({of('text', d)} {pick(['<', '>=', '==', '!='])} {of('text', d)})",
            lambda: f"({of('list', d)} {pick(['<', '==', '!=', '>='])} {of('list', d)})",
            lambda: f"({of('mapping', d)} {pick(['==', '!='])} {of('mapping', d)})",
            lambda: f"({any_(d)} {pick(['in', 'not in'])} {of(pick(['list', 'mapping']), d)})",
            lambda: f"({of('text', d)} {pick(['in', 'not in'])} {of('text', d)})",
            lambda: f"({any_(d)} in {self.set(d)})",
            lambda: f"({self.set(d)} {pick(['==', '<=', '<', '>', '!='])} {self.set(d)})",
            lambda: f"({any_(d)} {pick(['is', 'is not'])} None)",
            lambda: f"({any_(d)} == {any_(d)})",
            lambda: f"(not {any_(d)})",
            lambda: f"({any_(d)} {pick(['and', 'or'])} {any_(d)})",
            lambda: f"bool({any_(d)})",
            lambda: f"{pick(['any', 'all'])}({of('list', d)})",
            lambda: f"{pick(['any', 'all'])}({self._each(d, 'truth')})",
            lambda: f"({of('text', d)}).{pick(['startswith', 'endswith'])}({of('text', d)})",
            lambda: f"({of('text', d)}).isdigit()",
        ])  # fmt: skip

    def list(self, depth: int) -> str:
        d = depth - 1
        of, pick = self.of, self._random.choice
        leaves = [
            "xs",
            "words",
            "mixed",
            "pairs",
            "none",
            "[]",
            "[1, 2.5]",
            "m.c",
            "rows",
            "(1, 'a')",
            "()",
            "range(4)",
        ]
        leaves = [f"list({leaf})" if leaf.startswith("range") else leaf for leaf in leaves]
        return self._one_of(depth, leaves, [
            lambda: f"[{', '.join(self.any(d) for _ in range(self._random.randrange(4)))}]",
            lambda: f"({self.any(d)}, {self.any(d)})",
            lambda: f"({of('list', d)} + {of('list', d)})",
            lambda: f"({of('list', d)} * {pick(['2', '0', 'n'])})",
            lambda: f"({of('list', d)})[{self.slice()}]",
            lambda: f"sorted({of('list', d)}{pick(['', ', reverse=True', ', reverse=n'])})",
            lambda: f"sorted({self.set(d)})",
            lambda: f"list({of(pick(['list', 'text', 'mapping']), d)})",
            lambda: f"tuple({of('list', d)})",
            lambda: f"list(reversed({of('list', d)}))",
            lambda: f"list(range({pick(['n', '5', 'zero', 'neg'])}{pick(['', ', 9', ', -9, -2'])}))",
            lambda: f"list(enumerate({of('list', d)}{pick(['', ', 1', ', start=2'])}))",
            lambda: f"list(zip({of('list', d)}, {of('text', d)}{pick(['', '', ', strict=True'])}))",
            lambda: f"list(({of('mapping', d)}).{pick(['keys', 'values', 'items'])}())",
            lambda: f"({of('text', d)}).split({pick(['', repr(','), repr('a'), 'None, 1', 'sep=' + repr('b')])})",
            lambda: f"({of('text', d)}).splitlines()",
            lambda: f"[{self._each(d, 'any')}]",
            lambda: f"list({self._each(d, 'any')})",
            lambda: f"sorted({self._each(d, 'number')})",
            lambda: self._pairs(d),
            lambda: f"({of('list', d)} if {of('truth', d)} else {of('list', d)})",
        ])  # fmt: skip

    def set(self, depth: int) -> str:
        """A set, for uses in which its order does not show."""
        d = depth - 1
        if self._random.random() < 0.5 or depth <= 0:
            return "{" + ", ".join(self.of("number", d) for _ in range(1 + self._random.randrange(3))) + "}"
        return self._random.choice([
            "{" + self._each(d, "number") + "}", f"set({self.of('list', d)})", f"({self.set(d)} - {self.set(d)})",
        ])  # fmt: skip

    def mapping(self, depth: int) -> str:
        d = depth - 1
        of, pick = self.of, self._random.choice
        leaves = ["m", "m.d", "rows[0]", "{}", "{'a': 1}", "{'b': [], 'a': n}"]
        return self._one_of(depth, leaves, [
            lambda: "{" + ", ".join(f"{of('text', d)}: {self.any(d)}" for _ in range(self._random.randrange(3))) + "}",
            lambda: f"dict({of('mapping', d)}{pick(['', ', a=2', ', z=None'])})",
            lambda: f"dict({pick(['pairs', of('list', d)])})",
            lambda: f"{{k: v for k, v in ({of('mapping', d)}).items()}}",
            lambda: f"{{str(x): x for x in {of('list', d)}}}",
            lambda: f"{{{of('text', d)}: x for x in {of('list', d)} if x}}",
            lambda: f"({of('mapping', d)} or {of('mapping', d)})",
        ])  # fmt: skip

    def _each(self, depth: int, kind: str) -> str:
        """The inside of a comprehension."""
        self._made += 1
        name = f"x{self._made % 7}"
        source = self.of(self._random.choice(["list", "list", "text", "mapping"]), depth)
        known = len(self._locals)
        self._locals.append((name, self._random.choice(["number", "text"])))
        condition = f" if {self.of('truth', depth)}" if self._random.random() < 0.4 else ""
        inner = f" for y in {self.of('list', 0)}" if self._random.random() < 0.15 else ""
        result = self.any(depth) if kind == "any" else self.of(kind, depth)
        del self._locals[known:]
        return f"{result} for {name} in {source}{condition}{inner}"

    def _pairs(self, depth: int) -> str:
        form = self._random.choice([
            "[b for a, b in {}]", "[a for i, (a, b) in enumerate({})]", "[(k, v) for (k, v) in {}.items()]",
            "[[a, b] for a in {} for b in xs if a != b]",
        ])  # fmt: skip
        return form.format(
            self.of("mapping" if ".items" in form else "list", depth) if self._random.random() < 0.7 else "pairs"
        )

    def slice(self) -> str:
        bounds = ["", "0", "1", "-1", "2", "n", "-9", "99"]
        step = self._random.choice(["", "", ":", ":2", ":-1", ":0"])
        return f"{self._random.choice(bounds)}:{self._random.choice(bounds)}{step}"


def disagreement(text: str) -> str | None:
    """How nbflow and CPython differ on a text, or None."""
    theirs, ours = by_python(text), by_nbflow(text)
    if ours is LIMIT:
        return None
    if theirs is RAISES or ours is RAISES:
        return None if theirs is ours else f"{text}\n  CPython {_told(theirs)}\n  nbflow {_told(ours)}"
    return None if same(ours, theirs) else f"{text}\n  CPython {theirs!r}\n  nbflow {ours!r}"


def _told(value: Any) -> str:
    return "raises" if value is RAISES else f"gives {value!r}"
