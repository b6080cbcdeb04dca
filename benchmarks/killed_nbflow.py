"""The same chain by nbflow, to be killed: ``python -m benchmarks.killed_nbflow FOLDER ID``."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import nbflow
from nbflow import assembly
from nbflow.runtime.execution import Execution

NODES = 30
FOLDER = Path(sys.argv[1]) if len(sys.argv) > 2 else Path()
LEDGER: dict[str, int] = {}


@nbflow.tool(effects="idempotent")
def write(number: int, execution: str) -> int:
    """Write a number to the ledger, synced, and give it."""
    os.write(LEDGER[execution], f"{number}\n".encode())
    os.fsync(LEDGER[execution])
    return number


def text() -> str:
    lines = ["name: chain", "inputs: [ledger]", "nodes:"]
    for number in range(NODES):
        needs = f"needs: [n{number - 1}], " if number else ""
        lines.append(f"  n{number}: {{tool: write, {needs}with: {{number: {number}, execution: =inputs.ledger}}}}")
    return "\n".join([*lines, f"outputs: {{done: '=[{', '.join(f'n{number}' for number in range(NODES))}]'}}"])


async def main(ledger: str) -> None:
    LEDGER[ledger] = os.open(FOLDER / f"{ledger}.ledger", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    store = f"duckdb:///{FOLDER / 'history.duckdb'}"
    found: list[Execution] = assembly.recover(store=store)
    there = {summary.execution for summary in assembly.engine(store).journal.summaries()}
    ours = [id for id in there if assembly.open(id, store).inputs.get("ledger") == ledger]
    if not found:
        found = [assembly.open(ours[0], store) if ours else assembly.start(text(), {"ledger": ledger}, store=store)]
    print("going", flush=True)
    for execution in found:
        await execution.until("completed", "failed")
        print("done", *execution.outputs["done"], flush=True)
    await assembly.engine(store).close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[2]))
