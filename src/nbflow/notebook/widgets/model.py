"""The widget itself: what is synchronised with the browser, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from nbflow.notebook.render import icons, theme

HERE = Path(__file__).parent
PARTS = ("words", "editor", "table", "inspector", "graph", "live")  # one module, in this order


def _style() -> str:
    return (
        f".nbflow{{{theme.variables(theme.light)}}}.nbflow[data-theme=dark]{{{theme.variables(theme.dark)}}}"
        f"{theme.live()}\n{(HERE / 'live.css').read_text(encoding='utf-8')}"
    )


class LiveWidget(anywidget.AnyWidget):
    """`svg` is the picture, `state` a whole snapshot for views that come late; news are custom messages."""

    _esm = "\n".join((HERE / f"{part}.js").read_text(encoding="utf-8") for part in PARTS)
    _css = _style()

    svg = traitlets.Unicode("").tag(sync=True)
    state: Any = traitlets.Dict().tag(sync=True)
    theme = traitlets.Unicode("auto").tag(sync=True)
    signs: Any = traitlets.Dict(icons.PHASES).tag(sync=True)
