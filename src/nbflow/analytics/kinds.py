"""Which kind each node of a text is, by its path without rounds and items. Only looks; a broken text has none."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from nbflow.errors import NbflowError
from nbflow.spec.document import load
from nbflow.spec.kinds import BUILT_IN


@lru_cache(maxsize=256)
def kinds_of(source: str) -> dict[str, str]:
    """Path → kind, such as ``{"refine": "loop", "refine.rewrite": "agent"}``."""
    try:
        text = load(source).plain()
    except NbflowError:
        return {}
    nodes = text.get("nodes") if isinstance(text, dict) else None
    return dict(_walk(nodes, "")) if isinstance(nodes, dict) else {}


def _walk(nodes: dict[Any, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for id, node in nodes.items():
        if isinstance(node, dict):
            yield from _node(f"{prefix}{id}", node)


def _node(path: str, node: dict[Any, Any]) -> Iterator[tuple[str, str]]:
    kind = next((str(key) for key in node if key in BUILT_IN), None) or _other_verb(node)
    if kind:
        yield path, kind
    if isinstance(node.get("nodes"), dict):
        yield from _walk(node["nodes"], f"{path}.")
    work = node.get(kind) if kind else None
    branches = work.get("branches") if isinstance(work, dict) else None
    if isinstance(branches, dict):
        for name, branch in branches.items():
            if isinstance(branch, dict):
                inner = branch.get("nodes")
                within = inner if isinstance(inner, dict) else {name: branch}  # a branch of one node has its name
                yield from _walk(within, f"{path}.{name}.")


def _other_verb(node: dict[Any, Any]) -> str | None:
    """The verb of a plug-in: the one key that is no field of all nodes."""
    rest = [str(key) for key in node if str(key) not in _FIELDS]
    return rest[0] if len(rest) == 1 else None


_FIELDS = frozenset(
    "needs if join retry timeout deadline cache on_error compensate priority pool rate effects mock with output"
    " transform doc tags nodes result breakpoint breaker where".split()
)
