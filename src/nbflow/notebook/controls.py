"""What the controls of a live view lead to: the verbs on its execution, and the breakpoints of its workflow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nbflow.errors import IllegalMove
from nbflow.notebook.breakpoints import Breakpoints
from nbflow.notebook.render.picture import Picture
from nbflow.notebook.verbs import AGAIN, BY_NAME
from nbflow.notebook.waiting import Waiting
from nbflow.runtime.execution import Execution

Message = Mapping[str, Any]
SAID = {
    "pin": "later executions take the output of {} instead of calling it",
    "detach": "the cell is given back; the execution goes on",
    "unpin": "{} is no longer pinned",
}
Tool = tuple[str, str, str, bool, bool]


class Controls:
    """The commands of one view. `waiting` is the cell that waits, if one does."""

    def __init__(
        self, execution: Execution, picture: Picture, breakpoints: Breakpoints, *, debug: bool = False,
        waiting: Waiting | None = None, again: Callable[[Execution], None] | None = None,
    ) -> None:  # fmt: skip
        self.execution, self.picture, self.breakpoints = execution, picture, breakpoints
        self.debug, self.waiting, self.again = debug, waiting, again
        self._places = {item.key: item.path for item in picture.items()}

    # --- the toolbar -------------------------------------------------------------------------------------

    def tools(self) -> list[Tool]:
        phase, held = self.execution.phase, bool(self.execution.held)
        live = phase in ("running", "waiting", "paused")
        stopped = held or phase in ("paused", "suspended")
        shown = [self._tool("resume", stopped, main=True) if stopped else self._tool("pause", live)]
        if self.debug or held or phase == "paused":
            shown += [self._tool("step", live), self._tool("step_over", live), self._tool("run_to", live)]
        shown.append(self._tool("suspend", live))
        if self.debug:
            shown.append(self._tool("cancel", live or phase == "suspended"))
        if self.awaited:
            shown.append(self._tool("detach", live))
        elif self.again is not None:
            shown.append(self._tool("again", True))
        return shown

    def _tool(self, name: str, on: bool, *, main: bool = False) -> Tool:
        verb = AGAIN if name == AGAIN.name else BY_NAME[name]
        return name, verb.button, verb.does, on, main

    @property
    def awaited(self) -> bool:
        return self.waiting is not None and not self.waiting.left

    def stops(self) -> list[str]:
        names = self.breakpoints.at
        return [key for key, path in self._places.items() if path in names or path.rpartition(".")[2] in names]

    # --- commands ----------------------------------------------------------------------------------------

    def do(self, message: Message) -> str | None:
        command = message["cmd"]
        if command == AGAIN.name:
            return self._again()
        verb = BY_NAME.get(command)
        if verb is None:
            raise IllegalMove(f"there is no command {command!r}")
        node = self._node(message) if verb.takes not in ("", "INPUTS") else ""
        if command == "break":
            return self.breakpoints.toggle(self.execution, self._places.get(str(message.get("key")), node))
        verb.do(self.execution, node, message.get("value"))
        if command == "pin":
            return SAID["pin" if self.execution.pinned(node) else "unpin"].format(node)
        return SAID[command].format(node) if command in SAID else None

    def _again(self) -> str:
        if self.again is None or self.awaited:
            raise IllegalMove("the cell still waits for this execution; stop it, or give the cell back first")
        self.again(self.execution)
        return "run the cell again: what did not change is kept"

    def _node(self, message: Message) -> str:
        path = message.get("path")
        node = path if isinstance(path, str) else self._places.get(str(message.get("key")))
        if node is None:
            raise IllegalMove("choose a node first: click on it")
        return node
