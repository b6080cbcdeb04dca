"""What a node's policies say of a failed attempt: another attempt and when, or which form of `on_error` takes it."""

from __future__ import annotations

from typing import Any

from nbflow.execution.state import NodeState
from nbflow.plan.plan import OnError, Policies

FAIL = OnError()


def retry_at(node: NodeState, error: dict[str, Any], at: float, luck: float, retry_after: float | None) -> float | None:
    """When the next attempt may start, or None when there is none.

    The n-th retry waits ``delay × factor^(n-1)``, at most `max_delay`; with jitter between half of that and
    all of it; never less than the other side asked for. A retry past the node's deadline is none.
    """
    policy = node.node.policies
    retry = policy.retry
    if node.failures >= retry.max or not _named(retry.on, error):
        return None
    delay = retry.delay * retry.factor**node.failures
    if retry.max_delay is not None:
        delay = min(delay, retry.max_delay)
    if retry.jitter:
        delay *= 0.5 + 0.5 * luck
    due = at + max(delay, retry_after or 0.0)
    if policy.deadline is not None and node.started is not None and due >= node.started + policy.deadline:
        return None
    return due


def _named(names: tuple[str, ...], error: dict[str, Any]) -> bool:
    kinds = (error.get("kind"), *error.get("kinds", ()))
    return any(kind in names for kind in kinds) if names else error.get("kind") != "InvalidInput"


def rule_for(policies: Policies, error: dict[str, Any]) -> OnError:
    """The first form of `on_error` that takes this kind of error."""
    for rule in policies.on_error:
        if not rule.on or any(kind in rule.on for kind in (error.get("kind"), *error.get("kinds", ()))):
            return rule
    return FAIL
