"""The magics: a line is parsed, one function is called, its result is the cell's. Nothing else happens here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator
from typing import Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from nbflow.notebook.cell import run_cell
from nbflow.notebook.commands import run_command
from nbflow.notebook.help import cell_page
from nbflow.notebook.options import read_options
from nbflow.notebook.session import Session


class Later:
    """What a magic gives where it could not be awaited (in a function, or beside the %load_ext that defines it)."""

    def __init__(self, work: Awaitable[Any]) -> None:
        self._work = work

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._work.__await__()

    def __repr__(self) -> str:
        return "<a workflow that does not run yet: await this, or put %load_ext nbflow in a cell of its own>"


@magics_class
class WorkflowMagics(Magics):
    """``%%workflow`` and ``%workflow``."""

    def __init__(self, shell: Any, session: Session) -> None:
        super().__init__(shell)
        self.session = session

    @no_var_expand
    @line_cell_magic
    def workflow(self, line: str, cell: str | None = None) -> Any:
        work = self._go(line, cell)
        try:
            asyncio.get_running_loop()
        except RuntimeError:  # ``ipython file.ipy``: IPython's loop is there but does not run
            from IPython.core.async_helpers import get_asyncio_loop

            return get_asyncio_loop().run_until_complete(work)  # type: ignore[no-untyped-call]
        return Later(work)

    async def _go(self, line: str, cell: str | None) -> Any:
        if cell is None:
            return await run_command(self.session, line)
        options = read_options(line, self.session.namespace)
        if options.help:
            self.session.write(cell_page())
            return None
        return await run_cell(self.session, options, cell)


WorkflowMagics.workflow.__doc__ = cell_page()
