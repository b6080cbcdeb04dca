"""Time travel: a slider over the journal. The view shows the fold of a prefix; nothing is run and nothing changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nbflow.errors import IllegalMove
from nbflow.execution.events import Record, SignalReceived, Transitioned
from nbflow.notebook import inspector
from nbflow.notebook.render import html, summary
from nbflow.notebook.render.lettering import clean, seconds
from nbflow.notebook.render.places import Layout
from nbflow.notebook.render.watch import Watch
from nbflow.notebook.verbs import FORK
from nbflow.notebook.widgets.view import WHOLE, Message, Screen, View
from nbflow.runtime.execution import Execution
from nbflow.runtime.explaining import move

Edits = Mapping[str, Mapping[str, Any]]  # by node ("" is the execution): inputs, output or context, and its value
Fork = Callable[[Execution, int, Edits], Awaitable[str]]


class PastView(View):
    """A view of an execution at any of its records. `fork` begins a new execution from the record shown, with edits."""

    def __init__(
        self, execution: Execution, watch: Watch, place: Layout, screen: Screen, fork: Fork, now: Callable[[], float]
    ) -> None:
        self.records: tuple[Record, ...] = execution.events
        watch.fold(self.records)
        super().__init__(execution, watch, place, screen, now)
        self._fork = fork
        self._forking: set[asyncio.Task[None]] = set()

    @property
    def at(self) -> int:
        """The number of the record that was folded last."""
        return self.watch.state.sequence

    def go(self, sequence: int) -> None:
        """Show the state after a record; forward is a fold of what lies between, back a fold from the beginning."""
        sequence = min(max(sequence, 1), len(self.records))
        if sequence < self.at:
            before, picture = dict(self.watch.wires), self.watch.picture
            self.watch = Watch(self.execution.plan, picture)
            self.watch.fold(self.records[:sequence])
            self._dirty = dict.fromkeys([*self.items, *before, *self.watch.wires])
        else:
            self._dirty |= self.watch.fold(self.records[self.at : sequence])
        self.soon()

    def command(self, message: Message) -> str | None:
        command, value = message.get("cmd"), message.get("value")
        if command == "at" and isinstance(value, int):
            self.go(value)
        elif command == "fork":
            work = self._forked(self.at, _edits(message.get("edits")))
            task = self.loop.create_task(work, name="nbflow-fork")
            self._forking.add(task)
            task.add_done_callback(self._forking.discard)
        elif command == "close":
            self.close()
        else:
            raise IllegalMove("the past cannot be changed; fork it")
        return None

    async def _forked(self, at: int, edits: Edits) -> None:
        try:
            self.tell(await self._fork(self.execution, at, edits))
        except Exception as problem:  # noqa: BLE001 - whatever it is, the person who pressed sees it
            self._extra["n"] = {"text": str(problem), "bad": True}
            self.soon()

    def head(self) -> Message:
        state = self.watch.state
        record = self.records[self.at - 1]
        return {
            "id": self.execution.id,
            "name": clean(state.workflow),
            "phase": state.phase,
            "says": summary.progress(self.watch),
            "done": self.watch.settled,
            "total": max(self.watch.known, self.watch.settled),
            "started": state.started,
            "ended": record.at,
            "usage": summary.usage(self.watch),
            "tools": [(FORK.name, FORK.button, FORK.does, state.ended is None, False),
                      ("close", "Done", "leave the picture of this moment", True, False)],
            "stops": [],
            "time": {"at": self.at, "last": len(self.records), "says": self._words(record)},
        }  # fmt: skip

    def _words(self, record: Record) -> str:
        node, event = getattr(record.event, "node", None), record.event
        words = (
            move(event.event, event.snapshot["configuration"], ignored=event.ignored)
            if isinstance(event, Transitioned)
            else ""
        )
        words = words or (event.name if isinstance(event, SignalReceived) else "")
        origin = self.watch.state.origin or {}
        copied = "fork" in origin and record.sequence <= origin["sequence"]
        after = "copied" if copied else f"after {seconds(max(0.0, record.at - self.records[0].at))}"
        place = clean(node or "") if self.execution.plan.machine is None else ""
        parts = (type(event).__name__, place, clean(words), after)
        return " · ".join(part for part in parts if part)

    def inspected(self, key: str, path: str | None) -> Message:
        if key == WHOLE:
            state = self.watch.state
            return inspector.whole(state, state.phase, ("inputs",), inspector.FORKED)
        page: dict[str, Any] = inspector.page(self.watch, key, path, ())
        page["acts"], page["form"] = [], None
        return page

    def final(self) -> html.Bundle:
        """The picture of the moment that was looked at last, which says which it is."""
        words = f"{self.execution.id} · after record {self.at} of {len(self.records)}"
        return html.final(self.watch, words, self.records[self.at - 1].at, self.place)


def _edits(text: Any) -> Edits:
    """The edits of a fork as the browser sends them: JSON text. Raises `IllegalMove` for what is none."""
    try:
        edits = json.loads(text) if text else {}
    except (TypeError, ValueError) as problem:
        raise IllegalMove(f"the edits are not JSON: {problem}") from None
    if not isinstance(edits, dict) or not all(isinstance(edit, dict) for edit in edits.values()):
        raise IllegalMove('edits are changes by node: {"fetch": {"output": 1}}, and "" is the execution')
    return edits
