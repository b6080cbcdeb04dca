"""The live view of one execution: folds what is committed, sends what changed, does what a person asks.

News go out at most ten times a second, all of one moment in one message; a whole snapshot is synchronised now and
then, so that a view that comes late, or lost a message, is right again. Messages from the browser may come on any
thread and any loop; they only hop to the execution's loop. At the end the static picture takes the view's place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from nbflow.execution.events import Record
from nbflow.execution.state import ENDED
from nbflow.notebook import inspector
from nbflow.notebook.render import html, summary
from nbflow.notebook.render.lettering import clean, clean_block
from nbflow.notebook.render.looks import Look
from nbflow.notebook.render.picture import Box, Cluster
from nbflow.notebook.render.places import Layout, Rect
from nbflow.notebook.render.svg import about, note_line, svg
from nbflow.notebook.render.watch import Watch
from nbflow.runtime.execution import Execution

PACE = 0.1  # seconds between messages
SNAPSHOT = 2.0  # seconds between snapshots
TEXT = 2000  # characters of streamed text in one message, a node

Message = dict[str, Any]


class Screen(Protocol):
    """Where a view is shown; what a notebook's output area can do."""

    def show(self, bundle: dict[str, Any], name: str) -> None:
        """Put a mime bundle out under a name."""
        ...

    def replace(self, bundle: dict[str, Any], name: str) -> None:
        """Put another in its place."""
        ...


class Commands(Protocol):
    """What the view's controls lead to."""

    @property
    def awaited(self) -> bool:
        """Whether a cell waits for the execution."""
        ...

    def tools(self) -> list[tuple[str, str, str, bool, bool]]:
        """The toolbar now: command, label, title, whether it can be pressed, whether it is the main one."""
        ...

    def stops(self) -> list[str]:
        """Keys of the boxes with a breakpoint."""
        ...

    def do(self, message: Message) -> str | None:
        """Carry a command out; returns words for the person. Raises `NbflowError` with the reason when it cannot."""
        ...


class LiveView:
    """One view. `close` ends it with the static picture; it ends by itself when the execution does."""

    def __init__(
        self,
        execution: Execution,
        watch: Watch,
        place: Layout,
        screen: Screen,
        commands: Commands,
        now: Callable[[], float],
    ) -> None:
        from nbflow.notebook.widgets.model import LiveWidget

        self.execution, self.watch, self.place, self.screen = execution, watch, place, screen
        self.commands, self.now = commands, now
        self.loop = asyncio.get_running_loop()
        self.name = f"nbflow-{execution.id}-{id(self):x}"
        self.greeted = False
        self.over = False
        self.on_end: list[Callable[[], None]] = []
        self.items: dict[str, Box | Cluster] = {item.key: item for item in watch.picture.items()}
        self._dirty: dict[str, None] = {}
        self._texts: dict[str, str] = {}
        self._extra: Message = {}
        self._page: tuple[str, str | None] | None = None
        self._watched: dict[str, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._sent = 0.0
        self._forget: list[Callable[[], None]] = []
        self.widget = LiveWidget(svg=svg(watch.picture, place, standing=False))
        self.widget.on_msg(self._heard)

    def open(self) -> None:
        """Show the view and follow the execution."""
        self.widget.state = self._snapshot()
        shown: Any = self.widget._repr_mimebundle_()
        bundle = dict(shown[0] if isinstance(shown, tuple) else shown)
        bundle["text/plain"] = summary.headline(self.watch, self.execution.id, self.now())
        self.screen.show(bundle, self.name)
        execution = self.execution
        self._forget = [execution.texts(self._said), execution.on_held(self._soon), execution.subscribe(self._news)]
        if self.over:  # it had ended before it was shown
            self._let_go()

    # --- in --------------------------------------------------------------------------------------------

    def _news(self, records: Sequence[Record]) -> None:
        fresh = [record for record in records if record.sequence > self.watch.state.sequence]
        self._dirty |= self.watch.fold(fresh)
        if self.watch.state.phase in ENDED:
            self.close()
        else:
            self._soon()

    def _said(self, path: str, text: str) -> None:
        self._texts[path] = (self._texts.get(path, "") + text)[-TEXT:]
        self._soon()

    def _heard(self, widget: Any, content: Message, buffers: Any) -> None:
        self.loop.call_soon_threadsafe(self._do, content)

    def _do(self, message: Message) -> None:
        command = message.get("cmd")
        if self.over or not isinstance(command, str):
            return
        if command == "hello":
            self.greeted = True
        elif command == "look":
            self._look(message)
        elif command == "unlook":
            self._page = None
        elif command in ("watch", "unwatch"):
            self._watch(command, message.get("text"))
        else:
            self._command(message)
        self._soon()

    def _look(self, message: Message) -> None:
        key, path = message.get("key"), message.get("path")
        if key in self.items:
            self._page = (key, path if isinstance(path, str) else None)

    def _watch(self, command: str, text: Any) -> None:
        if command == "watch" and isinstance(text, str):
            self._watched[text.strip()] = None
        else:
            self._watched.pop(text, None)

    def _command(self, message: Message) -> None:
        try:
            words = self.commands.do(message)
        except Exception as problem:  # noqa: BLE001 - whatever it is, the person who pressed sees it
            self._extra["n"] = {"text": str(problem), "bad": True}
        else:
            self._extra["n"] = {"text": words or ""}

    def tell(self, words: str) -> None:
        """Show words at the foot of the view."""
        self._extra["n"] = {"text": words}
        self._soon()

    # --- out -------------------------------------------------------------------------------------------

    def _soon(self) -> None:
        if self._timer is None and not self.over:
            self._timer = self.loop.call_later(PACE, self._flush)

    def _flush(self) -> None:
        self._timer = None
        if self.over:
            return
        self._dirty |= self.watch.hold(self.execution.held)
        keys, self._dirty = self._dirty, {}
        texts, self._texts = self._texts, {}
        extra, self._extra = self._extra, {}
        message = {"now": self.now(), "h": self._head(), **self._looks(keys), **extra}
        if texts:
            message["t"] = {clean(path): clean_block(text) for path, text in texts.items()}
        if self._page is not None:
            message["i"] = self._inspected(*self._page)
        self.widget.send(message)
        if self.now() - self._sent > SNAPSHOT:
            self.widget.state = self._snapshot()

    def _inspected(self, key: str, path: str | None) -> Message:
        page = inspector.page(self.watch, key, path, self.execution.held, self.execution.preview)
        node = page["path"] if page["path"] in self.watch.state.nodes else None
        page["evaluates"] = True
        page["watched"] = [inspector.evaluated(self.execution, text, node) for text in self._watched]
        return page

    def _looks(self, keys: dict[str, None]) -> Message:
        wires = {key: self.watch.wires[key] for key in keys if key in self.watch.wires}
        looks = {key: self._line(key) for key in keys if key in self.items}
        return {"d": looks, "w": wires}

    def _line(self, key: str) -> list[Any]:
        look: Look = self.watch.look(key)
        place = self.place.boxes.get(key) or self.place.clusters.get(key) or Rect(0, 0, 0, 0)
        item = self.items[key]
        return [look.phase, note_line(item, look, place), look.badge, look.since, about(item, look)]

    def _snapshot(self) -> Message:
        self._sent = self.now()
        looks = {key: self._line(key) for key in self.items}
        return {"now": self._sent, "h": self._head(), "d": looks, "w": dict(self.watch.wires)}

    def _head(self) -> Message:
        state = self.watch.state
        phase = "held" if self.execution.held and state.phase not in ENDED else self.execution.phase
        return {
            "name": clean(state.workflow),
            "phase": phase,
            "says": summary.progress(self.watch),
            "done": self.watch.settled,
            "total": max(self.watch.known, self.watch.settled),
            "started": state.started,
            "ended": state.ended,
            "usage": summary.usage(self.watch),
            "tools": self.commands.tools(),
            "stops": self.commands.stops(),
        }

    def _let_go(self) -> None:
        for forget in self._forget:
            forget()

    # --- the end ---------------------------------------------------------------------------------------

    def close(self) -> None:
        """Put the static picture in the view's place and give up everything that was registered."""
        if self.over:
            return
        self.over = True
        self._let_go()
        if self._timer is not None:
            self._timer.cancel()
        self.screen.replace(html.final(self.watch, self.execution.id, self.now(), self.place), self.name)
        self.widget.on_msg(self._heard, remove=True)
        self.widget.layout.close()
        self.widget.close()
        for then in self.on_end:
            then()
