"""Inputs that are secrets: recorded as a mark, real only in the calls that read them, as `secrets.NAME` is.

The real values are in the engine's memory and nowhere else. A call gets them where its own text reads the input; what
another node made of the mark stays the mark, and a call that would be made with one is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nbflow.errors import InputError, NodeError
from nbflow.execution.state import ExecutionState, NodeState
from nbflow.ports.executors import PerformedKind

if TYPE_CHECKING:
    from nbflow.runtime.driver import Driver

Place = tuple[str | int, ...]
MARK = "[secret "


def differing(shown: Any, real: Any, place: Place = ()) -> Iterator[Place]:
    """The places of the leaves in which two values of the same form differ."""
    if isinstance(shown, dict) and isinstance(real, dict) and shown.keys() == real.keys():
        for name in shown:
            yield from differing(shown[name], real[name], (*place, name))
    elif isinstance(shown, list) and isinstance(real, list) and len(shown) == len(real):
        for index, (one, other) in enumerate(zip(shown, real, strict=True)):
            yield from differing(one, other, (*place, index))
    elif shown is not real and isinstance(shown, str) and shown != real:
        yield place


def marks(state: ExecutionState) -> frozenset[str]:
    """What stands for secrets in the inputs of an execution."""
    return frozenset(text for name in state.concealed for text in leaves(state.inputs.get(name)) if MARK in text)


def leaves(value: Any) -> Iterator[str]:
    """The texts in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)


def revealed(driver: Driver, node: NodeState, kind: PerformedKind, shown: Any) -> Any:
    """A call's inputs with the real ones in place, secrets too. The recorded ones where the execution lost them."""
    given = driver.engine.given.get(driver.id)
    more: dict[str, Any] = {"inputs": {**driver.state.inputs, **given}} if given is not None else {}
    if kind.secret_paths(node.node):
        more["secrets"] = driver.engine.secrets
    return kind.resolve(node, driver.scope(node, more)) if more else shown


def refuse_marks(driver: Driver, inputs: Any) -> None:
    """Raise `NodeError` for a call that would be made with a mark instead of the secret."""
    found = marks(driver.state)
    if any(mark in text for text in leaves(inputs) for mark in found):
        kept = driver.id in driver.engine.given
        raise NodeError(
            "InvalidInput",
            "an input that is a secret reached this call through another node, which saw only that it is one"
            if kept
            else f"the input {', '.join(driver.state.concealed)} is a secret, which is not kept",
            code="secret.missing",
            hint="read inputs.NAME in this node itself" if kept else "give it again: recover, rerun or fork with -i",
        )


def inputs_again(given: Mapping[str, Mapping[str, Any]], id: str, state: ExecutionState) -> dict[str, Any]:
    """The inputs of an execution, for another one. Raises `InputError` when a secret among them is gone."""
    if state.concealed and id not in given:
        names = ", ".join(state.concealed)
        raise InputError("secret.missing", f"the input {names} of {id} is a secret, which is not kept", "give it again")
    return {**state.inputs, **given.get(id, {})}
