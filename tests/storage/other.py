"""Another process on the same store, told by lines of JSON what to do; each command is answered with one line."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbflow.storage.duckdb.journal import DuckDBJournal
from nbflow.storage.duckdb.store import DuckDBStore
from tests.storage.records import records

ROOT = Path(__file__).parents[2]


class Other:
    """The other process, from outside."""

    def __init__(self, path: Path, packages: Path | None = None) -> None:
        """`packages` is a folder whose packages come before the installed ones."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.storage.other", str(path)],
            env={**os.environ, **({"PYTHONPATH": str(packages)} if packages else {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        self.pid = self.process.pid

    def tell(self, verb: str, *words: Any) -> Any:
        """Do something there; its result, or the error as text."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps([verb, *words]).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def another(path: Path, packages: Path | None = None) -> Iterator[Other]:
    other = Other(path, packages)
    try:
        yield other
    finally:
        other.kill()
        for pipe in (other.process.stdin, other.process.stdout):
            if pipe:
                pipe.close()


class _Inside:
    """The verbs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal: DuckDBJournal | None = None
        self.held: Any = None

    async def append(self, execution: str, first: int, last: int) -> str:
        self.journal = self.journal or DuckDBJournal(self.path)
        await self.journal.append(execution, records(first, last), after=first - 1)
        return "ok"

    async def read(self, execution: str) -> list[int]:
        return [record.sequence for record in DuckDBStore(self.path).read(execution)]

    async def list(self) -> list[str]:
        return sorted(summary.execution for summary in DuckDBStore(self.path).executions())

    async def close(self) -> str:
        assert self.journal
        await self.journal.close()
        self.journal = None
        return "ok"

    async def fork(self) -> int:
        """A child that lives on and does nothing; its pid."""
        child = os.fork()
        if child == 0:
            signal.pause()
        return child

    async def version(self) -> str:
        import duckdb

        return str(duckdb.__version__)

    async def hold(self) -> str:
        import duckdb

        self.held = duckdb.connect(self.path)
        return "ok"

    async def let_go(self) -> str:
        self.held.close()
        return "ok"


async def _main() -> None:
    inside = _Inside(Path(sys.argv[1]))
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        verb, *words = json.loads(line)
        try:
            answer = await getattr(inside, verb)(*words)
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(_main())
