"""What one notebook has open: its views, the executions it follows, the breakpoints of its workflows.

A cell that waits and a cell that returns at once go the same way here; they differ only in who awaits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextvars import copy_context
from pathlib import Path
from typing import Any

from nbflow import assembly, stores
from nbflow.errors import ExecutionFailed, JournalConflict, NbflowError
from nbflow.execution.state import ENDED
from nbflow.history import forking
from nbflow.notebook import screen
from nbflow.notebook.breakpoints import Breakpoints, Kept
from nbflow.notebook.controls import Controls
from nbflow.notebook.earlier import Earlier
from nbflow.notebook.errors import LATE, MOCKED, UNATTENDED, Cancelled, Suspended, suspended
from nbflow.notebook.preferences import NBFlow
from nbflow.notebook.progress import TextProgress
from nbflow.notebook.render import html, summary
from nbflow.notebook.render.extract import picture as draw
from nbflow.notebook.render.layout import layout_aside
from nbflow.notebook.render.places import Layout
from nbflow.notebook.render.watch import Watch
from nbflow.notebook.still import Still
from nbflow.notebook.waiting import Waiting
from nbflow.notebook.widgets.live import LiveView
from nbflow.notebook.widgets.past import Fork, PastView
from nbflow.plan.workflow import Workflow
from nbflow.ports.clock import SystemClock
from nbflow.runtime.engine import Engine
from nbflow.runtime.execution import Execution, failure_line

SILENCE = 2.0  # seconds without a word from a browser, after which there is none
GRACE = 8.0  # seconds more before what no cell waits for is not held any longer


class Session:
    """One notebook. `kernel` says that there are output areas, `attended` that a person may be at them.

    Without the first progress is text; without the second there is a still picture and text, and no widget.
    """

    def __init__(
        self, namespace: dict[str, Any], *, kernel: bool, write: Callable[[str], None] = print,
        next_input: Callable[[str], None] = print, bind: Callable[[Any], None] = lambda value: None,
        attended: Callable[[], bool] = lambda: True, preferences: NBFlow | None = None,
    ) -> None:  # fmt: skip
        self.namespace, self.kernel, self.write = namespace, kernel, write
        self.next_input, self.bind, self.attended = next_input, bind, attended
        self.preferences = preferences or NBFlow()
        self.old_kernel: str | None = None  # the version, when buttons of a waiting cell answer only at its end
        self.now = SystemClock().now
        self.workflows: dict[str, Workflow] = {}
        self._breakpoints: Kept | None = None
        self.views: dict[str, LiveView] = {}
        self.earlier = Earlier(self.home, write)
        self._met = False  # whether a browser has ever answered
        self.drawn: set[str] = set()  # executions that this cell shows already
        self.stills: dict[str, Callable[[], None]] = {}  # execution → what brings its saved picture up to date
        self._past: dict[str, PastView] = {}
        self._moving: dict[str, Callable[[], None]] = {}  # execution → what ends the picture that follows it
        self._showing: set[asyncio.Task[None]] = set()
        self._following: dict[str, asyncio.Task[None]] = {}

    @property
    def store(self) -> str | None:
        """The store that is preferred; None for the one that is set, or the default."""
        return self.preferences.store or None

    @property
    def looked_at(self) -> bool:
        """Whether a live view can be shown, and a person may be at it."""
        return self.kernel and self.attended() and bool(self.preferences.live)

    @property
    def stops(self) -> Kept:
        """All breakpoints; kept beside the store that was in force when they were first asked for."""
        if self._breakpoints is None:
            scheme, _, place = stores.store_url(self.store).partition(":///")
            self._breakpoints = Kept(Path(place).parent if scheme == "duckdb" else None)
        return self._breakpoints

    def stops_of(self, workflow: str) -> Breakpoints:
        """The breakpoints of a workflow."""
        return self.stops.of(workflow)

    def pass_by(self, stops: Iterable[str]) -> None:
        """Say that breakpoints do not hold, since nobody would go on."""
        self.write(f"{UNATTENDED}: {', '.join(stops) or 'there is no debugger'} [magic.breakpoint]")

    def go_on(self, execution: Execution, *, debug: bool = False) -> bool:
        """Set breakpoints on an execution that goes on after a restart, and hold it if it was being debugged.

        Returns whether it is debugged. Nothing has begun again yet.
        """
        debug = debug or self.stops.debugged(execution)
        if debug:
            self.hold(execution)
        elif self.looked_at:
            self.stops_of(execution.plan.name).apply(execution, on_error=False)
        return debug and self.attended()

    def hold(self, execution: Execution) -> None:
        """Hold an execution that has just been made before its first node, with the breakpoints of its workflow."""
        if not self.attended():
            self.pass_by(self.stops_of(execution.plan.name).nodes)
            return
        self.stops_of(execution.plan.name).apply(execution, on_error=True)
        execution.step()

    def home(self) -> Engine:
        """The engine of the notebook's own store, where forks and reruns of executions of any store go."""
        return assembly.engine(self.store)

    # --- presenting --------------------------------------------------------------------------------------

    async def wait_for(self, execution: Execution, *, debug: bool = False) -> Execution:
        """Show an execution and wait for its end, as a cell does.

        Raises `ExecutionFailed`, `Cancelled` or `Suspended`, each one line, when it did not complete.
        """
        waiting = Waiting(execution, lambda words: self._tell(execution, words))
        closing = await self._present(execution, waiting=waiting, debug=debug)
        try:
            end = await waiting.end()
        except BaseException:
            closing()
            raise
        if end == "detached":
            self._follow(execution, closing)
            return execution
        closing()
        if end == "abandoned":
            raise Suspended(
                f"{execution.plan.name} {execution.id}: a node ignores its cancellation and is left running"
            )
        return self._outcome(execution)

    async def follow(self, execution: Execution, *, debug: bool = False) -> Execution:
        """Show an execution and return at once; the picture keeps following it."""
        self._follow(execution, await self._present(execution, debug=debug))
        return execution

    def _outcome(self, execution: Execution) -> Execution:
        self.earlier.say_what_was_kept(execution)
        if execution.phase != "completed":
            self.bind(execution)
        phase, name = execution.phase, f"{execution.plan.name} {execution.id}"
        if phase == "failed":
            raise ExecutionFailed(failure_line(execution), execution)
        if phase == "cancelled":
            raise Cancelled(f"{name} was cancelled")
        if phase == "suspended":
            raise suspended(execution)
        return execution

    def _follow(self, execution: Execution, closing: Callable[[], None]) -> None:
        self._moving[execution.id] = closing
        if execution.id in self._following:
            return
        task = asyncio.get_running_loop().create_task(self._until_over(execution), name=f"nbflow-{execution.id}")
        self._following[execution.id] = task
        task.add_done_callback(lambda done: self._following.pop(execution.id, None))

    async def _until_over(self, execution: Execution) -> None:
        try:
            await execution
        except JournalConflict as elsewhere:
            self.write(f"{execution.id} is left alone: {elsewhere}")  # the picture is about to stand still
        except NbflowError:
            return  # the picture says it
        finally:
            self.put_away(execution)
            self.earlier.say_what_was_kept(execution)

    def put_away(self, execution: Execution) -> bool:
        """Let the picture that follows an execution stand still from now on; whether it had the debugger's tools."""
        view, closing = self.views.get(execution.id), self._moving.pop(execution.id, None)
        if closing is not None:
            closing()
        if view is not None:
            view.close()
        return view is not None and view.commands.debug

    async def _present(
        self, execution: Execution, *, waiting: Waiting | None = None, debug: bool = False
    ) -> Callable[[], None]:
        """Draw it and keep it up to date; returns what ends that."""
        picture = draw(execution.plan)
        watch = Watch(execution.plan, picture)
        self.drawn.add(execution.id)
        progress = TextProgress(watch, self.now, self.write)
        if not self.kernel:
            return self._in_text(execution, watch, progress)
        place = await layout_aside(picture)
        debug = self.put_away(execution) or debug  # one picture of an execution moves at a time
        if not self.looked_at:
            return self._unattended(execution, watch, place, progress)
        stops, again = self.stops_of(execution.plan.name), self.earlier.keep
        controls = Controls(execution, picture, stops, debug=debug, waiting=waiting, again=again)
        if debug and not execution.ended:
            self.stops.debugged(execution, now=True)
        view = LiveView(execution, watch, place, screen.OutputArea(), controls, self.now)
        view.widget.theme = self.preferences.theme
        view.on_end.append(progress.close)
        self.views[execution.id] = view
        view.open()
        if waiting is not None and self.old_kernel:
            view.tell(LATE.format(self.old_kernel))
        silence = asyncio.get_running_loop().call_later(SILENCE, self._unless_greeted, view, progress)
        view.on_end += [silence.cancel, lambda: self._gone(execution.id, view)]
        return view.close

    def _gone(self, id: str, view: LiveView) -> None:
        self._met = self._met or view.greeted
        if self.views.get(id) is view:
            del self.views[id]
        if view.execution.ended:
            self.stops.debugged(view.execution, now=False)

    def _unless_greeted(self, view: LiveView, progress: TextProgress) -> None:
        """No browser answered: text shows the progress, and breakpoints are passed so that nothing hangs.

        A cell that waits is not kept waiting; where no view was ever answered, nothing is held for long.
        """
        if view.greeted or view.over:
            return
        progress.start(0.0)
        if view.commands.awaited:
            self._let_pass(view)
            return
        later = asyncio.get_running_loop().call_later(GRACE, self._unless_met, view)
        view.on_end.append(later.cancel)

    def _unless_met(self, view: LiveView) -> None:
        self._met = self._met or any(each.greeted for each in self.views.values())
        if not self._met and not view.over:
            self._let_pass(view)

    def _let_pass(self, view: LiveView) -> None:
        execution = view.execution
        stops = self.stops_of(execution.plan.name).nodes
        if not (stops or execution.held or view.commands.debug) or execution.suspended or not execution.driven:
            return
        self.pass_by(stops or execution.held)
        execution.let_pass()

    def _in_text(self, execution: Execution, watch: Watch, progress: TextProgress) -> Callable[[], None]:
        forget = execution.subscribe(lambda records: _fold(watch, records))
        progress.start()

        def closing() -> None:
            forget()
            progress.close()
            self.write(summary.text(watch, execution.id, self.now()))

        return closing

    def _unattended(
        self, execution: Execution, watch: Watch, place: Layout, progress: TextProgress
    ) -> Callable[[], None]:
        """A run without a person (nbclient, papermill): what is saved is the still picture and nothing else."""
        still = Still(execution, watch, place, self.now)
        forget = execution.subscribe(lambda records: _fold(watch, records))
        progress.start(SILENCE)
        self.stills[execution.id] = still.bring_up_to_date

        def closing() -> None:
            forget()
            progress.close()
            self.stills.pop(execution.id, None)
            still.bring_up_to_date()

        return closing

    def refresh(self) -> None:
        """Bring what is saved of running executions up to date: a runner hears of it only while a cell runs."""
        for bring_up_to_date in tuple(self.stills.values()):
            bring_up_to_date()

    def _tell(self, execution: Execution, words: str) -> None:
        view = self.views.get(execution.id)
        if view is not None:
            view.tell(words)
        else:
            self.write(words)

    # --- pictures that stand -----------------------------------------------------------------------------

    async def show(self, execution: Execution) -> None:
        """Draw any execution as it is now: a running one follows on, another is a still picture."""
        if execution.phase not in ENDED and self.kernel and execution.driven:
            await self.follow(execution, debug=self.stops.debugged(execution))
            return
        bundle = await self.final(execution)
        self.put(bundle)

    async def travel(self, execution: Execution) -> None:
        """A slider over the records of an execution; a still picture where nobody is."""
        watch = Watch(execution.plan, draw(execution.plan))
        place = await layout_aside(watch.picture)
        if not self.looked_at or not execution.events:
            await self.show(execution)
            return
        view = PastView(execution, watch, place, screen.OutputArea(), self._forks_here(), self.now)
        view.widget.theme = self.preferences.theme
        if (earlier := self._past.get(execution.id)) is not None:
            earlier.close()
        self._past[execution.id] = view
        view.on_end.append(lambda: self._past.__delitem__(execution.id))
        view.open()

    def _forks_here(self) -> Fork:
        """What forks and draws the fork in the cell that runs now, whoever asks for it later."""
        cell = copy_context()
        return lambda *asked: asyncio.get_running_loop().create_task(self._fork(*asked), context=cell)

    async def _fork(self, execution: Execution, sequence: int, edits: forking.Edits) -> str:
        """Go on from a record on a copy, and draw it; returns words."""
        forked = await forking.fork(self.home(), execution, sequence, edits=edits)
        await self.follow(forked)
        words = f"{forked.id} goes on from record {sequence}"
        return f"{words}; {MOCKED.format(forked.id)}" if forked.mocked else words

    async def final(self, execution: Execution) -> dict[str, str]:
        """The still picture of an execution."""
        watch = Watch(execution.plan, draw(execution.plan))
        watch.fold(execution.events)
        return html.final(watch, execution.id, self.now(), await layout_aside(watch.picture))

    def show_now(self, execution: Execution) -> None:
        """The same for an execution that is the value of a cell."""
        if execution.driven and execution.phase not in ENDED and self.kernel:
            task = asyncio.get_running_loop().create_task(self.show(execution), name="nbflow-show")
            self._showing.add(task)
            task.add_done_callback(self._showing.discard)
            return
        watch = Watch(execution.plan, draw(execution.plan))
        watch.fold(execution.events)
        self.put(html.final(watch, execution.id, self.now()))

    def put(self, bundle: dict[str, str]) -> None:
        """Show a bundle that stays as it is; its text in a terminal."""
        if self.kernel:
            screen.put(dict(bundle))
        else:
            self.write(bundle["text/plain"])

    def workflow_bundle(self, workflow: Workflow) -> dict[str, str]:
        """The picture of a workflow that is the value of a cell."""
        return html.plain_graph(draw(workflow.plan))

    def close(self) -> None:
        """End every view with its still picture; what runs goes on."""
        for view in (*self.views.values(), *self._past.values()):
            view.close()


def _fold(watch: Watch, records: Any) -> None:
    watch.fold(record for record in records if record.sequence > watch.state.sequence)
