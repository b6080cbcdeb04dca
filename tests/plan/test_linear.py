"""The cost of reading, checking and compiling grows with the text and no faster: counted in calls, not in time."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from nbflow.plan.workflow import diagnose, parse
from nbflow.spec.document import Limits

WIDE = Limits(size=10**8, nodes=10**6)


def chain(count: int) -> str:
    return "nodes:\n  n0: {set: {v: 1}}\n" + "".join(f"  n{i}: {{set: {{v: =n{i - 1}.v}}}}\n" for i in range(1, count))


def fan(count: int) -> str:
    names = ", ".join(f"=n{i}.v" for i in range(count))
    nodes = "".join(f"  n{i}: {{set: {{v: {i}}}}}\n" for i in range(count))
    return f"nodes:\n{nodes}  all: {{aggregate: list, with: [{names}]}}\n"


def branches(count: int) -> str:
    made = [f"inputs: {{x{count}: integer}}", "nodes:"]  # a name of its own: expressions of one text are read once
    for i in range(count // 4):
        made.append(f"  s{i}: {{switch: [{{when: inputs.x{count} > {i}, then: a{i}}}, {{else: b{i}}}]}}")
        made.append(f"  a{i}: {{wait: 1s}}\n  b{i}: {{wait: 1s}}")
        made.append(f"  j{i}: {{wait: 1s, needs: [a{i}, b{i}{f', j{i - 1}' if i else ''}], join: active}}")
    return "\n".join(made) + "\n"


def conditions(count: int) -> str:
    return f"inputs: {{x{count}: integer}}\nnodes:\n  n0: {{wait: 1s}}\n" + "".join(
        f"  n{i}: {{wait: 1s, needs: n{i - 1}, if: inputs.x{count} > {i}}}\n" for i in range(1, count)
    )


def wrong(count: int) -> str:
    return "nodes:\n" + "".join(f"  n{i}: {{set: {{v: =m{i}.v}}, needs: [k{i}], timout: 3}}\n" for i in range(count))


def knot(count: int) -> str:
    return "nodes:\n" + "".join(
        f"  n{i}: {{wait: 1s, needs: [n{(i + 1) % count}, n{(i + 2) % count}]}}\n" for i in range(count)
    )


def deep(count: int) -> str:
    """Loops inside loops, a few deep, many times; inner nodes read outer ones."""
    body = "{x%d: {set: {v: =n%d.v}}}"
    return "nodes:\n" + "".join(
        f"  n{i}: {{set: {{v: 1}}}}\n  l{i}: {{loop: {{max: 2}}, nodes: {{m{i}: {{loop: {{max: 2}}, nodes: {body % (i, i)}}}}}}}\n"
        for i in range(count // 4)
    )


def calls(work: Callable[[], object]) -> int:
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("shape", [chain, fan, branches, conditions, deep], ids=lambda shape: shape.__name__)
def test_a_good_text_four_times_as_large_costs_four_times_as_much(shape: Callable[[int], str]) -> None:
    parse(shape(40))
    small, large = (calls(lambda text=shape(size): parse(text, limits=WIDE)) for size in (250, 1000))
    assert large < 4.6 * small


@pytest.mark.parametrize("shape", [wrong, knot], ids=lambda shape: shape.__name__)
def test_a_bad_text_four_times_as_large_costs_four_times_as_much(shape: Callable[[int], str]) -> None:
    diagnose(shape(40))
    small, large = (calls(lambda text=shape(size): diagnose(text, limits=WIDE)) for size in (250, 1000))
    assert large < 4.6 * small
