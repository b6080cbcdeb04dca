"""An execution in words: the headline, the node table, the outputs. What text, HTML and progress lines share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nbflow.execution.state import ExecutionState, NodeState
from nbflow.notebook.render.lettering import clean, clean_block, seconds, shorten
from nbflow.notebook.render.looks import glyph
from nbflow.notebook.render.watch import Watch, error_line
from nbflow.runtime.explaining import ignored

ROWS = 200  # nodes of a table; the rest is counted
LONG = 2000  # characters of outputs that are shown


@dataclass(frozen=True, slots=True)
class Row:
    """One node of the table; all of it clean text."""

    path: str
    kind: str
    phase: str
    attempts: str
    took: str
    says: str


def headline(watch: Watch, execution: str, now: float | None = None) -> str:
    """``✓ review_article completed · 7 of 8 nodes · 3.2 s · 20261124-…``."""
    state = watch.state
    words = [f"{glyph(state.phase)} {clean(state.workflow)} {state.phase}", progress(watch)]
    took = elapsed(state, now)
    words += [seconds(took)] if took is not None else []
    words += [*usage(watch), *as_of(state, now)]
    return " · ".join(word for word in (*words, clean(execution)) if word)


def progress(watch: Watch) -> str:
    """``7 of 8 nodes, 1 skipped``; of a workflow that is a statechart, where it is: ``in start; ignored nonsense``."""
    if watch.plan.machine is not None:
        return next((states(node) for node in watch.state.nodes.values() if node.snapshot is not None), "")
    counts = watch.counts()
    total = sum(counts.values())
    done = counts.get("completed", 0)
    others = [
        f"{counts[phase]} {phase}" for phase in ("failed", "skipped", "cancelled", "waiting") if counts.get(phase)
    ]
    return ", ".join([f"{done} of {total} node{'s' if total != 1 else ''}", *others])


def usage(watch: Watch) -> list[str]:
    """Tokens and cost, where models were called."""
    words = [f"{watch.tokens:,} tokens"] if watch.tokens else []
    return words + ([f"${watch.cost:.4f}"] if watch.cost else [])


def as_of(state: ExecutionState, now: float | None) -> list[str]:
    """When a picture of what goes on was made, since it stays as it was."""
    if state.ended is not None or now is None:
        return []
    return [f"as of {datetime.fromtimestamp(now, UTC).astimezone().strftime('%H:%M:%S')}"]


def elapsed(state: ExecutionState, now: float | None) -> float | None:
    end = state.ended if state.ended is not None else now
    return None if state.started is None or end is None else max(0.0, end - state.started)


def failure(state: ExecutionState) -> str:
    """The failed execution's error with its node, or nothing."""
    if not state.error:
        return ""
    node = clean(state.error.get("node") or "")
    return f"{node}: {error_line(state.error)}" if node else error_line(state.error)


def rows(watch: Watch) -> Iterator[Row]:
    """The table of nodes in the order they were activated, then those that never were."""
    for node in watch.state.nodes.values():
        yield row(node)
    for plan in watch.plan.body.nodes:
        if plan.id not in watch.state.nodes:
            yield Row(clean(plan.id), clean(plan.kind), "pending", "", "", "")


def row(node: NodeState) -> Row:
    took = node.ended - node.started if node.started is not None and node.ended is not None else None
    if node.phase in ("skipped", "cancelled"):
        says = clean(node.reason or "")
    elif node.error and node.phase != "completed":
        says = error_line(node.error)
    elif node.snapshot is not None and node.phase == "waiting":
        says = states(node)
    else:
        says = "" if node.output is None else shorten(compact(node.output), 160)
    attempts = str(node.attempt) if node.attempt else ""
    took_words = seconds(took) if took is not None and node.phase != "skipped" else ""
    return Row(clean(node.path), clean(node.node.kind), node.phase, attempts, took_words, says)


def states(node: NodeState) -> str:
    """Where a machine is, and what it ignored."""
    active = " ".join((node.snapshot or {}).get("configuration", ()))
    return clean(f"in {active}" + (f"; ignored {ignored(node)}" if node.unheard else ""))


def compact(value: Any, limit: int = 4000) -> str:
    """A value as one line of JSON; what JSON cannot hold by its type and shape."""
    return clean(_text(value)[:limit])


def pretty(value: Any, limit: int = LONG) -> str:
    """A value on several lines, cut after `limit` characters with a word on how much is missing."""
    text = clean_block(_text(value, indent=2))
    return text if len(text) <= limit else f"{text[:limit]}\n… {len(text) - limit:,} more characters"


def _text(value: Any, indent: int | None = None) -> str:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool | int | float | list | dict | tuple):
        return json.dumps(value, ensure_ascii=False, indent=indent, default=named)
    return named(value)


def named(value: Any) -> str:
    """An opaque value by its type and size."""
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"<{type(value).__name__} {' × '.join(map(str, shape))}>"
    if isinstance(value, bytes):
        return f"<bytes {len(value):,}>"
    return f"<{type(value).__name__}>"


def text(watch: Watch, execution: str, now: float | None = None) -> str:
    """The plain-text form of the final picture: headline, failure, outputs."""
    lines = [headline(watch, execution, now)]
    if failed := failure(watch.state):
        lines.append(f"  ✗ {failed}")
    if watch.state.outputs:
        lines.append(f"  {shorten(compact(watch.state.outputs), 300)}")
    return "\n".join(lines)
