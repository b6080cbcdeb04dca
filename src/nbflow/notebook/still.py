"""The still picture of an execution that is running: nobody is there, but what is saved has to be true."""

from __future__ import annotations

from collections.abc import Callable

from nbflow.notebook import screen
from nbflow.notebook.render import html
from nbflow.notebook.render.places import Layout
from nbflow.notebook.render.watch import Watch
from nbflow.runtime.execution import Execution


class Still:
    """Shown at once in the running cell; `bring_up_to_date` puts another in its place when something has changed."""

    def __init__(self, execution: Execution, watch: Watch, place: Layout, now: Callable[[], float]) -> None:
        self._execution, self._watch, self._place, self._now = execution, watch, place, now
        self._area, self._name = screen.OutputArea(), f"nbflow-{execution.id}"
        self._shown = -1
        self._area.show(self._picture(), self._name)

    def _picture(self) -> html.Bundle:
        self._shown = self._watch.state.sequence
        return dict(html.final(self._watch, self._execution.id, self._now(), self._place))

    def bring_up_to_date(self) -> None:
        if self._watch.state.sequence != self._shown:
            screen.in_this_cell(self._area.replace, self._picture(), self._name)
