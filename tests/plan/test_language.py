"""The JSON Schema of the language takes what the parser takes, and knows verbs and fields for an editor."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field

from nbflow.plan.diagnostics import codes
from nbflow.plan.workflow import diagnose
from nbflow.spec.document import load
from nbflow.spec.kinds import BUILT_IN, KindSpec
from nbflow.spec.language import language_schema
from nbflow.spec.nodes import FIELDS
from nbflow.spec.workflow import FIELDS as TOP
from tests import corpus

ROOT = Path(__file__).parents[2]
SCHEMA = language_schema(BUILT_IN)
VALIDATOR = Draft202012Validator(SCHEMA)
GOOD = [entry.good for entry in codes().values() if entry.good and not entry.plugin]
WRITTEN = [
    re.sub(r"\A%%.*\n", "", text)
    for page in [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]
    if page.name != "diagnostics.md"
    for text in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    if re.search(r"^(nodes|machine):", text, re.MULTILINE)
]


def errors(document: Any, validator: Draft202012Validator = VALIDATOR) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("text", GOOD, ids=range(len(GOOD)))
def test_it_takes_every_good_example(text: str) -> None:
    assert errors(load(text).plain()) == []


@pytest.mark.parametrize("text", WRITTEN, ids=range(len(WRITTEN)))
def test_it_takes_the_workflows_of_the_docs(text: str) -> None:
    assert errors(load(text).plain()) == []


@pytest.mark.parametrize("case", corpus.cases("schema", "graph", "yaml_types"), ids=lambda case: case["id"])
def test_what_the_parser_takes_it_takes_too(case: dict[str, Any]) -> None:
    text = corpus.text_of(case)
    if corpus.verdict(diagnose(text)) != "reject":
        assert errors(load(text).plain()) == []


@pytest.mark.parametrize(
    "text",
    [
        "nodes: {a: {tol: x}}", "nodes: {a: {tool: x, agent: y}}", "nodes: {a: {with: {v: 1}}}", "nodes: {}",
        "nodes: {a-b: {wait: 1s}}", "nodes: {a: {wait: 30}}", "nodes: {a: {wait: 1s, nodes: {b: {wait: 1s}}}}",
        "nodes: {a: {wait: 1s}}\nstart: a", "nodes: {a: {aggregate: avarage, with: [1]}}", "name: w",
        "nodes: {a: {agent: {promt: x}}}", "nodes: {a: {tool: x, retry: {max: -1}}}", "version: 1\nnodes: {a: {wait: 1s}}",
        "defaults: {tol: {timeout: 5s}}\nnodes: {a: {wait: 1s}}", "triggers: [{cron: x, webhook: y}]\nnodes: {a: {wait: 1s}}",
    ],
)  # fmt: skip
def test_it_refuses_what_editors_should_underline(text: str) -> None:
    assert errors(yaml.safe_load(text)) != []


def test_an_editor_finds_every_verb_and_field_with_its_words() -> None:
    node = SCHEMA["$defs"]["node"]["properties"]
    assert set(BUILT_IN) | set(FIELDS) | {"nodes", "by", "start", "step"} == set(node)
    assert all("description" in node[name] for name in FIELDS)
    assert all("description" in SCHEMA["$defs"][f"verb.{name}"] for name in BUILT_IN)
    assert set(SCHEMA["$defs"]["workflow"]["properties"]) == set(TOP)
    assert all("description" in each for each in SCHEMA["$defs"]["workflow"]["properties"].values())


class Point(BaseModel):
    x: int
    y: int = 0


class Plot(BaseModel, extra="forbid"):
    points: list[Point] = Field(description="What is drawn.")
    title: str = ""


def test_a_plug_ins_verb_is_in_it_and_takes_expressions() -> None:
    validator = Draft202012Validator(language_schema({**BUILT_IN, "plot": KindSpec("plot", model=Plot)}))
    assert errors(yaml.safe_load("nodes: {a: {plot: {points: [{x: 1}]}}}"), validator) == []
    assert errors(yaml.safe_load("nodes: {a: {plot: {points: '=b.points', title: '${{ b.t }}'}}}"), validator) == []
    assert errors(yaml.safe_load("nodes: {a: {plot: {pionts: []}}}"), validator) != []
    assert errors(yaml.safe_load("nodes: {a: {plot: {points: [{x: no}]}}}"), validator) != []
