"""A process that runs workflows which write to the database of their own store, for `test_once.py` to kill.

``python -m tests.services.spender WORKFLOWS``: goes on with what was interrupted, then starts more, and says when a node
is done. Its store and its database come from the environment.
"""

from __future__ import annotations

import asyncio
import sys

from nbflow import assembly

NODES = 4
STATEMENT = "insert into ledger (what) values ($what) returning what"
TEXT = "name: spender\nnodes:\n" + "".join(
    f"""  n{number}:
    tool: database.execute
    effects: once
    {f"needs: [n{number - 1}]" if number else "priority: 0"}
    with: {{connection: shop, query: "{STATEMENT}", params: {{what: "${{{{ execution.id }}}}/n{number}"}}}}
"""
    for number in range(NODES)
)


async def main(workflows: int) -> None:
    running = assembly.recover()
    workflow = assembly.parse(TEXT)
    running += [assembly.start(workflow) for _ in range(workflows)]
    print("going", flush=True)
    for execution in running:
        await execution.until("completed", "failed", "waiting")
        print(execution.id, execution.phase, execution.error, flush=True)
    await assembly.engine().close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
