"""``%load_ext nbflow``: registers the magics and names what can be recovered. Loading twice is the same as once."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbflow import assembly, stores
from nbflow.errors import NbflowError
from nbflow.notebook.completion import Completer
from nbflow.notebook.magics import WorkflowMagics
from nbflow.notebook.preferences import NBFlow
from nbflow.notebook.render.layout import warm_up
from nbflow.notebook.rewrite import AwaitMagics, first_line
from nbflow.notebook.session import Session
from nbflow.notebook.waiting import Cells
from nbflow.plan.workflow import Workflow
from nbflow.runtime.execution import Execution

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

PLACE = "_nbflow"


class Extension:
    """What is registered with one IPython, so that it can be taken back."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.preferences = NBFlow(parent=shell)
        self.session = Session(
            shell.user_ns, kernel=hasattr(shell, "kernel"), next_input=shell.set_next_input,
            bind=shell.displayhook.update_user_ns,
            preferences=self.preferences,
            attended=lambda: bool(getattr(getattr(shell, "kernel", None), "_allow_stdin", True)),
        )  # fmt: skip
        self.session.old_kernel = _old_kernel() if self.session.kernel else None
        self.rewrite = AwaitMagics(lambda: bool(shell.autoawait))
        self.completer = Completer(self.session)
        self.cells = Cells(self.session.write)

    def load(self) -> None:
        shell = self.shell
        configurables: list[Any] = shell.configurables
        configurables.append(self.preferences)
        shell.register_magics(WorkflowMagics(shell, self.session))
        shell.input_transformers_cleanup.append(first_line)
        shell.input_transformers_post.append(self.rewrite)
        shell.events.register("pre_run_cell", self.rewrite.pre)
        shell.events.register("post_run_cell", self.rewrite.post)
        shell.events.register("pre_run_cell", self.fresh)
        shell.events.register("post_run_cell", self.refresh)
        self.rewrite.pre()  # the cell with %load_ext runs now
        formatter = shell.display_formatter
        assert formatter is not None
        formatter.ipython_display_formatter.for_type(Execution, self.draw)
        formatter.ipython_display_formatter.for_type(Workflow, self.draw_workflow)
        if shell.Completer is not None:
            shell.Completer.custom_matchers.append(self.completer.match)
        assembly.tools.use_namespace(lambda: shell.user_ns)
        assembly.see_environment(all_names=True)
        Execution.attended = self.cells.wait
        self.preferences.observe(self.prefer, ["agent_model", "aliases", "store"])
        self.prefer()
        threading.Thread(target=warm_up, name="nbflow-warm-up", daemon=True).start()

    def unload(self) -> None:
        shell = self.shell
        self.session.close()
        configurables: list[Any] = shell.configurables
        configurables.remove(self.preferences)
        shell.input_transformers_cleanup.remove(first_line)
        shell.input_transformers_post.remove(self.rewrite)
        for event, callback in (
            ("pre_run_cell", self.rewrite.pre), ("post_run_cell", self.rewrite.post), ("pre_run_cell", self.fresh),
            ("post_run_cell", self.refresh),
        ):  # fmt: skip
            shell.events.unregister(event, callback)
        if shell.display_formatter is not None:
            shell.display_formatter.ipython_display_formatter.pop(Execution, None)
            shell.display_formatter.ipython_display_formatter.pop(Workflow, None)
        if shell.Completer is not None and self.completer.match in shell.Completer.custom_matchers:
            shell.Completer.custom_matchers.remove(self.completer.match)
        assembly.tools.use_namespace(None)
        assembly.see_environment(all_names=False)
        Execution.attended = None
        self.preferences.unobserve_all()
        assembly.models.prefer()
        assembly.home = None

    def prefer(self, change: Any = None) -> None:
        """Agents answer with what is preferred from now on, and what is forked goes into the preferred store."""
        assembly.home = self.session.store
        assembly.models.prefer(default=self.preferences.agent_model or None, aliases=self.preferences.aliases)

    def fresh(self, info: Any = None) -> None:
        """A new cell has drawn nothing yet, and may wait for what it awaits."""
        self.cells.began()
        self.session.drawn.clear()

    def refresh(self, result: Any = None) -> None:
        """At the end of every cell, what stays of running executions is as they are."""
        self.session.refresh()

    def draw(self, execution: Execution) -> None:
        """An execution as a cell's value is drawn, unless the cell has drawn it."""
        if execution.id not in self.session.drawn:
            self.session.show_now(execution)

    def draw_workflow(self, workflow: Workflow) -> None:
        """The same for a workflow."""
        if workflow.plan.hash not in self.session.drawn:
            self.session.put(self.session.workflow_bundle(workflow))

    def name_what_was_interrupted(self) -> None:
        """One line on executions that can be recovered; silence when there are none, or no store can be read."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        if not _has_store(stores.store_url(self.session.store)):
            return
        task = asyncio.get_running_loop().create_task(self._interrupted(), name="nbflow-interrupted")
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _interrupted(self) -> None:
        try:
            engine = self.session.home()
            ids, gaps = await engine.interrupted(), await engine.journal.gaps()
        except NbflowError:
            return
        for gap in gaps[-3:]:
            self.session.write(f"nbflow: loss: {gap.message}")
        if len(gaps) > 3:
            self.session.write(f"nbflow: and {len(gaps) - 3} more; `nbflow executions list` has them all")
        if ids:
            more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
            self.session.write(f"nbflow: interrupted: {', '.join(ids[-3:])}{more}; %workflow recover goes on")


def _old_kernel() -> str | None:
    """The version of an ipykernel that hands messages of widgets over only between cells."""
    from ipykernel._version import __version__, version_info

    return str(__version__) if version_info[:2] < (7, 4) else None


def _has_store(url: str) -> bool:
    """Whether there is anything to look at; loading the extension makes no store."""
    scheme, _, place = url.partition(":///")
    path = Path(place)
    return scheme == "duckdb" and (path.exists() or (path.parent / "segments").exists())


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register with IPython; what was registered before is taken back first."""
    unload_ipython_extension(shell)
    extension = Extension(shell)
    extension.load()
    shell.__dict__[PLACE] = extension
    extension.name_what_was_interrupted()


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take everything back."""
    extension = shell.__dict__.pop(PLACE, None)
    if extension is not None:
        extension.unload()
