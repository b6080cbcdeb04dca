"""The corpus of bad inputs, and how a finding is held against what a case expects."""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from nbflow.errors import Diagnostic, render

_FILE = Path(__file__).parent / "bad_inputs.yaml"


@cache
def document() -> dict[str, Any]:
    return yaml.load(_FILE.read_bytes(), yaml.CSafeLoader)


def cases(*groups: str, kinds: tuple[str, ...] = ("dsl",)) -> list[dict[str, Any]]:
    return [case for case in document()["cases"] if case["group"] in groups and case["kind"] in kinds]


def text_of(case: dict[str, Any]) -> str | bytes:
    if "input_gen" in case:
        return str(eval(case["input_gen"]))
    if "input_b64" in case:
        return base64.b64decode(case["input_b64"])
    return case.get("input") or ""


def verdict(found: tuple[Diagnostic, ...]) -> str:
    severities = {each.severity for each in found}
    return "reject" if "error" in severities else "warn" if severities else "accept"


def about(found: tuple[Diagnostic, ...], codes: str) -> list[Diagnostic]:
    """The findings of these families."""
    if codes in ("ok", "many"):
        return list(found)
    families = codes.split("|")
    return [each for each in found if any(each.code == one or each.code.startswith(f"{one}.") for one in families)]


def workflow(case: dict[str, Any]) -> str:
    """The corpus's own workflow with an expression in its place."""
    return str(document()["wrap"]).replace("@@", quoted(case))


def quoted(case: dict[str, Any]) -> str:
    """The text of an expression in single quotes."""
    return "'" + str(text_of(case)).replace("'", "''") + "'"


def faults(case: dict[str, Any], found: tuple[Diagnostic, ...], shift: tuple[int, int] = (0, 0)) -> list[str]:
    """What is wrong with the findings about a case that is refused or warned of.

    `shift` is added to the line and column that the case names: where its text begins.
    """
    expect = case["expect"]
    named = about(found, expect.get("code", "ok"))
    if not named:
        return [f"no finding of {expect['code']}, but {[each.code for each in found]}"]
    said = " ".join(f"{each.message} {each.hint or ''}" for each in named)
    wrong = [f"nothing mentions {word}" for word in expect.get("words", ()) if not _mentions(said, word)]
    if "line" in expect:
        wrong += _place("line", expect["line"], [each.line - shift[0] for each in named])
    if "column" in expect:
        wrong += _place("column", expect["column"], [each.column - shift[1] for each in named])
    wrong += [f"nothing in line {line}" for line in expect.get("lines", ()) if all(each.line != line for each in found)]
    suggest = expect.get("suggest")
    if suggest is not None and not any(each in said for each in _listed(suggest)):
        wrong.append(f"nothing suggests {suggest}: {said}")
    shown = "\n".join(map(render, found))
    return wrong + [f"shows {never}" for never in expect.get("never", ()) if never in shown]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _mentions(said: str, word: Any) -> bool:
    return any(str(each).lower() in said.lower() for each in _listed(word))


def _place(what: str, wanted: Any, got: list[int]) -> list[str]:
    return [] if set(_listed(wanted)) & set(got) else [f"{what} {got}, not {wanted}"]
