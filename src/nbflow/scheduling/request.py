"""One wish to start an attempt, as the runtime puts it."""

from __future__ import annotations

from dataclasses import dataclass

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """An attempt of the node `path` of `execution` that would like to start.

    A larger `priority` goes first; among equals of one execution the larger `rank` (length of the critical
    path from here). `pools` are (name, units), taken all or not at all. `rate` is (name, starts a second),
    `breaker` is (name, failures in a row that open it, seconds until it is tried again). `offered` is when the
    wish first came up, in seconds (0: when it is offered).
    """

    execution: str
    path: str
    priority: int = 0
    rank: int = 0
    pools: tuple[tuple[str, int], ...] = ()
    rate: tuple[str, float] | None = None
    breaker: tuple[str, int, float] | None = None
    offered: float = 0.0
