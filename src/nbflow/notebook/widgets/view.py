"""What every view does: draw once, gather what changed, send it at most ten times a second, hop with what it hears.

A whole snapshot is synchronised now and then, so that a view that comes late, or lost a message, is right again.
Messages from the browser may come on any thread and any loop; they only hop to the loop of the view. At the end a
still picture takes the view's place.
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol

from nbflow.errors import IllegalMove
from nbflow.notebook import inspector
from nbflow.notebook.render import summary
from nbflow.notebook.render.html import Bundle
from nbflow.notebook.render.picture import Box, Cluster
from nbflow.notebook.render.places import Layout, Rect
from nbflow.notebook.render.svg import about, badged, note_line, svg
from nbflow.notebook.render.watch import Watch
from nbflow.runtime.execution import Execution

PACE = 0.1  # seconds between messages
SNAPSHOT = 2.0  # seconds between snapshots
WHOLE = ""  # stands for the execution itself, where a node has its key

Message = dict[str, Any]


class Screen(Protocol):
    """Where a view is shown; what a notebook's output area can do."""

    def show(self, bundle: dict[str, Any], name: str) -> None:
        """Put a mime bundle out under a name."""
        ...

    def replace(self, bundle: dict[str, Any], name: str) -> None:
        """Put another in its place."""
        ...


class View(ABC):
    """One view of an execution. `greeted` says that a browser has answered."""

    def __init__(
        self, execution: Execution, watch: Watch, place: Layout, screen: Screen, now: Callable[[], float]
    ) -> None:
        from nbflow.notebook.widgets.model import LiveWidget

        self.execution, self.watch, self.place, self.screen, self.now = execution, watch, place, screen, now
        self.loop = asyncio.get_running_loop()
        self.name = f"nbflow-{execution.id}-{id(self):x}"
        self.greeted = self.over = False
        self.on_end: list[Callable[[], None]] = []
        self.items: dict[str, Box | Cluster] = {item.key: item for item in watch.picture.items()}
        self._dirty: dict[str, None] = {}
        self._extra: Message = {}
        self._page: tuple[str, str | None] | None = None
        self._watched: dict[str, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._sent = 0.0
        self.widget = LiveWidget(svg=svg(watch.picture, place, standing=False))
        self.widget.on_msg(self._heard)

    def open(self) -> None:
        """Show the view."""
        self.widget.state = self._snapshot()
        shown: Any = self.widget._repr_mimebundle_()
        bundle = dict(shown[0] if isinstance(shown, tuple) else shown)
        bundle["text/plain"] = summary.headline(self.watch, self.execution.id, self.now())
        self.screen.show(bundle, self.name)

    # --- what a kind of view has for itself ------------------------------------------------------------

    @abstractmethod
    def head(self) -> Message:
        """The line above the graph: name, phase, progress, tools."""

    @abstractmethod
    def command(self, message: Message) -> str | None:
        """Carry out what a control asks; returns words. Raises `NbflowError` with the reason when it cannot."""

    @abstractmethod
    def final(self) -> Bundle:
        """The still picture that stays."""

    def inspected(self, key: str, path: str | None) -> Message:
        """The page of the node that was clicked."""
        return inspector.page(self.watch, key, path, ())

    # --- in --------------------------------------------------------------------------------------------

    def _heard(self, widget: Any, content: Message, buffers: Any) -> None:
        self.loop.call_soon_threadsafe(self._do, content)

    def _do(self, message: Message) -> None:
        command = message.get("cmd")
        if self.over or not isinstance(command, str):
            return
        if command == "hello":
            self.greeted = True
            self.widget.state = self._snapshot()  # a view that comes late has missed what was sent
        elif command == "look":
            self._look(message)
        elif command == "unlook":
            self._page = None
        elif command in ("watch", "unwatch"):
            self.watch_out(message.get("text"), command == "watch")
        else:
            self._command(message)
        self.soon()

    def _look(self, message: Message) -> None:
        key, path = message.get("key"), message.get("path")
        if isinstance(key, str) and (key in self.items or key == WHOLE):
            self._page = (key, path if isinstance(path, str) else None)

    def watch_out(self, text: Any, on: bool = True) -> None:
        """Show an expression's value beside every node, or no longer."""
        if on and isinstance(text, str):
            self._watched[text.strip()] = None
        else:
            self._watched.pop(text, None)
        self.soon()

    def _command(self, message: Message) -> None:
        try:
            words = self.command(_read(message))
        except Exception as problem:  # noqa: BLE001 - whatever it is, the person who pressed sees it
            self._extra["n"] = {"text": str(problem), "bad": True}
        else:
            self._extra["n"] = {"text": words or ""}

    def tell(self, words: str) -> None:
        """Show words at the foot of the view."""
        self._extra["n"] = {"text": words}
        self.soon()

    # --- out -------------------------------------------------------------------------------------------

    def soon(self) -> None:
        """Send what changed, a moment from now."""
        if self._timer is None and not self.over:
            self._timer = self.loop.call_later(PACE, self._flush)

    def _flush(self) -> None:
        self._timer = None
        if self.over:
            return
        message = self.news()
        if self._page is not None:
            message["i"] = self.inspected(*self._page)
        self.widget.send(message)
        if self.now() - self._sent > SNAPSHOT:
            self.widget.state = self._snapshot()

    def news(self) -> Message:
        """What changed since the last message."""
        keys, self._dirty = self._dirty, {}
        extra, self._extra = self._extra, {}
        wires = {key: self.watch.wires.get(key, "") for key in keys if key not in self.items}
        looks = {key: self._line(key) for key in keys if key in self.items}
        return {"now": self.now(), "h": self.head(), "d": looks, "w": wires, **extra}

    def _line(self, key: str) -> list[Any]:
        look = self.watch.look(key)
        place = self.place.boxes.get(key) or self.place.clusters.get(key) or Rect(0, 0, 0, 0)
        item = self.items[key]
        note, timed = note_line(item, look, place), badged(item, look, place)
        return [look.phase, note, look.badge, look.since, about(item, look), timed]

    def _snapshot(self) -> Message:
        self._sent = self.now()
        looks = {key: self._line(key) for key in self.items}
        return {"now": self._sent, "h": self.head(), "d": looks, "w": dict(self.watch.wires)}

    # --- the end ---------------------------------------------------------------------------------------

    def close(self) -> None:
        """Put the still picture in the view's place and give up everything that was registered."""
        if self.over:
            return
        self.over = True
        if self._timer is not None:
            self._timer.cancel()
        self.screen.replace(dict(self.final()), self.name)
        self.widget.on_msg(self._heard, remove=True)
        self.widget.layout.close()
        self.widget.close()
        for then in self.on_end:
            then()


def _read(message: Message) -> Message:
    """The message with the value that was typed; as text, no number loses a digit in the browser."""
    text = message.get("json")
    if not isinstance(text, str):
        return message
    try:
        return {**message, "value": json.loads(text, parse_constant=_no_number)}
    except ValueError as problem:
        raise IllegalMove(f"not JSON: {problem}") from None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
