"""`loop`: rounds of a body until a condition holds, while one holds, or `max` of them."""

from __future__ import annotations

from typing import Any

from nbflow.execution.outcomes import BodyDone, Opened, Outcome, Succeeded
from nbflow.execution.state import Frame, NodeState
from nbflow.plan.plan import Loop
from nbflow.ports.executors import Scope

Round = tuple[tuple[str, dict[str, Any]], ...]


class LoopKind:
    def activate(self, node: NodeState, scope: Scope, now: float) -> Outcome:
        work = _work(node)
        carried = work.start.evaluate(scope) if work.start is not None else {}
        loop = {"index": 0, **carried}
        before = scope.also({**dict.fromkeys(work.body.index), "loop": loop, "previous": None})
        if work.while_ is not None and not work.while_.evaluate(before):
            return Succeeded(node.path, 0, [] if work.collect is not None else None, inputs={"start": carried})
        return Opened(node.path, _round(node.path, loop, None), {"start": carried})

    def close(self, frame: Frame, scope: Scope) -> BodyDone:
        owner = frame.owner
        assert owner is not None
        work, outputs, loop = _work(owner), frame.outputs(), frame.roots["loop"]
        index = loop["index"]
        full = work.max is not None and index + 1 >= work.max
        over = work.until is not None and bool(work.until.evaluate(scope))
        again: Round = ()
        if not over and not full:
            carried = work.next.evaluate(scope) if work.next is not None else _carried(loop)
            following = {**carried, "index": index + 1}
            on = work.while_ is None or work.while_.evaluate(scope.also({"loop": following, "previous": outputs}))
            if on:
                again = _round(owner.path, following, outputs)
        after = scope.also({"loop": {**loop, "max_reached": full and not over}})
        return BodyDone(frame.path, _output(work, outputs, after), outputs, again)


def _work(node: NodeState) -> Loop:
    assert isinstance(node.node.work, Loop)
    return node.node.work


def _round(path: str, loop: dict[str, Any], previous: dict[str, Any] | None) -> Round:
    return ((f"{path}[{loop['index']}]", {"loop": loop, "previous": previous}),)


def _carried(loop: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in loop.items() if key != "index"}


def _output(work: Loop, outputs: dict[str, Any], scope: Scope) -> Any:
    if work.collect is not None:
        return work.collect.evaluate(scope)
    return work.body.result.evaluate(scope) if work.body.result is not None else outputs
