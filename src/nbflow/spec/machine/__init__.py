"""Statecharts: the text under `machine:` becomes a `Chart`, and everything wrong with it is reported at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nbflow.errors import Diagnostic
from nbflow.spec import forms
from nbflow.spec.chart import Chart
from nbflow.spec.document import Located
from nbflow.spec.forms import Reading
from nbflow.spec.machine.building import build, find_targets
from nbflow.spec.machine.checks import check_machine, check_names, check_transitions
from nbflow.spec.machine.fields import DEFINITIONS
from nbflow.spec.machine.reading import MachineReader

__all__ = ["DEFINITIONS", "read_machine"]


def read_machine(
    at: Located,
    report: Callable[[Diagnostic], None],
    *,
    kinds: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Chart | None:
    """The chart, or None when there are errors. `kinds` are the verbs for what it runs; `name` is used in messages.

    Names of nodes and inputs that it reads are in `Chart.reads`; whether they exist is for others to check.
    """
    errors = 0

    def count(found: Diagnostic) -> None:
        nonlocal errors
        errors += found.severity == "error"
        report(found)

    reading = Reading(count, kinds or {})
    if not isinstance(at.value, dict):
        reading.wrong(
            at, "type.mapping", f"'machine' is a mapping with 'initial' and 'states', not {forms.kind_of(at)}"
        )
        return None
    machine = MachineReader(reading)
    root = machine.machine(at)
    find_targets(machine, name)
    check_transitions(machine)
    check_names(machine)
    if errors:
        return None
    check_machine(machine, root)
    return build(machine) if not errors else None
