"""An execution as it runs, in a terminal: what is settled scrolls by, what runs stands below with its time.

It draws the fold of committed records and nothing else. Where nobody looks (a pipe, a file) it prints one line for
each settled node.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from nbflow.access import documents
from nbflow.access.cli.printing import GLYPHS, mark, short, spell
from nbflow.execution.events import CallRecorded, Record
from nbflow.execution.state import SETTLED, ExecutionState, NodeState
from nbflow.runtime.explaining import ignored

TICK = 0.1  # seconds between two pictures
WIDE = 24  # characters of the bar
MANY = 200  # nodes from which on those of bodies are counted, not listed


class Watched(Protocol):
    """What progress needs of an execution."""

    @property
    def state(self) -> ExecutionState: ...

    def subscribe(self, callback: Callable[[Sequence[Record]], None]) -> Callable[[], None]: ...

    def explain(self, node: str) -> str: ...


class Progress:
    """``async with Progress(execution, console, now): await execution``. `now` gives seconds since the epoch."""

    def __init__(self, execution: Watched, console: Console, now: Callable[[], float]) -> None:
        self.execution, self.console, self.now = execution, console, now
        self._shown: set[str] = set()  # asked, never iterated
        self._live: Live | None = None
        self._task: asyncio.Task[None] | None = None
        self._leave: Callable[[], None] = lambda: None

    async def __aenter__(self) -> Progress:
        if self.console.is_terminal:
            self._live = Live(console=self.console, auto_refresh=False, transient=True, redirect_stdout=False)
            self._live.start()
            self._task = asyncio.create_task(self._draw())
        self._leave = self.execution.subscribe(self._see)
        return self

    async def __aexit__(self, *failure: object) -> None:
        self._leave()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._live is not None:
            self._live.update(Text(""), refresh=True)
            self._live.stop()

    async def _draw(self) -> None:
        while self._live is not None:
            self._live.update(self.picture(), refresh=True)
            await asyncio.sleep(TICK)

    def _see(self, records: Sequence[Record]) -> None:
        state = self.execution.state
        many = len(state.nodes) > MANY
        for record in records:
            if isinstance(record.event, CallRecorded) and record.event.kind == "printed":
                self._show_printed(record.event)
        for path in touched(records):
            node = state.nodes.get(path)
            if node is None or node.phase not in SETTLED or path in self._shown:
                continue
            if many and node.frame.path and node.phase != "failed":
                continue
            self._shown.add(path)
            self.console.print(settled(node))

    def _show_printed(self, event: CallRecorded) -> None:
        for line in str(event.response).rstrip().splitlines():
            self.console.print(Text(f"  │ {line}", "dim"))

    def _why(self, node: NodeState) -> str:
        """Why a node that could begin has not begun, as the scheduler says it."""
        return self.execution.explain(node.path).partition(": ")[2] if node.phase == "scheduled" else ""

    def picture(self) -> RenderableType:
        """What runs or waits, and how far the whole is."""
        state, now = self.execution.state, self.now()
        open_nodes = [node for node in state.nodes.values() if node.phase in ("running", "waiting", "scheduled")]
        room = max(3, self.console.height - 4)
        lines = [ongoing(node, now, self._why(node)) for node in open_nodes[:room]]
        if len(open_nodes) > room:
            lines.append(Text(f"  … and {len(open_nodes) - room} more", "dim"))
        done = sum(1 for node in state.root.nodes if node is not None and node.phase in SETTLED) if state.frames else 0
        total = len(state.plan.body.nodes)
        since = spell(now - state.started) if state.started is not None else ""
        full = round(WIDE * done / total) if total else 0
        bar = Text.assemble(("━" * full, "green"), ("━" * (WIDE - full), "dim"))
        return Group(*lines, Text.assemble(bar, f"  {done}/{total} nodes · {state.phase} · {since}"))


def touched(records: Sequence[Record]) -> list[str]:
    """Paths that records speak of, in order, once each: the node itself and what was skipped or cancelled with it."""
    found: dict[str, None] = {}
    for record in records:
        event = record.event
        path = getattr(event, "node", None)
        if path:
            found[path] = None
        for skipped, _ in getattr(event, "skipped", ()):
            found[skipped] = None
        for cancelled in getattr(event, "cancelled", ()):
            found[cancelled] = None
    return list(found)


def question(node: NodeState) -> str:
    """What a waiting node asks a person, with the arguments of the call that wants a yes; nothing for others."""
    detail = node.detail or {}
    if node.phase != "waiting" or not detail.get("prompt"):
        return ""
    about = detail.get("about")
    arguments = about.get("arguments") if isinstance(about, dict) else None
    return short(detail["prompt"], 400) + (f" {short(documents.plain(arguments), 400)}" if arguments else "")


def settled(node: NodeState) -> Text:
    """One line for a node that is done: what became of it, how long it took, and what it gave or why not."""
    line = Text.assemble(mark(node.phase), " ", (node.path, "bold" if not node.frame.path else ""))
    if node.started is not None and node.ended is not None and node.ended - node.started >= 0.005:
        line.append(f"  {spell(node.ended - node.started)}", "dim")
    if node.attempt > 1:
        line.append(f"  attempt {node.attempt}", "yellow")
    if node.error is not None:
        error = node.error
        words = f"  {error.get('kind', '')}: {short(error.get('message', ''), 160)}"
        line.append(words, "red" if node.handled is None else "yellow")
    match node.phase:
        case "failed":
            line.append(f"  handled by on_error: {node.handled}" if node.handled else "", "dim")
        case "skipped" | "cancelled":
            line.append(f"  {node.phase}: {node.reason or ''}", "dim")
        case _:
            line.append(f"  {short(node.output, 80)}" if node.output is not None else "", "dim")
    line.append(f"  {words}" if (words := question(node)) else "", "cyan")
    if node.snapshot is not None and node.phase == "waiting":
        line.append(f"  in {' '.join(node.snapshot['configuration'])}", "dim")
    return line.append(f"  ignored {ignored(node)}" if node.unheard else "", "yellow")


def ongoing(node: NodeState, now: float, why: str = "") -> Text:
    glyph, style = GLYPHS.get(node.phase, ("·", "dim"))
    since = f"  {spell(max(0.0, now - node.started))}" if node.started is not None else ""
    if node.phase == "waiting" and node.reason:
        why = f"waits for {node.reason}"
        why += f", {spell(max(0.0, node.until - now))} more" if node.until is not None else ""
    return Text.assemble((glyph, style), " ", (node.path, style), (since + (f"  {why}" if why else ""), "dim"))
