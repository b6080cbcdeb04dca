"""The live view of an execution: follows what is committed, shows what is held and said, obeys the toolbar.

It ends by itself when the execution does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from nbflow.execution.events import Event, ExecutionEdited, NodeEdited, Record
from nbflow.execution.state import ENDED
from nbflow.notebook import inspector
from nbflow.notebook.render import html, summary
from nbflow.notebook.render.lettering import clean, clean_block
from nbflow.notebook.render.places import Layout
from nbflow.notebook.render.watch import Watch
from nbflow.notebook.widgets.view import WHOLE, Message, Screen, View
from nbflow.runtime.execution import Execution

_ARE = {"inputs": "are", "context": "is"}
TEXT = 2000  # characters of streamed text in one message, a node


def changed(event: Event) -> str | None:
    """What a change by hand says once it is recorded."""
    match event:
        case ExecutionEdited():
            return "the inputs of the execution are changed for what has not read them; the change is recorded"
        case NodeEdited(what="output"):
            return f"the output of {event.node} is changed for what has not read it; the change is recorded"
        case NodeEdited():
            return f"the {event.what} of {event.node} {_ARE[event.what]} changed; the change is recorded"
        case _:
            return None


class Commands(Protocol):
    """What the view's controls lead to. `debug` says that the view is a debugger's."""

    debug: bool

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


class LiveView(View):
    """A view of what runs."""

    def __init__(
        self,
        execution: Execution,
        watch: Watch,
        place: Layout,
        screen: Screen,
        commands: Commands,
        now: Callable[[], float],
    ) -> None:
        super().__init__(execution, watch, place, screen, now)
        self.commands = commands
        self._texts: dict[str, str] = {}
        self._forget: list[Callable[[], None]] = []

    def open(self) -> None:
        """Show the view and follow the execution."""
        super().open()
        execution = self.execution
        self._forget = [execution.texts(self._said), execution.on_held(self.soon), execution.subscribe(self._news)]
        if self.over:  # it had ended before it was shown
            self._let_go()

    def _news(self, records: Sequence[Record]) -> None:
        fresh = [record for record in records if record.sequence > self.watch.state.sequence]
        self._dirty |= self.watch.fold(fresh)
        for record in fresh if self._forget else ():  # not for what was recorded before the view was opened
            if words := changed(record.event):
                self.tell(words)
        if self.watch.state.phase in ENDED:
            self.close()
        else:
            self.soon()

    def _said(self, path: str, text: str) -> None:
        self._texts[path] = (self._texts.get(path, "") + text)[-TEXT:]
        self.soon()

    def news(self) -> Message:
        self._dirty |= self.watch.hold(self.execution.held)
        texts, self._texts = self._texts, {}
        message = super().news()
        if texts:
            message["t"] = {clean(path): clean_block(text) for path, text in texts.items()}
        return message

    def head(self) -> Message:
        state = self.watch.state
        phase = "held" if self.execution.held and state.phase not in ENDED else self.execution.phase
        return {
            "id": self.execution.id,
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

    def command(self, message: Message) -> str | None:
        return self.commands.do(message)

    def inspected(self, key: str, path: str | None) -> Message:
        execution = self.execution
        if key == WHOLE:
            page = inspector.whole(self.watch.state, execution.phase, execution.editable())
        else:
            page = inspector.page(
                self.watch, key, path, execution.held, execution.preview, execution.editable, execution.failing,
                execution.pinned,
            )  # fmt: skip
        node = page["path"] if page["path"] in self.watch.state.nodes else None
        page["evaluates"] = True
        page["watched"] = [inspector.evaluated(self.execution, text, node) for text in self._watched]
        return page

    def final(self) -> html.Bundle:
        return html.final(self.watch, self.execution.id, self.now(), self.place)

    def _let_go(self) -> None:
        for forget in self._forget:
            forget()

    def close(self) -> None:
        self._let_go()
        super().close()
