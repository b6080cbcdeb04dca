"""Progress as text where there is no live view: at most a line a second, fewer with time, none without news."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nbflow.notebook.render import summary
from nbflow.notebook.render.lettering import clean, seconds, shorten
from nbflow.notebook.render.watch import Watch

FIRST = 1.0  # seconds between lines at first
SLOWER = 1.15  # the pause grows by this
LONGEST = 15.0


class TextProgress:
    """Prints where an execution stands until it is closed."""

    def __init__(self, watch: Watch, now: Callable[[], float], write: Callable[[str], None]) -> None:
        self.watch, self.now, self.write = watch, now, write
        self._pause, self._last = FIRST, ""
        self._timer: asyncio.TimerHandle | None = None

    def start(self, delay: float = FIRST) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._tick_once()
        self._timer = asyncio.get_running_loop().call_later(self._pause, self._tick)
        self._pause = min(self._pause * SLOWER, LONGEST)

    def _tick_once(self) -> None:
        line = self.line()
        if line != self._last:
            took = summary.elapsed(self.watch.state, self.now())
            self.write(f"{line} · {seconds(took or 0.0)}")
            self._last = line

    def line(self) -> str:
        """Where it stands, without the time: ``review_article: 3 of 8 nodes · analyst, critic running``."""
        state = self.watch.state
        active = [clean(path) for path, node in state.nodes.items() if node.phase == "running" and node.opened is None]
        words = [f"{clean(state.workflow)}: {summary.progress(self.watch)}"]
        if active:
            more = f" and {len(active) - 3} more" if len(active) > 3 else ""
            words.append(f"{', '.join(active[:3])}{more} running")
        return shorten(" · ".join([*words, *summary.usage(self.watch)]), 200)
