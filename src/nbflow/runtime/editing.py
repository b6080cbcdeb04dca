"""Changing what is known while things are held: each change is checked, recorded, and read by what comes later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from nbflow.errors import IllegalMove, InputError
from nbflow.execution.edits import refused
from nbflow.execution.outcomes import Edited
from nbflow.execution.state import ExecutionState, NodeState
from nbflow.ports.executors import Findings
from nbflow.ports.plain import plain
from nbflow.runtime.verbs import Verbs
from nbflow.spec.schema import NO_INPUTS, apply_inputs, check

if TYPE_CHECKING:
    from nbflow.runtime.driver import Driver
    from nbflow.runtime.engine import Engine

KEEP: Any = object()  # what an argument of `edit` is when it changes nothing


class Editing(Verbs):
    """The changes a person can make."""

    def edit(
        self,
        node: str | None = None,
        *,
        inputs: Any = KEEP,
        output: Any = KEEP,
        context: Any = KEEP,
        by: str = "person",
    ) -> None:
        """Change one thing while nodes are held, or after a pause; what has begun keeps what it was given.

        The `inputs` of a node that is held, in doubt or waits for its retry; the `output` of a completed one; names in
        the `context` of a machine; without a node the `inputs` of the execution itself. Raises `IllegalMove` with the
        reason when it comes too late, and `InputError` for a value that does not fit.
        """
        driver = self._live("edit")
        given = {"inputs": inputs, "output": output, "context": context}
        edit = edit_of(node, {what: value for what, value in given.items() if value is not KEEP}, "person")
        if words := refused(driver.state, edit) or _too_early(driver, edit):
            raise IllegalMove(words)
        driver.tell(fitting(driver.engine, driver.state, edit))

    def editable(self, node: str | None = None) -> tuple[str, ...]:
        """What `edit` would take of a node now (inputs, output, context), or of the execution itself."""
        driver = self._driver
        if driver is None or driver.done.done() or driver.state.phase == "pending":
            return ()
        edits = (Edited(node or "", {}, what) for what in ("inputs", "output", "context"))
        return tuple(edit.what for edit in edits if not (refused(driver.state, edit) or _too_early(driver, edit)))

    def preview(self, node: str) -> Any:
        """The inputs that a held node is about to get, as edited or as resolved now; secrets stay references."""
        driver = self._live("step")
        state = self._active(driver, node)
        kind = driver.engine.performed.get(state.node.kind)
        if state.inputs is not None or kind is None:
            return state.inputs
        return kind.resolve(state, driver.scope(state))

    def failing(self, node: str) -> dict[str, Any] | None:
        """The error on which a node is held, before it counts; None when it is not held on one."""
        outcome = self._driver.gate.failed.get(node) if self._driver is not None else None
        return None if outcome is None else outcome.error


def edit_of(node: str | None, given: Mapping[str, Any], by: str) -> Edited:
    """One change of one thing. Raises `IllegalMove` when it is none or several."""
    if len(given) != 1:
        raise IllegalMove("edit changes one thing: inputs=…, output=… or context=…")
    ((what, value),) = given.items()
    return Edited(node or "", plain(value), what, by)


def _too_early(driver: Driver, edit: Edited) -> str | None:
    """Why it cannot be changed while things run."""
    state, gate = driver.state, driver.gate
    still = state.suspended or state.paused
    node = state.nodes.get(edit.path)
    if node is not None and edit.what == "inputs":
        if node.path in gate.held:  # also one that is held on its error
            return None
        if node.phase == "running":
            return f"{node.path} is running with the inputs it was given; change its output when it has one"
        if node.phase == "scheduled" and not still:
            return f"{node.path} is about to begin; pause first, or set a breakpoint"
        return None
    if not (still or gate.closed or gate.held):
        return f"{driver.id} is running and nothing is held: pause first, so that nobody reads half a change"
    if edit.what == "context" and edit.path in driver.moving:
        return f"{edit.path} is moving; try again when it waits"
    return None


def settled(engine: Engine, state: ExecutionState, edits: Iterable[Edited]) -> list[Edited]:
    """Changes of an execution that nobody drives, as they will be recorded. Raises as `edit` does."""
    changes = []
    for edit in edits:
        if words := refused(state, edit):
            raise IllegalMove(words)
        changes.append(fitting(engine, state, edit))
    return changes


def fitting(engine: Engine, state: ExecutionState, edit: Edited) -> Edited:
    """The change with its value as it will be recorded. Raises `InputError` for one that does not fit."""
    node = state.nodes.get(edit.path)
    if node is None:
        if not isinstance(edit.value, dict):
            raise InputError("input.type", "the inputs of an execution are a mapping")
        return Edited(
            "", apply_inputs(state.plan.inputs or NO_INPUTS, {**state.inputs, **edit.value}), edit.what, edit.by
        )
    for code, message, hint in _misfits(engine, node, edit):
        raise InputError(code, f"{edit.path}: {message}", hint)
    return edit


def _misfits(engine: Engine, node: NodeState, edit: Edited) -> Findings:
    kind, schema = engine.performed.get(node.node.kind), node.node.schema
    if edit.what == "inputs" and kind is not None:
        return kind.executor.validate(node.node, edit.value)
    if edit.what == "output" and schema is not None and node.node.transform is None:
        # `output:` is about what comes before `transform:`
        return [(one.code, one.message, one.hint) for one in check(edit.value, dict(schema), name="output")]
    return ()
