"""``%workflow fork``: a copy that goes its own way, or many beside each other, from any store.

An execution of another store (of a fleet, say) is only read: its fork is kept in the notebook's own store, and what
may happen only once does not happen in it unless that is asked for.
"""

from __future__ import annotations

from typing import Any

from nbflow.errors import IllegalMove
from nbflow.history import forking
from nbflow.notebook import acting, comparing
from nbflow.notebook.arguments import Arguments
from nbflow.notebook.errors import MagicError
from nbflow.notebook.options import input_value
from nbflow.notebook.session import Session
from nbflow.runtime.execution import Execution


async def fork(session: Session, execution: Execution, arguments: Arguments) -> Any:
    """Fork as the line says. Returns the fork, or the table of many."""
    engine = session.home()
    place, effects = _place(execution, arguments), acting.effects_of(arguments)
    if "--over" in arguments.flags:
        variants = comparing.read_variants(input_value(arguments.flags["--over"], session.namespace))
        made = await comparing.run_variants(engine, execution, place, variants, effects=effects)
        return comparing.frame_of(made)
    inputs: dict[str, Any] | None = None
    edits: dict[str, dict[str, Any]] = {}
    if arguments.inputs and isinstance(place, str):
        known = execution.nodes[place].inputs if place in execution.nodes else {}
        inputs = {**(known or {}), **arguments.inputs}
    elif arguments.inputs:  # from a record on, the inputs of the execution itself
        edits = {"": {"inputs": arguments.inputs}}
    forked = await forking.fork(engine, execution, place, inputs=inputs, edits=edits, effects=effects)
    session.earlier.say_mocked(forked)
    return await acting.present(session, forked, arguments)


def _place(execution: Execution, arguments: Arguments) -> str | int:
    at = arguments.flags.get("--at")
    if at is not None and at.isdigit():
        return int(at)
    if at is not None:
        acting.check_known(execution, at)
        return at
    try:
        return forking.failed_node(execution)
    except IllegalMove as problem:
        raise MagicError("magic.option", str(problem), "--at NODE, or --at and the number of a record") from None
