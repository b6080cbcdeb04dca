"""Requests between the processes of one folder: a file for the request, a file for the answer.

Each writer has a folder of its own under ``requests/``, so that what is asked of one that died is never done by
another. A request that was given up is not done either: it names the time until which somebody waits. A writer that
closes lets its last answers be read before it takes its folder away.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from nbflow.errors import IllegalMove
from nbflow.ports.clock import Clock
from nbflow.ports.requests import Answer, Hear, Request
from nbflow.storage.duckdb import owners
from nbflow.storage.duckdb.folder import Folder

_LOOK = 0.1  # seconds between two looks for requests
_WAIT = 0.05  # seconds between two looks for an answer
_GRACE = 3.0  # seconds that a writer which closes leaves its answers for those who wait
_ASKED = "[!.]*.json"  # what is whole: a draft begins with a dot


class FolderRequests:
    """The requests of one writer: those it makes, and those it is asked."""

    def __init__(self, folder: Folder, writer: str, clock: Clock) -> None:
        self._folder, self._writer, self._clock = folder, writer, clock
        self._mine = folder.requests / writer
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    # --- asking ---------------------------------------------------------------------------------------

    def holder(self, execution: str) -> str | None:
        writer = self._holder(execution)
        return owners.describe(self._folder, writer) if writer is not None else None

    def _holder(self, execution: str) -> str | None:
        writer = owners.holder_of(self._folder, execution)
        return writer if writer != self._writer else None

    async def ask(self, request: Request, *, patience: float = 10.0) -> Answer:
        writer = self._holder(request.execution)
        if writer is None:
            raise IllegalMove(f"execution {request.execution} is driven by nobody now", "execution.not_driven")
        path = self._folder.requests / writer / f"{self._clock.new_id()}.json"
        answer = path.with_suffix(".answer")
        content = {"execution": request.execution, "verb": request.verb, "arguments": dict(request.arguments)}
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(None, _write, path, {**content, "until": self._clock.now() + patience})
            for _ in range(round(patience / _WAIT)):
                await asyncio.sleep(_WAIT)
                found = await loop.run_in_executor(None, _read, answer)
                if found is not None:
                    return found
                path.stat()
        except FileNotFoundError:
            pass  # its folder is gone: it ended just now, or listens to nobody
        finally:
            path.unlink(missing_ok=True)
            answer.unlink(missing_ok=True)
        owner = owners.describe(self._folder, writer)
        raise IllegalMove(f"execution {request.execution} is driven by {owner}, which does not answer")

    # --- being asked ----------------------------------------------------------------------------------

    def serve(self, hear: Hear) -> None:
        if self._thread is None and not self._closing.is_set():
            self._mine.mkdir(parents=True, exist_ok=True)
            self._thread = threading.Thread(target=self._listen, args=(hear,), name="nbflow-requests", daemon=True)
            self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread is not None:
            self._thread.join()
            self._let_read()
            shutil.rmtree(self._mine, ignore_errors=True)

    def _let_read(self) -> None:
        """Wait until nobody waits for an answer any more: who has read it takes the request away."""
        for _ in range(round(_GRACE / _WAIT)):
            if not any(self._wanted(path) for path in self._mine.glob(_ASKED)):
                return
            time.sleep(_WAIT)

    def _listen(self, hear: Hear) -> None:
        self._forget_the_dead()
        seen = 0
        heard: set[str] = set()
        closing = False
        while not closing:
            closing = self._closing.wait(_LOOK)  # and one last look
            with suppress(OSError):
                changed = self._mine.stat().st_mtime_ns
                if changed == seen:
                    continue
                there = sorted(path.name for path in self._mine.glob(_ASKED))
                for name in there:
                    if name not in heard:
                        self._hear(self._mine / name, hear)
                heard, seen = set(there), changed

    def _wanted(self, path: Path) -> dict[str, Any] | None:
        """A request, while somebody waits for its answer."""
        asked = _read(path)
        return asked if asked is not None and self._clock.now() <= asked["until"] else None

    def _hear(self, path: Path, hear: Hear) -> None:
        asked = self._wanted(path)
        if asked is None:
            return
        reply: Callable[[Answer], None] = partial(self._reply, path.with_suffix(".answer"))
        hear(Request(asked["execution"], asked["verb"], asked["arguments"]), reply)

    def _reply(self, path: Path, answer: Answer) -> None:
        with suppress(OSError):  # who asked has gone
            _write(path, answer)

    def _forget_the_dead(self) -> None:
        with suppress(OSError):
            for path in self._folder.requests.iterdir():
                if path != self._mine and not owners.alive(self._folder, path.name):
                    shutil.rmtree(path, ignore_errors=True)


def _write(path: Path, content: dict[str, Any]) -> None:
    """Whole or not at all, for whoever looks meanwhile."""
    made = path.with_name(f".{path.name}")
    made.write_text(json.dumps(content), encoding="utf-8")
    made.replace(path)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
