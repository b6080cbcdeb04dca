"""An expression looks into data only: of any other object it touches nothing, and it reaches nothing of Python."""

import ast
import subprocess
import sys
from typing import Any

import pytest

from nbflow.spec.expressions import FUNCTIONS, METHODS, EvaluationError, ExpressionError, compile_expression
from nbflow.spec.expressions.rewriting import _GUARDS


class Touched(BaseException):
    """Raised by a tripwire; not an Exception, so that nothing can swallow it."""


def _trip(name: str) -> Any:
    def trip(self: object, *arguments: object, **more: object) -> Any:
        raise Touched(name)

    return trip


_SPECIAL = """
    __getattribute__ __getattr__ __setattr__ __delattr__ __dir__ __repr__ __str__ __format__ __bytes__ __hash__
    __bool__ __len__ __length_hint__ __iter__ __next__ __reversed__ __contains__ __getitem__ __setitem__ __delitem__
    __missing__ __call__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__ __add__ __radd__ __iadd__ __sub__ __rsub__ __mul__
    __rmul__ __truediv__ __rtruediv__ __floordiv__ __rfloordiv__ __mod__ __rmod__ __pow__ __rpow__ __neg__ __pos__
    __abs__ __invert__ __int__ __float__ __complex__ __index__ __round__ __trunc__ __and__ __or__ __enter__ __exit__
    __instancecheck__ __fspath__ __sizeof__ __reduce__ __reduce_ex__ __copy__ __deepcopy__ keys items values get
""".split()
Tripwire: type = type("Tripwire", (), {name: _trip(name) for name in _SPECIAL})
Kinds = [
    Tripwire,
    *(
        type(f"Tripped{base.__name__.title()}", (base,), {name: _trip(name) for name in _SPECIAL})
        for base in (str, int, float, list, dict, tuple)
    ),
]

USES = [
    "{0}.x", "{0}.x.y", "{0}['x']", "{0}[0]", "{0}[1:2]", "{0}.get('x')", "{0}.upper()", "{0}.items()", "{0}.count(1)",
    "{0} + 1", "1 + {0}", "{0} - 1", "{0} * 2", "2 * {0}", "[1] * {0}", "'a' * {0}", "{0} / 2", "2 / {0}", "{0} // 2",
    "{0} % 2", "'%s' % {0}", "2 % {0}", "{0} ** 2", "2 ** {0}", "-{0}", "+{0}", "not {0}", "{0} and 1", "{0} or 1",
    "1 if {0} else 2", "{0} == 1", "1 == {0}", "{0} != 1", "{0} < 1", "1 < {0}", "0 < 1 < {0}", "{0} in [1]", "1 in {0}",
    "1 in [{0}]", "[{0}] == [1]", "[1] == [{0}]", "[{0}] in [[1]]", "{{'a': {0}}} == {{'a': 1}}", "[[{0}]] < [[1]]",
    "{{{0}: 1}}", "{{{0}}}", "{{(1, {0})}}", "{{x for x in [{0}]}}", "{{x: 1 for x in [{0}]}}", "{{}}[{0}]", "[1][{0}]",
    "{{(1, {0}): 2}}", "[1, 2][{0}:]", "[1, 2][::{0}]", "f'{{{0}}}'", "f'{{{0}!r}}'", "f'{{[{0}]}}'", "f'{{1:{{{0}}}}}'",
    "[x for x in {0}]", "[a for a, b in [{0}]]", "[a for a, (b, c) in [[1, {0}]]]", "[a for a, b in {0}]",
    "[1 for x in [1] if {0}]", "abs({0})", "all([{0}])", "any([{0}])", "all(x for x in [{0}])", "bool({0})", "dict({0})",
    "dict([{0}])", "dict([[{0}, 1]])", "enumerate({0})", "enumerate([1], {0})", "float({0})", "int({0})", "int('1', {0})",
    "len({0})", "list({0})", "max({0})", "max([{0}, 1])", "max({0}, 1)", "max([{0}])", "min(1, {0})", "range({0})",
    "reversed({0})", "round({0})", "round(1.5, {0})", "set({0})", "set([{0}])", "sorted({0})", "sorted([{0}, {0}])",
    "sorted([1], reverse={0})", "str({0})", "str([{0}])", "str({{'a': [{0}]}})", "sum({0})", "sum([{0}])", "sum([1], {0})",
    "tuple({0})", "zip({0})", "zip([1], strict={0})", "', '.join({0})", "', '.join([{0}])", "'a'.replace({0}, 'b')",
    "'a'.replace('a', 'b', {0})", "'a'.split({0})", "'a'.split(maxsplit={0})", "'a'.strip({0})", "'a'.startswith({0})",
    "'a'.startswith(('b', {0}))", "'a'.find({0})", "'a'.find('a', {0})", "'a'.count({0})", "[1].index({0})",
    "[{0}].index(1)", "[1].count({0})", "{{}}.get({0})", "'a'.splitlines({0})", "'a'.removeprefix({0})", "(1, {0}) == (1, 2)",
    "[{0}] + [1] == [2]", "min({0}, default=1)", "{0} is not None and {0}.x", "{0} <= {0}", "{{1}} == {{{0}}}",
]  # fmt: skip

HARMLESS = {"{0}", "[{0}]"}


@pytest.mark.parametrize("kind", Kinds, ids=lambda kind: kind.__name__)
def test_no_attribute_of_an_opaque_value_is_ever_touched(kind: type) -> None:
    wire = kind.__new__(kind)
    scope = {"wire": wire, "inside": {"wire": wire}}
    for use in USES:
        for name in ("wire", "inside.wire"):
            with pytest.raises((EvaluationError, ExpressionError)) as caught:
                compile_expression(use.format(name)).evaluate(scope)
            assert caught.value.code in {"expr.opaque", "expr.type"}, use


@pytest.mark.parametrize("kind", Kinds, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "text",
    ["wire", "inside.wire", "wire if yes else 1", "no or wire", "yes and wire", "[x for x in [wire]][0]", "[wire][0]",
     "{'a': wire}.get('a')", "inside.values()[0]", "[wire, 1][:1][0]"],
)  # fmt: skip
def test_an_opaque_value_passes_whole(kind: type, text: str) -> None:
    wire = kind.__new__(kind)
    assert compile_expression(text).evaluate({"wire": wire, "inside": {"wire": wire}, "yes": True, "no": 0}) is wire


@pytest.mark.parametrize("kind", Kinds, ids=lambda kind: kind.__name__)
def test_whether_an_opaque_value_is_none_can_be_asked(kind: type) -> None:
    scope = {"wire": kind.__new__(kind)}
    assert compile_expression("wire is not None").evaluate(scope) is True
    assert compile_expression("wire is None or [wire] is None").evaluate(scope) is False


def test_the_error_names_the_type_and_what_to_do() -> None:
    class DataFrame:
        pass

    with pytest.raises(EvaluationError) as caught:
        compile_expression("load.x").evaluate({"load": DataFrame()})
    assert caught.value.code == "expr.opaque"
    assert "DataFrame" in caught.value.message
    assert "tool" in (caught.value.hint or "")


ESCAPES = [
    "''.__class__.__mro__[1].__subclasses__()", "().__class__.__bases__[0]", "[].__class__", "{}.__init__.__globals__",
    "'{0.__class__}'.format(a)", "'{0.__class__}'.format_map(a)", "f'{a.__class__}'", "f'{a:{a.__class__}}'",
    "getattr(a, '__class__')", "setattr(a, 'b', 1)", "vars(a)", "dir(a)", "globals()", "locals()", "type(a)", "object()",
    "__import__('os').system('id')", "open('/etc/passwd').read()", "eval('1')", "exec('1')", "compile('1', '', 'eval')",
    "input()", "breakpoint()", "memoryview(b'')", "(lambda: 1)()", "[x for x in (lambda: 1)]", "(yield)", "(await a)",
    "a.b.__globals__", "a['b'].__class__", "[c for c in a.__class__]", "str.mro()", "print(1)", "super()", "id(a)", "hash(a)",
    "map(a, a)", "filter(a, a)", "iter(a)", "next(a)", "callable(a)", "isinstance(a, a)", "bytes(1)", "bytearray(1)",
    "scope", "budget", "budget.left", "whole", "f_len", "v_x", "a.encode()", "a.gi_frame", "(x for x in a).gi_frame",
    "[x.gi_frame for x in a]", "str.format", "a.mro()", "a.translate(a)", "a.maketrans('a', 'b')", "a.cr_frame.f_back",
]  # fmt: skip


@pytest.mark.parametrize("text", ESCAPES)
def test_ways_out_that_others_have_been_left_by_are_closed(text: str) -> None:
    try:
        found = compile_expression(text).evaluate({"a": {"b": "c"}})
    except (ExpressionError, EvaluationError) as error:
        assert "<class" not in str(error)
    else:
        pytest.fail(f"{text} gives {found!r}")


def test_a_running_expression_sees_our_functions_and_nothing_else() -> None:
    compile_expression("1 + 1").evaluate({})
    assert _GUARDS["__builtins__"] == {}
    assert {name.removeprefix("f_") for name in _GUARDS if name.startswith("f_")} == set(FUNCTIONS)


def test_names_of_comprehensions_cannot_reach_our_own() -> None:
    assert compile_expression("[scope for scope in [1]] + [budget for budget in [2]]").evaluate({}) == [1, 2]
    assert compile_expression("[whole + len([whole]) for whole in [1]]").evaluate({}) == [2]


def test_nothing_of_what_is_callable_is_a_method_of_another_kind() -> None:
    assert not {name for name in METHODS if name.startswith("_")}
    assert not METHODS & {
        "format",
        "format_map",
        "translate",
        "maketrans",
        "encode",
        "pop",
        "append",
        "update",
        "clear",
    }


def test_the_package_calls_no_eval_and_no_exec() -> None:
    from pathlib import Path

    import nbflow.spec.expressions as package

    for file in Path(package.__file__ or "").parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec", "getattr", "setattr", "__import__") or file.name in (
                    "grammar.py", "rewriting.py", "explaining.py",
                ), f"{file.name} calls {node.func.id}"  # fmt: skip


def test_reading_a_hostile_expression_imports_and_prints_nothing() -> None:
    script = (
        "import sys; from nbflow.spec.expressions import compile_expression\n"
        "before = set(sys.modules)\n"
        'for text in ["__import__(\'antigravity\')", "print(1)", "a.b"]:\n'
        "    try: compile_expression(text)\n"
        "    except Exception: pass\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert done.stderr == ""
