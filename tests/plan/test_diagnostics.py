"""The table of codes is whole, its examples say what it says, and the page is made of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from nbflow.errors import Diagnostic, InputError, NbflowError
from nbflow.integrations.agents.prices import near
from nbflow.plan.checks import Models
from nbflow.plan.diagnostics import FAMILIES, Code, codes, document
from nbflow.plan.workflow import diagnose, parse
from nbflow.spec.document import Limits
from nbflow.spec.expressions import compile_expression
from nbflow.spec.kinds import BUILT_IN, KindSpec
from nbflow.spec.schema import apply_inputs

ROOT = Path(__file__).parents[2]
TABLE = list(codes().values())
TEXTS = [entry for entry in TABLE if entry.bad_inputs is None and entry.bad_value is None]
STARTED = [entry for entry in TABLE if entry.bad_inputs is not None]
EVALUATED = [entry for entry in TABLE if entry.bad_value is not None]


class Shout(BaseModel, extra="forbid"):
    text: str
    times: int = 1


MODELS = Models(functions=["summarise"], providers=["openai"], near=near)
KINDS = {**BUILT_IN, "shout": KindSpec("shout", model=Shout)}


def findings(entry: Code, text: str | bytes) -> tuple[Diagnostic, ...]:
    kinds = KINDS if entry.plugin else BUILT_IN
    return diagnose(text, kinds=kinds, limits=Limits(**entry.limits), models=MODELS if entry.models else None)


def named(entry: Code) -> str:
    return entry.code


@pytest.mark.parametrize("entry", TEXTS, ids=named)
def test_a_bad_example_gives_its_code(entry: Code) -> None:
    found = [each for each in findings(entry, entry.bad) if each.code == entry.code]
    assert found
    assert found[0].severity == entry.severity
    assert found[0].line >= 1
    assert found[0].column >= 1
    assert found[0].message


@pytest.mark.parametrize("entry", TEXTS, ids=named)
def test_a_good_example_does_not(entry: Code) -> None:
    found = findings(entry, entry.good)
    assert entry.code not in [each.code for each in found]
    assert not [each for each in found if each.severity == "error"]


@pytest.mark.parametrize("entry", STARTED, ids=named)
def test_inputs_that_do_not_fit_give_their_code(entry: Code) -> None:
    schema = dict(parse(entry.good).plan.inputs)
    with pytest.raises(InputError) as refused:
        apply_inputs(schema, dict(entry.bad_inputs or {}))
    assert refused.value.code == entry.code
    apply_inputs(schema, dict(entry.good_inputs or {}))


@pytest.mark.parametrize("entry", EVALUATED, ids=named)
def test_an_expression_that_cannot_be_evaluated_gives_its_code(entry: Code) -> None:
    scope = dict.fromkeys(entry.scope, object()) if entry.opaque else entry.scope
    with pytest.raises(NbflowError) as failed:
        compile_expression(entry.bad_value or "").evaluate(scope)
    assert failed.value.code == entry.code
    compile_expression(entry.good_value or "").evaluate(scope)


CODE = re.compile(rf'"((?:{"|".join(FAMILIES)})\.[a-z_]+)"')
OTHERS = re.compile(r"(http\.(get|post|put|patch|delete|request)|email\.send|machine\.(state|actions|step))$")


def in_the_source() -> set[str]:
    files = [path for name in ("spec", "plan") for path in (ROOT / "src/nbflow" / name).rglob("*.py")]
    found = {code for path in files for code in CODE.findall(path.read_text(encoding="utf-8"))}
    return {code for code in found if not OTHERS.match(code)}


def test_every_code_of_the_source_is_in_the_table() -> None:
    assert in_the_source() - set(codes()) == set()


def test_the_table_has_no_code_that_nothing_gives() -> None:
    assert set(codes()) - in_the_source() == set()


def test_every_family_has_a_title() -> None:
    assert {entry.family for entry in TABLE} <= set(FAMILIES)


def test_the_page_is_made_of_the_table() -> None:
    assert (ROOT / "docs/diagnostics.md").read_text(encoding="utf-8") == document()


def test_the_page_writes_inputs_as_the_shell_takes_them() -> None:
    page = document()
    assert """Not `-i 'n="3"'` but `-i n=3`""" in page
    assert "Not without inputs but `-i url=x`" in page
    assert "Not `-i 'url=no address'` but" in page
