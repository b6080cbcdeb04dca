"""Makes a cell wait for its workflow, on the kernel's own loop.

IPython turns ``%%workflow`` into a call of `run_cell_magic`; here, after that, the call gets an `await`, so that
IPython runs the cell as a coroutine. No second loop, no patched loop. What cannot be awaited is refused in one line.
"""

from __future__ import annotations

import ast
import re
import threading
from collections.abc import Callable
from typing import Any

from nbflow.notebook.errors import MagicError

NAMES = ("workflow",)
CALLS = ("run_cell_magic", "run_line_magic")
CLOSED = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.ListComp, ast.SetComp, ast.DictComp,
    ast.GeneratorExp, ast.Await,
)  # fmt: skip
ADVICE = {
    "time": "the picture shows how long it took; drop %%time",
    "timeit": "a workflow runs once; its times are in nbflow.nodes()",
    "capture": "bind the execution with --as NAME and drop %%capture",
}
LATE = re.compile(r"\s*%%workflow\b")


class AwaitMagics:
    """The transformer, and the count of running cells a thread. `awaits` says whether autoawait is on."""

    def __init__(self, awaits: Callable[[], bool]) -> None:
        self.awaits = awaits
        self._running: dict[int, int] = {}

    def pre(self, info: Any = None) -> None:
        thread = threading.get_ident()
        self._running[thread] = self._running.get(thread, 0) + 1

    def post(self, result: Any = None) -> None:
        thread = threading.get_ident()
        left = self._running.pop(thread, 1) - 1
        if left > 0:
            self._running[thread] = left

    @property
    def nested(self) -> bool:
        """Whether a cell is being transformed while another one of this thread runs: the body of a cell magic."""
        return self._running.get(threading.get_ident(), 0) > 0

    def __call__(self, lines: list[str]) -> list[str]:
        source = "".join(lines)
        if "get_ipython().run_" not in source or not any(name in source for name in NAMES):
            return lines
        try:
            tree = ast.parse(source)
        except SyntaxError:
            return lines
        self._refuse_wrapped(tree)
        found = calls(tree)
        if not found:
            return lines
        if self.nested:
            raise MagicError("magic.nested", "%%workflow cannot run inside another cell magic", "put it on line 1")
        if not self.awaits():
            raise MagicError(
                "magic.autoawait", "%%workflow waits for its end, but autoawait is off", "%autoawait asyncio"
            )
        return awaited(source, found)

    def _refuse_wrapped(self, tree: ast.Module) -> None:
        """``%%time`` and the like around a ``%%workflow``: some would hide the reason, so it is given here."""
        for statement in tree.body:
            call = statement.value if isinstance(statement, ast.Expr) else None
            if not isinstance(call, ast.Call) or _magic(call) in (None, *NAMES) or len(call.args) < 3:
                continue
            body = call.args[2]
            text = body.value if isinstance(body, ast.Constant) and isinstance(body.value, str) else ""
            if re.match(r"\s*%%?workflow\b", text):
                outer = str(_magic(call))
                hint = ADVICE.get(outer, "put %%workflow on the first line, in a cell of its own")
                raise MagicError("magic.nested", f"%%workflow cannot run inside %%{outer}", hint)


def _magic(call: ast.Call) -> str | None:
    """The magic that a call of IPython runs."""
    function = call.func
    if (
        not isinstance(function, ast.Attribute)
        or function.attr not in CALLS
        or not isinstance(function.value, ast.Call)
    ):
        return None
    if getattr(function.value.func, "id", "") != "get_ipython" or not call.args:
        return None
    first = call.args[0]
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def calls(tree: ast.Module) -> list[ast.Call]:
    """Calls of our magics where an `await` may stand: not in functions, lambdas or comprehensions."""
    found: list[ast.Call] = []

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, CLOSED):
                continue
            if isinstance(child, ast.Call) and _magic(child) in NAMES:
                found.append(child)
            else:
                visit(child)

    visit(tree)
    return found


def awaited(source: str, found: list[ast.Call]) -> list[str]:
    """The source with ``(await …)`` around these calls. Columns of `ast` count UTF-8 bytes."""
    lines = [line.encode() for line in source.splitlines(keepends=True)]
    for call in sorted(found, key=lambda call: (call.lineno, call.col_offset), reverse=True):
        first, last = call.lineno - 1, (call.end_lineno or call.lineno) - 1
        lines[last] = lines[last][: call.end_col_offset] + b")" + lines[last][call.end_col_offset :]
        lines[first] = lines[first][: call.col_offset] + b"(await " + lines[first][call.col_offset :]
    return [line.decode() for line in lines]


def first_line(lines: list[str]) -> list[str]:
    """Say why a ``%%workflow`` below a comment or code is none, where IPython has a bare SyntaxError.

    A cell of the magic line alone gets an empty body, so that it is our message that says what is missing.
    """
    if lines and LATE.match(lines[0]) and len(lines) == 1:
        return [lines[0] if lines[0].endswith("\n") else f"{lines[0]}\n", "\n"]
    if lines and not lines[0].lstrip().startswith("%%"):
        for line in lines[1:]:
            if LATE.match(line):
                raise MagicError("magic.first_line", "%%workflow must be the first line of the cell", "move it up")
    return lines


first_line.has_side_effects = True  # type: ignore[attr-defined] # IPython must not ask it whether a cell is complete
