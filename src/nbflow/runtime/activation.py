"""Evaluates what the core asks for: a node that became active, a body that is over, the outputs, a signal.

Expressions are evaluated here and only here (and inside a statechart's step); the answers are recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbflow.errors import NbflowError, NodeError, StorageError
from nbflow.execution import outcomes as o
from nbflow.execution.bodies import forgotten, ready
from nbflow.execution.hearing import first, hears
from nbflow.execution.state import Frame, NodeState
from nbflow.ports.executors import Attempt, BodyKind, MovingKind, WaitingKind
from nbflow.runtime.limits import check_size
from nbflow.runtime.performer import describe, failure
from nbflow.runtime.pins import Pinned
from nbflow.runtime.scope import NodeScope
from nbflow.runtime.standins import stand_in
from nbflow.spec.expressions import Value

if TYPE_CHECKING:
    from nbflow.runtime.driver import Driver


def turn(driver: Driver, node: NodeState) -> None:
    """A node is to begin, or a machine to move, unless the gate holds it."""
    moving = driver.engine.moving.get(node.node.kind)
    if moving is not None and node.phase == "waiting" and node.reason == "machine":
        move(driver, moving, node)
    elif not _held(driver, node, {"ctx": None, "event": None} if moving is not None else None):
        activate(driver, node)


def _held(driver: Driver, node: NodeState, more: Mapping[str, Any] | None) -> bool:
    """Whether the gate holds a node now; `more` is what a condition sees besides."""
    if driver.gate.idle or not driver.gate.hold(node, lambda: driver.scope(node, more)):
        return False
    driver.noticed()
    return True


def activate(driver: Driver, node: NodeState) -> None:
    """Answer an active node, open its bodies, or offer its attempt for admission."""
    wished = node.path in driver.wished and node.phase == "waiting"
    driver.wished.discard(node.path)
    if not (ready(node) or wished) or node.frame.closed or driver.state.suspended or driver.busy(node.path):
        return
    try:
        step = _step(driver, node, wished=wished)
    except Exception as error:  # noqa: BLE001 - a plug-in's kind may raise anything
        driver.tell(failure(driver, node, 0, error, retryable=False))
        return
    if isinstance(step, Attempt):
        _attempt(driver, node, step)
    elif driver.reuse is not None and isinstance(step, o.Waits) and step.reason == "ask":
        driver.tell(_reused(driver, node, step.detail) or step)
    else:
        for outcome in step if isinstance(step, tuple) else (step,):
            driver.tell(outcome)


def _attempt(driver: Driver, node: NodeState, step: Attempt) -> None:
    """Take an earlier result where one may be taken, else let the attempt be admitted."""
    reused = _reused(driver, node, step.inputs) if node.attempt == 0 else None
    if reused is not None:
        driver.tell(reused)
        return
    if node.node.policies.cache and node.attempt == 0:
        driver.tasks[node.path] = driver.loop.create_task(_from_cache(driver, node, step))
        return
    driver.engine.dispatcher.offer(driver, node, step)


def _reused(driver: Driver, node: NodeState, inputs: Any) -> o.Succeeded | None:
    """The result of an equal node of an earlier execution; for a question that was answered, the answer."""
    result = driver.reuse.find(node.path, node.node, inputs) if driver.reuse is not None else None
    if result is None:
        return None
    taken: dict[str, Any] = {"execution": result.execution, "node": result.path}
    if isinstance(result, Pinned):
        taken["pinned"] = True
    return o.Succeeded(node.path, 0, result.output, inputs=inputs, taken=taken)


async def _from_cache(driver: Driver, node: NodeState, step: Attempt) -> None:
    """Take a cached result, else let the attempt be admitted. A cache that cannot be read has nothing."""
    engine = driver.engine
    key = engine.cache.key(node, step.inputs, engine.fingerprint(node.node))
    try:
        found = await engine.cache.find(key, node.node.policies.cache)
    except StorageError as error:
        driver.note(error)
        found = None
    finally:
        driver.gone(node.path, None)
    if found is None:
        engine.dispatcher.offer(driver, node, step)
        return
    taken = {"cache": True, "execution": found.execution, "node": found.path, "at": found.at}
    driver.tell(o.Succeeded(node.path, 0, found.output, inputs=step.inputs, taken=taken))


def _step(driver: Driver, node: NodeState, *, wished: bool) -> o.Outcome | Attempt | tuple[o.Outcome, ...]:
    plan = node.node
    again = node.attempt > 0
    mocked = driver.state.effects == "mock" and not wished  # a person may wish the real effect
    if node.inputs is not None and plan.kind in driver.engine.performed:
        if mocked and (outcome := stand_in(driver, node, node.inputs)):
            return outcome
        return Attempt(node.inputs, driver.engine.performed[plan.kind].executor.effects(plan, node.inputs))
    scope = driver.scope(node)
    if plan.condition is not None and not again and not plan.condition.evaluate(scope):
        return o.Declined(node.path, f"if: {plan.condition.text} does not hold")
    if driver.state.mock and plan.mock is not None:
        return o.Succeeded(node.path, 0, plan.mock.evaluate(scope), taken={"mock": True})
    performed = driver.engine.performed.get(plan.kind) if mocked else None
    if performed is not None and (outcome := stand_in(driver, node, performed.resolve(node, scope))):
        return outcome
    step = driver.engine.kinds[plan.kind].activate(node, scope, driver.engine.clock.now())
    if isinstance(step, o.Opened):
        check_size(driver.state, node, step)
    return step


def close(driver: Driver, frame: Frame) -> None:
    """What a body gives, once all its nodes are settled."""
    if frame.closed and not forgotten(frame):
        return
    if frame.cleanup or frame.owner is None:
        driver.tell(o.BodyDone(frame.path, None, frame.outputs()))
        return
    kind = driver.engine.kinds[frame.owner.node.kind]
    assert isinstance(kind, BodyKind)
    try:
        driver.tell(kind.close(frame, NodeScope(driver.state, frame, driver.engine.env)))
    except NbflowError as error:
        driver.tell(
            o.BodyBroken(frame.path, {"node": frame.owner.path, "attempt": frame.owner.attempt, **describe(error)})
        )


def finish(driver: Driver) -> None:
    """The outputs of the execution. An output whose expression fails fails the execution."""
    plan, root = driver.state.plan, driver.state.root
    machine = root.nodes[0].output if plan.machine is not None and root.nodes[0] is not None else None
    if plan.outputs is None and plan.machine is not None:
        driver.tell(o.Finished(machine))
        return
    if plan.outputs is None:
        states = (root.nodes[index] for index in plan.final)
        driver.tell(
            o.Finished({node.id: node.output for node in states if node is not None and node.phase == "completed"})
        )
        return
    scope = NodeScope(driver.state, root, driver.engine.env, {"ctx": machine} if plan.machine is not None else None)
    outputs: dict[str, Any] = {}
    for name, value in plan.outputs:
        try:
            outputs[name] = value.evaluate(scope)
        except NbflowError as error:
            if _reads_skipped(root, value):
                outputs[name] = None
                continue
            driver.tell(o.Broken({"node": f"outputs.{name}", "attempt": 0, **describe(error)}))
            return
    driver.tell(o.Finished(outputs))


def _reads_skipped(root: Frame, value: Value) -> bool:
    """Whether an output reads a node that did not run: such an output is null."""
    read = {reference.root for reference in value.references} & root.body.index.keys()
    states = (root.nodes[root.body.index[id]] for id in read)
    return any(state is not None and state.phase in ("skipped", "cancelled", "failed") for state in states)


def hear(driver: Driver, node: NodeState) -> None:
    """A node waits: what came before it may already be for it; then time and signals decide."""
    if node.phase != "waiting" or node.frame.closed:
        return
    moving = driver.engine.moving.get(node.node.kind)
    if moving is not None:
        _say_unheard(driver, node)
        move(driver, moving, node)
        return
    kind = driver.engine.kinds[node.node.kind]
    assert isinstance(kind, WaitingKind)
    for index in range(first(node), len(driver.state.signals)):
        if _offer(driver, kind, node, index):
            return
    driver.hearing[node.path] = None
    if node.until is not None:
        driver.timers.set(node.path, node.until, lambda: _expire(driver, kind, node))


def _say_unheard(driver: Driver, node: NodeState) -> None:
    """Errors of a machine that none of its transitions hears are nobody's secret."""
    for effect in node.transition or ():
        if effect["do"] == "warn":
            event = effect["event"]
            what = event["data"].get("message") if isinstance(event["data"], dict) else event["data"]
            driver.engine.warn(driver.id, f"{node.path}: nothing hears {event['name']}: {what}")


def move(driver: Driver, kind: MovingKind, node: NodeState) -> None:
    """The next macrostep of a machine, one at a time; or wait for a signal or its next timer.

    The gate is asked before each but the first, which belongs to the machine's own beginning.
    """
    path = node.path
    driver.hearing[path] = None
    if path in driver.moving or node.phase != "waiting":
        return
    try:
        following = kind.following(driver.state, node, driver.scope(node), driver.engine.clock.now())
    except NbflowError as error:
        driver.tell(failure(driver, node, node.attempt, error))
        return
    if following is not None:
        if not _stays(driver, node, following):
            driver.moving.add(path)
            driver.tell(following)
        return
    due = kind.due(node)
    if due is not None:
        driver.timers.set(path, due, lambda: move(driver, kind, node))


def _stays(driver: Driver, node: NodeState, following: o.Moved) -> bool:
    """Whether a machine is held before its next macrostep."""
    if node.snapshot is None:
        return driver.state.paused and _held(driver, node, None)
    return _held(driver, node, {"ctx": node.snapshot["context"], "event": following.event})


def _expire(driver: Driver, kind: WaitingKind, node: NodeState) -> None:
    driver.hearing.pop(node.path, None)
    try:
        driver.tell(kind.expire(node, driver.scope(node)))
    except NbflowError as error:
        driver.tell(failure(driver, node, node.attempt, error))


def deliver(driver: Driver, index: int) -> None:
    """A signal arrived: every waiting node may hear it."""
    for path in tuple(driver.hearing):
        node = driver.state.nodes[path]
        moving = driver.engine.moving.get(node.node.kind)
        if moving is not None:
            move(driver, moving, node)
            continue
        kind = driver.engine.kinds[node.node.kind]
        if isinstance(kind, WaitingKind):
            _offer(driver, kind, node, index)


def _offer(driver: Driver, kind: WaitingKind, node: NodeState, index: int) -> bool:
    signal = driver.state.signals[index]
    if not hears(node, index, signal):
        return False
    value = signal.value
    try:
        outcome = kind.hear(node, signal.name, value, signal.key, driver.scope(node, {"event": value}))
    except (NbflowError, NodeError) as error:  # whoever sent it, it is not what this node waits for
        driver.engine.warn(driver.id, f"{node.path} does not take {signal.name}: {error}")
        return False
    if outcome is None:
        return False
    driver.hearing.pop(node.path, None)
    driver.timers.cancel(node.path)
    driver.tell(outcome)
    return True


def limit(driver: Driver, node: NodeState) -> None:
    """End a node that waits, or whose bodies run, when its timeout or its deadline is over."""
    policies, attempt, now = node.node.policies, node.attempt, driver.engine.clock.now()
    begun = node.started if node.started is not None else now
    ends = [begun + policies.deadline] if policies.deadline is not None else []
    if policies.timeout is not None:
        ends.append((begun if attempt == 1 else now) + policies.timeout)

    def over() -> None:
        if node.attempt == attempt and node.phase in ("running", "waiting") and node.reason != "retry":
            driver.hearing.pop(node.path, None)
            driver.timers.cancel(node.path)
            late = NodeError("Timeout", "the node took too long", code="node.timeout")
            driver.tell(failure(driver, node, attempt, late))

    driver.timers.set(f"{node.path} limit", min(ends), over)
