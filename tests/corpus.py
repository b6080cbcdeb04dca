"""The corpus of bad inputs (`bad_inputs.yaml`): its cases, and whether findings are what a case expects."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from nbflow.errors import Diagnostic

FILE = Path(__file__).parent / "bad_inputs.yaml"
SEVERE = {"error": "reject", "warning": "warn"}


@dataclass(frozen=True)
class Case:
    """One case: its input as bytes, and what is expected."""

    id: str
    group: str
    kind: str
    content: bytes
    expect: dict[str, Any]

    @property
    def text(self) -> str:
        return self.content.decode("utf-8")

    @property
    def outcomes(self) -> list[str]:
        return str(self.expect["outcome"]).split("|")

    @property
    def workflow(self) -> str:
        """The whole text: an expression stands in the corpus's own workflow."""
        if self.kind != "expression":
            return self.text
        quoted = "'" + self.text.replace("'", "''") + "'"
        return str(_corpus()["wrap"]).replace("@@", quoted)


@cache
def _corpus() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(
        FILE.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    )
    return loaded


def _content(case: dict[str, Any]) -> bytes:
    if "input_b64" in case:
        return base64.b64decode(case["input_b64"])
    if "input_gen" in case:
        return str(eval(case["input_gen"])).encode("utf-8")
    return str(case.get("input", "")).encode("utf-8")


def cases(*groups: str, kinds: Iterable[str] = ("dsl", "expression")) -> Iterator[Case]:
    """The cases of these groups and kinds."""
    wanted = set(kinds)
    for case in _corpus()["cases"]:
        if case["group"] in groups and case["kind"] in wanted:
            yield Case(case["id"], case["group"], case["kind"], _content(case), case["expect"])


def misses(case: Case, found: Sequence[Diagnostic], *, shift: tuple[int, int] = (0, 0)) -> list[str]:
    """What of the case's expectations the findings do not meet; nothing when all is as it should be.

    `shift` is added to the line and column that the case names.
    """
    expect = case.expect
    families = str(expect.get("code", "")).split("|")
    fitting = [one for one in found if families == ["many"] or any(_of(one.code, family) for family in families)]
    if not fitting:
        return [f"no finding of {families}, but {[one.code for one in found]}"]
    kinds = {SEVERE.get(one.severity) for one in fitting}
    wrong = []
    if not kinds & {outcome.replace("limit", "reject") for outcome in case.outcomes}:
        wrong.append(f"severity {kinds}, not {case.outcomes}")
    least = [_differences(expect, one, shift) for one in fitting]
    return (
        wrong
        + min(least, key=len)
        + list(_texts(expect, fitting if families != ["many"] else found))
        + _lines(expect, found)
    )


def _of(code: str, family: str) -> bool:
    return code == family or code.startswith((family + ".", family + "_"))


def _differences(expect: dict[str, Any], one: Diagnostic, shift: tuple[int, int]) -> list[str]:
    wrong = []
    lines = expect.get("line")
    if lines is not None:
        lines = [line + shift[0] for line in (lines if isinstance(lines, list) else [lines])]
        if one.line not in lines:
            wrong.append(f"line {one.line}, not {lines}")
    column = expect.get("column")
    if column is not None and one.column != column + shift[1]:
        wrong.append(f"column {one.column}, not {column + shift[1]}")
    return wrong


def _texts(expect: dict[str, Any], found: Sequence[Diagnostic]) -> Iterator[str]:
    said = " ".join(f"{one.message} {one.hint or ''}" for one in found).lower()
    for word in expect.get("words", ()):
        choices = word if isinstance(word, list) else [word]
        if not any(str(choice).lower() in said for choice in choices):
            yield f"does not mention {choices}: {said}"
    suggest = expect.get("suggest")
    if suggest is not None and not any(
        each.lower() in said for each in (suggest if isinstance(suggest, list) else [suggest])
    ):
        yield f"does not suggest {suggest}: {said}"
    shown = said + " ".join(one.excerpt or "" for one in found).lower()
    for never in expect.get("never", ()):
        if str(never).lower() in shown:
            yield f"shows {never}"


def _lines(expect: dict[str, Any], found: Sequence[Diagnostic]) -> list[str]:
    missing = [line for line in expect.get("lines", ()) if line not in {one.line for one in found}]
    return [f"nothing on line {line}" for line in missing]
