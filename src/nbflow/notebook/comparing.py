"""Executions beside each other: two on one graph, or many variants of one node in a table."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from nbflow.errors import ExecutionFailed, IllegalMove, InputError
from nbflow.history import compare, forking
from nbflow.history.compare import Change
from nbflow.notebook.errors import MagicError
from nbflow.notebook.render import html, summary
from nbflow.notebook.render.extract import picture
from nbflow.notebook.render.layout import layout
from nbflow.notebook.render.lettering import clean, seconds, shorten
from nbflow.notebook.render.looks import Look
from nbflow.notebook.render.svg import svg
from nbflow.notebook.render.watch import ROUNDS
from nbflow.runtime.engine import Engine
from nbflow.runtime.execution import Execution

MOST = 40  # variants


# --- two on one graph ------------------------------------------------------------------------------------


def comparison(left: Execution, right: Execution) -> html.Bundle:
    """The graph of `right` with what is not as in `left` marked, and a table of the differences."""
    changes = compare.diff(left, right)
    drawn = picture(right.plan)
    looks = {item.key: Look("same") for item in drawn.items()}
    for change in changes:
        key = drawn.places.get(ROUNDS.sub("", change.path))
        if key is not None:
            looks[key] = Look("changed", ", ".join(change.what), _slower(change))
    place = layout(drawn)
    drawing = svg(drawn, place, looks)
    words = f"{left.id} → {right.id}: {len(changes)} node{'' if len(changes) == 1 else 's'} differ"
    root = html.frame()
    html.add(root, "div", words, "margin:2px 0 8px;font-weight:600")
    html.image(root, drawing, place, words)
    _table(root, left, right, changes)
    return html.bundle(root, drawing, "\n".join([words, *(f"  {change}" for change in changes)]))


def _slower(change: Change) -> str:
    before, after = change.before["seconds"], change.after["seconds"]
    if before is None or after is None or abs(after - before) < 0.0005:
        return ""
    return f"{'+' if after > before else '−'}{seconds(abs(after - before))}"


def _table(root: ET.Element, left: Execution, right: Execution, changes: Sequence[Change]) -> None:
    if not changes:
        return
    table = html.add(root, "table", "", "border-collapse:collapse;margin:8px 0 0;font-size:12px")
    html.line(table, ("node", "", clean(left.id), clean(right.id), "time"), head=True)
    for change in changes:
        for number, what in enumerate(change.what):
            values = (shorten(summary.compact(side[what]), 160) for side in (change.before, change.after))
            html.line(table, (change.path if not number else "", what, *values, _slower(change) if not number else ""))


# --- variants --------------------------------------------------------------------------------------------


def read_variants(given: Any) -> list[Mapping[str, Any]]:
    """A list of mappings (inputs that differ) or texts (prompts). Raises `MagicError`."""
    if isinstance(given, str):
        try:
            given = yaml.safe_load(Path(given).expanduser().read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as problem:
            raise MagicError("magic.option", f"--over: {problem}") from None
    if not isinstance(given, list | tuple) or not given:
        raise MagicError("magic.option", "--over takes a list of variants", "texts (prompts) or mappings (inputs)")
    if len(given) > MOST:
        raise MagicError("magic.option", f"--over has {len(given)} variants; the most is {MOST}")
    for number, each in enumerate(given, 1):
        if not isinstance(each, Mapping | str | int | float):
            says = f"--over: variant {number} is {'null' if each is None else type(each).__name__}"
            raise MagicError("magic.option", says, "a text (a prompt) or a mapping (inputs)")
    return [each if isinstance(each, Mapping) else {"prompt": str(each)} for each in given]


async def run_variants(
    engine: Engine, execution: Execution, at: str | int, variants: Iterable[Mapping[str, Any]], *,
    effects: str | None = None,
) -> list[Execution]:  # fmt: skip
    """Fork at a node once a variant, all at the same time; in their order, ended or (mocked) waiting for a person.

    Raises `MagicError` with the first variant that cannot be; then none has begun.
    """
    if not isinstance(at, str):
        raise MagicError("magic.option", "--over gives a node other inputs, so --at names a node", "--at NODE")
    given, drafts = execution.nodes[at].inputs, []
    for number, variant in enumerate(variants, 1):
        inputs = {**(given if isinstance(given, dict) else {}), **variant}
        labels = {"variant": shorten(summary.compact(dict(variant)), 80)}
        try:
            drafts.append(await forking.draft(engine, execution, at, inputs=inputs, labels=labels, effects=effects))
        except (IllegalMove, InputError) as problem:
            says = f"--over: variant {number}, {labels['variant']}: {problem}"
            raise MagicError("magic.option", says, "none was run") from None
    forks = [await forking.begin(engine, each) for each in drafts]
    await asyncio.gather(*(_ended(fork) for fork in forks))
    return forks


async def _ended(execution: Execution) -> None:
    try:
        await (execution.until("waiting") if execution.mocked else execution)
    except ExecutionFailed:
        return


def frame_of(executions: list[Execution]) -> Any:
    """One row a variant, as a DataFrame."""
    import pandas as pd

    return pd.DataFrame(compare.table(executions))
