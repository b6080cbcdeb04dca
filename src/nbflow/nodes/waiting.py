"""`wait`, `ask`, `listen`: nodes that wait for a time, a person or an event; and `emit`, which others hear."""

from __future__ import annotations

from typing import Any

from nbflow.errors import NodeError
from nbflow.execution.outcomes import Outcome, Signalled, Succeeded, Waits
from nbflow.execution.state import NodeState
from nbflow.plan.plan import Ask, Emit, Listen, Wait
from nbflow.ports.executors import Scope
from nbflow.spec.durations import parse_moment


class WaitKind:
    """Until a time: `10m` from the activation, or a date and time (ISO 8601; without zone it is UTC)."""

    def activate(self, node: NodeState, scope: Scope, now: float) -> Outcome:
        work = node.node.work
        assert isinstance(work, Wait)
        until = (
            now + work.seconds
            if work.seconds is not None
            else _moment(work.until.evaluate(scope) if work.until else None)
        )
        return Waits(node.path, 0, "wait", until)

    def hear(self, node: NodeState, name: str, value: Any, key: str | None, scope: Scope) -> Outcome | None:
        return None

    def expire(self, node: NodeState, scope: Scope) -> Outcome:
        return Succeeded(node.path, node.attempt, None)


def _moment(value: Any) -> float:
    try:
        return parse_moment(value)
    except (ValueError, OverflowError):
        raise NodeError(
            "InvalidInput", f"wait until {value!r}: not a time", hint="write it like 2026-12-01T08:00:00+01:00"
        ) from None


class AskKind:
    """A question to a person. The answer comes by `Execution.answer`, already checked."""

    def activate(self, node: NodeState, scope: Scope, now: float) -> Outcome:
        work = node.node.work
        assert isinstance(work, Ask)
        detail = {"prompt": work.prompt.evaluate(scope), "schema": work.schema}
        if work.to is not None:
            detail["to"] = work.to.evaluate(scope)
        return Waits(node.path, 0, "ask", now + work.timeout if work.timeout is not None else None, detail)

    def hear(self, node: NodeState, name: str, value: Any, key: str | None, scope: Scope) -> Outcome | None:
        return None

    def expire(self, node: NodeState, scope: Scope) -> Outcome:
        work = node.node.work
        assert isinstance(work, Ask)
        if work.has_default:
            value = work.default.evaluate(scope) if work.default is not None else None
            return Succeeded(node.path, node.attempt, value, taken={"default": True})
        raise _too_late("nobody answered in time")


class ListenKind:
    """The first event of that name for which `if` holds, from the execution's start on."""

    def activate(self, node: NodeState, scope: Scope, now: float) -> Outcome:
        work = node.node.work
        assert isinstance(work, Listen)
        return Waits(
            node.path, 0, "listen", now + work.timeout if work.timeout is not None else None, {"event": work.event}
        )

    def hear(self, node: NodeState, name: str, value: Any, key: str | None, scope: Scope) -> Outcome | None:
        work = node.node.work
        assert isinstance(work, Listen)
        if name != work.event:
            return None
        if work.condition is not None and not work.condition.evaluate(scope):
            return None
        return Succeeded(node.path, node.attempt, value)

    def expire(self, node: NodeState, scope: Scope) -> Outcome:
        work = node.node.work
        assert isinstance(work, Listen)
        raise _too_late(f"no event {work.event} came in time")


def _too_late(message: str) -> NodeError:
    return NodeError("Timeout", message, code="node.timeout")


class EmitKind:
    """An event for the listeners of this execution and, by the bus, for others."""

    def activate(self, node: NodeState, scope: Scope, now: float) -> tuple[Outcome, ...]:
        work = node.node.work
        assert isinstance(work, Emit)
        payload = work.payload.evaluate(scope)
        key = work.key.evaluate(scope) if work.key is not None else None
        return (
            Succeeded(node.path, 0, payload),
            Signalled(work.event, payload, None if key is None else str(key), node.path),
        )
