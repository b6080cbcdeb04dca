"""``python -m benchmarks [--quick] [--write docs/performance.md]``: measure, print, and write the page."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from benchmarks import side, storage
from benchmarks.charts import transitions
from benchmarks.contest import contest
from benchmarks.kills import contestants, kill
from benchmarks.measuring import Cost
from benchmarks.shapes import chain, fan, layered

HEAD = """\
# Performance

Written by `make benchmark` from one run; do not edit. Contestants take turns in one process (A B A B) and medians are
compared, so a busy machine slows both: read the ratios. CPU is that of all threads of the process.

The floor is asyncio with dependency counters: one task a node, nothing recorded, nothing checked. Every node is an async
function that does nothing, so what is measured is the engine alone; a node that does real work hides it.
"""

KILLED = """\
## Killed and gone on with

A chain of 30 nodes, each with an effect outside (a synced line of a file), killed with SIGKILL at random moments and gone on with. A node
whose successor had begun had a result that counted as kept; when it runs again, its effect happens twice for no need. One in flight may have had
its effect unrecorded, whatever the engine. Promised: no kept result runs again, none is lost.
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--quick", action="store_true", help="smaller graphs, fewer repetitions")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page")
    parser.add_argument(
        "--langgraph", default=sys.executable, metavar="PYTHON", help="one that has the packages of nbflow[benchmark]"
    )
    parser.add_argument("--only", choices=["kills"], help="this part alone")
    options = parser.parse_args()
    page = []
    for part in parts(quick=options.quick, only_kills=bool(options.only), langgraph=options.langgraph):
        print(part, flush=True)
        page.append(part)
    if options.write:
        options.write.write_text("\n".join(page) + "\n", encoding="utf-8")


def parts(*, quick: bool, only_kills: bool, langgraph: str) -> Iterator[str]:
    """The sections, each measured when its turn comes."""
    if not only_kills:
        yield from sections(quick=quick)
    yield kill_table(langgraph, 20)


def sections(*, quick: bool) -> Iterator[str]:
    repetitions, big = (3, 2_000) if quick else (7, 10_000)
    yield HEAD
    yield machine()
    yield from engine_costs(repetitions, big)
    yield from growth(repetitions, 10_000 if quick else 100_000)
    yield sleeping_table(3 if quick else 7)
    yield lag_table(big, 3 if quick else 7)
    yield memory_table(big)
    yield import_table(5 if quick else 11)
    yield reading_table(quick=quick)
    yield expression_table()
    yield chart_table(500 if quick else 2_000, repetitions)
    yield recovery_table(5_000 if quick else 50_000)
    yield storage_tables(100 if quick else 1_000, 100_000 if quick else 1_000_000)


def kill_table(langgraph: str, times: int) -> str:
    """Recovery after SIGKILL, beside LangGraph where there is one."""
    rows = []
    for name, command in contestants(langgraph).items():
        toll = kill(command, times, seed=1)
        rows.append([name, *map(str, (toll.kills, toll.in_flight, toll.kept, toll.lost, toll.broken))])
    if len(rows) == 1:
        print("LangGraph is not there: pip install 'nbflow[benchmark]', or name a Python that has it by --langgraph")
    heads = ["", "kills", "in flight, ran again", "kept result, ran again", "results lost", "did not open"]
    return f"{KILLED}\n{table(heads, rows)}"


def machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("nbflow", "duckdb", "pydantic", "PyYAML"))
    return (
        f"Measured on {platform.system()} {platform.machine()}, {os.cpu_count()} cores, load average "
        f"{os.getloadavg()[0]:.1f}, Python {platform.python_version()}; {packages}.\n"
    )


def table(heads: list[str], rows: list[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [heads, rule, *rows]) + "\n"


def engine_costs(repetitions: int, big: int) -> Iterator[str]:
    yield "## Cost of a node\n\nMicroseconds of CPU a node, and its ratio to the floor. Budget: at most 15 with the journal on disk.\n"
    shapes = {
        "chain of 1,000": (chain(1_000), 1),
        "fan of 1,000": (fan(1_000), 1),
        f"layers of 100, {big:,} nodes": (layered(big), 1),
        "200 executions of 20 nodes": (chain(20), 200),
    }
    rows = []
    for name, (graph, executions) in shapes.items():
        costs = contest(graph, executions=executions, repetitions=repetitions)
        rows.append([name, *cells(costs)])
    heads = ["graph", "bare µs", "memory µs", "×", "wall ×", "on disk µs", "×", "wall ×"]
    yield table(heads, rows)


def cells(costs: dict[str, Cost]) -> list[str]:
    floor, *others = costs.values()
    listed = [f"{floor.cpu:.1f}"]
    for cost in others:
        listed += [f"{cost.cpu:.1f}", f"{cost.cpu / floor.cpu:.1f}", f"{cost.wall / floor.wall:.1f}"]
    return listed


def growth(repetitions: int, big: int) -> Iterator[str]:
    yield (
        f"## Growth\n\nThe same layers at 1,000 and {big:,} nodes, as many nodes in all: µs of CPU a node. Taking the journal "
        "into the database goes on beside, and counts. Budget: a ratio of at most 1.2.\n"
    )
    several = 1 if big > 10_000 else repetitions
    small = contest(layered(1_000), repetitions=several, rounds=big // 1_000)
    large = contest(layered(big), repetitions=several)
    rows = [
        [name, f"{small[name].cpu:.1f}", f"{large[name].cpu:.1f}", f"{large[name].cpu / small[name].cpu:.2f}"]
        for name in small
    ]
    yield table(["", "1,000", f"{big:,}", "ratio"], rows)


def sleeping_table(repetitions: int) -> str:
    shapes = {"layers of 100": layered(1_000), "layers of 250": layered(1_000, 250), "all but two at once": fan(1_000)}
    found = {name: side.sleeping(graph, repetitions) for name, graph in shapes.items()}
    rows = [[name, *(f"{ratios[each]:.2f}" for each in ratios)] for name, ratios in found.items()]
    heads = ["1,000 nodes", *next(iter(found.values()))]
    return (
        "## Nodes that take time\n\nA thousand nodes that sleep 50 ms: wall time over that of the longest way through the "
        "graph. Budget, in layers: 1.3.\n\n" + table(heads, rows)
    )


def lag_table(size: int, repetitions: int) -> str:
    found = side.lag(layered(size), repetitions)
    rows = [[name, *(f"{spread[key] * 1000:.1f}" for key in ("p50", "p99", "max"))] for name, spread in found.items()]
    return (
        f"## Lag of the loop\n\nHow late, in ms, a ticker of 10 ms is while {size:,} nodes run. Budget: p99 at most twice "
        "that of bare asyncio.\n\n" + table(["", "p50", "p99", "longest"], rows)
    )


def memory_table(size: int) -> str:
    rows = [[name, f"{value:.0f}"] for name, value in side.memory(layered(size)).items()]
    return "## Memory\n\nBytes a node, of Python's own objects. Budget: 2,048.\n\n" + table(["", "bytes"], rows)


def import_table(repetitions: int) -> str:
    found = side.imports(repetitions)
    least = found["import pydantic, yaml"]
    rows = [[f"`{name}`", f"{value * 1000:.0f}", f"{value / least:.2f}"] for name, value in found.items()]
    return (
        "## Import\n\nMilliseconds of CPU over a Python that imports nothing. Budget of `import nbflow`: at most twice "
        "`import pydantic, yaml`. Names are loaded when they are first used; the last line is what a first run loads.\n\n"
        + table(["", "ms", "×"], rows)
    )


def reading_table(*, quick: bool) -> str:
    rows = []
    for size in (1_000,) if quick else (1_000, 10_000):
        found = side.reading(size, 3)
        ratio = found["nbflow.parse"] / found["yaml.load"]
        each = [f"{found[name] / size * 1e6:.0f}" for name in ("yaml.load", "nbflow.parse")]
        rows.append([f"{size:,}", *each, f"{ratio:.1f}"])
    return (
        "## Reading\n\nParse, check and compile a workflow as people write it, beside `yaml.load` with libyaml on the same "
        "text: µs of CPU a node. Budget: 5 times.\n\n" + table(["nodes", "yaml.load", "nbflow.parse", "×"], rows)
    )


def expression_table() -> str:
    rows = [[name, f"{value:.2f}"] for name, value in side.expressions().items()]
    return f"## Expressions\n\n`{side.CONDITION}`, once compiled: µs. Budget: 2.\n\n" + table(["", "µs"], rows)


def chart_table(events: int, repetitions: int) -> str:
    costs = transitions(events, repetitions)
    floor = next(iter(costs.values()))
    rows = [[name, f"{cost.cpu:.1f}", f"{cost.cpu / floor.cpu:.2f}"] for name, cost in costs.items()]
    return (
        "## Transitions\n\nA flat chart of two states, with a guard and an assignment: µs of CPU a transition, beside "
        "python-statemachine's async engine, which records nothing. Budget with the journal in memory: a ratio of 0.45.\n\n"
        + table(["", "µs", "×"], rows)
    )


def recovery_table(size: int) -> str:
    count, seconds = side.recovery(layered(size))
    return (
        "## Recovery\n\nFolding a journal, which is what recovering and time travel cost. Budget: 100,000 records in 2 s.\n\n"
        + table(
            ["records", "s of CPU", "µs a record"], [[f"{count:,}", f"{seconds:.2f}", f"{seconds / count * 1e6:.1f}"]]
        )
    )


def storage_tables(steps: int, total: int) -> str:
    rate, late, alone, cpu = storage.durable(steps)
    row = [f"{rate:,.0f}", f"{cpu:.1f}", f"{late * 1000:.1f}", f"{alone * 1000:.1f}"]
    asked = [[name, f"{seconds * 1000:.0f}"] for name, seconds in storage.questions(total).items()]
    return (
        "## The embedded store\n\nRecords of 100 executions at once, each append on disk when it is answered. Budget: "
        "30,000 a second, a lag (ms, p99) of at most twice that of the loop without a store.\n\n"
        + table(["records a second", "µs of CPU a record", "lag", "without"], [row])
        + f"\nQuestions to a journal of {total:,} records, in ms. Budget: 50 for a page, 1,000 for the DataFrame.\n\n"
        + table(["question", "ms"], asked)
    )


if __name__ == "__main__":
    sys.exit(main())
