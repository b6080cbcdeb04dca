"""The places a notebook has for output: a kernel's output areas, or a terminal's lines."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from typing import Any

from IPython.display import display, update_display


class OutputArea:
    """Displays by name: what is shown under a name can be replaced later, also after its cell has ended."""

    def show(self, bundle: dict[str, Any], name: str) -> None:
        display(bundle, raw=True, display_id=name)  # type: ignore[no-untyped-call]

    def replace(self, bundle: dict[str, Any], name: str) -> None:
        update_display(bundle, raw=True, display_id=name)  # type: ignore[no-untyped-call]


def in_this_cell(show: Callable[[dict[str, Any], str], None], bundle: dict[str, Any], name: str) -> None:
    """Show as of the cell that runs now, wherever the call comes from: nbclient hears no other, but updates all."""
    Context().run(show, bundle, name)


def put(bundle: dict[str, Any]) -> None:
    """Show a bundle that stays as it is."""
    display(bundle, raw=True)  # type: ignore[no-untyped-call]
