"""What follows along the edges when a node is settled: who becomes active, who is skipped and why.

The rules are those of docs/joins.md. Pure: the frame's counters are read, never changed; what a cascade of
skips touches is kept in an overlay, so that a step costs the edges it touches.
"""

from __future__ import annotations

from nbflow.execution.state import Frame
from nbflow.plan.plan import Edge, NodePlan

Consequences = tuple[tuple[str, ...], tuple[tuple[str, str], ...]]
NOTHING: Consequences = ((), ())


def follow(frame: Frame, index: int, alive: bool, chosen: tuple[str, ...] = ()) -> Consequences:  # noqa: C901 - the hot path, in one piece
    """Paths that are activated and (path, reason) that are skipped once the node at `index` is settled.

    `alive` says whether its order and data edges are live; gate edges are live for the ids in `chosen`.
    """
    nodes = frame.body.nodes
    if not nodes[index].out:
        return NOTHING
    activated: list[int] = []
    skipped: list[tuple[int, str]] = []
    counts: dict[int, list[int]] = {}
    decided: dict[int, bool] = {}
    settled = [(index, alive, chosen)]
    for source, lives, gates in settled:  # it grows while it is gone through
        for edge in nodes[source].out:
            target = edge.target
            if frame.decided[target] or target in decided:
                continue
            count = counts.get(target)
            if count is None:
                count = counts[target] = [frame.waiting[target], frame.live[target], frame.delaying[target]]
            _decide_edge(count, edge, nodes[target].id in gates if edge.gate else lives)
            verdict = _verdict(nodes[target], count)
            if verdict is None:
                continue
            decided[target] = verdict
            if verdict:
                activated.append(target)
            else:
                skipped.append(
                    (target, _reason(nodes[source], nodes[target], edge.gate, source == index and alive, gates))
                )
                settled.append((target, False, ()))
    if len(activated) > 1:
        activated.sort(key=lambda target: nodes[target].id)
    return (
        tuple(frame.path_of(target) for target in activated),
        tuple((frame.path_of(target), reason) for target, reason in skipped),
    )


def _decide_edge(count: list[int], edge: Edge, live: bool) -> None:
    if edge.activating:
        count[0] -= 1
        count[1] += live
    else:
        count[2] -= 1


def _verdict(node: NodePlan, count: list[int]) -> bool | None:
    """True: run, False: skip, None: not decided yet."""
    waiting, live, delaying = count
    join = node.join
    if join.mode == "all":
        if live + waiting < node.activating:
            return False
        return True if waiting == 0 and delaying == 0 else None
    if join.mode == "active":
        if waiting or delaying:
            return None
        return live > 0
    if live >= join.count:
        return True if delaying == 0 else None
    return False if live + waiting < join.count else None


def _reason(source: NodePlan, target: NodePlan, gate: bool, completed: bool, chosen: tuple[str, ...]) -> str:
    if gate and completed:
        return f"{source.id} chose {', '.join(chosen)}" if chosen else f"{source.id} chose nothing"
    if target.join.mode == "count" and target.join.count > 1:
        return f"fewer than {target.join.count} of its sources can still come"
    return f"{source.id} {'failed' if gate and chosen else 'did not run'}"


def losers(frame: Frame, winner: int, activated: tuple[str, ...]) -> tuple[str, ...]:
    """Sources that a race among the activated leaves without a reader: they are cancelled."""
    body = frame.body
    ready = {path.rpartition(".")[2] if frame.path else path for path in activated}
    lost: list[str] = []
    for id in sorted(ready):
        target = body.nodes[body.index[id]]
        if target.join.mode != "race":
            continue
        for source in body.sources[target.index]:
            state = frame.nodes[source]
            unsettled = state is None or state.phase not in ("completed", "failed", "skipped", "cancelled")
            path = frame.path_of(source)
            if unsettled and source != winner and path not in lost and _only_for(frame, source, ready):
                lost.append(path)
    return tuple(lost)


def _only_for(frame: Frame, source: int, ready: set[str]) -> bool:
    nodes = frame.body.nodes
    return all(frame.decided[edge.target] or nodes[edge.target].id in ready for edge in nodes[source].out)
