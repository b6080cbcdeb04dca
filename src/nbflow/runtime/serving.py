"""Verbs across processes: the owner of an execution does what another process asks, and says what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from nbflow.errors import IllegalMove, InputError, NbflowError, NotFound
from nbflow.execution.outcomes import Woken
from nbflow.ports.requests import Answer, Reply, Request
from nbflow.runtime.execution import Execution

if TYPE_CHECKING:
    from nbflow.runtime.driver import Driver
    from nbflow.runtime.engine import Engine

VERBS: dict[str, Callable[..., Any]] = {
    "pause": Execution.pause,
    "resume": Execution.resume,
    "suspend": Execution.suspend,
    "cancel": Execution.cancel,
    "signal": Execution.signal,
    "answer": Execution.answer,
    "skip": Execution.skip,
    "fail": Execution.fail,
    "retry": Execution.retry,
    "edit": Execution.edit,
    "explain": Execution.explain,
    "verdicts": lambda execution: {
        path: engine_words(execution, path)
        for path, node in execution.state.nodes.items()
        if node.phase == "scheduled" or (node.phase == "waiting" and node.reason == "retry")
    },
}


def engine_words(execution: Execution, path: str) -> str:
    """Why a node has not started, without its name and phase."""
    return execution.explain(path).partition(": ")[2]


def elsewhere(engine: Engine, id: str) -> str | None:
    """Which other process drives an execution, in words; None when none does."""
    return None if id in engine.drivers or engine.requests is None else engine.requests.holder(id)


async def ask(
    engine: Engine, id: str, verb: str, arguments: Mapping[str, Any] = MappingProxyType({}), *, patience: float = 10.0
) -> Any:
    """Let the process that drives an execution do a verb; what it gives, once what follows is on disk.

    Raises what the verb raises there, or `IllegalMove` when no process drives it or none answers.
    """
    if engine.requests is None:
        raise IllegalMove(f"execution {id} is not driven here; recover it first", "execution.not_driven")
    answer = await engine.requests.ask(Request(id, verb, arguments), patience=patience)
    if "error" in answer:
        raise _problem(answer["error"])
    return answer.get("result")


def serve(engine: Engine) -> None:
    """Listen for what other processes ask of this engine's executions."""
    if engine.requests is None:
        return
    loop = asyncio.get_running_loop()

    def hear(request: Request, reply: Reply) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody drives it any more
            loop.call_soon_threadsafe(_hear, engine, request, lambda answer: loop.run_in_executor(None, reply, answer))

    engine.requests.serve(hear)


def _hear(engine: Engine, request: Request, reply: Callable[[Answer], object]) -> None:
    driver = engine.drivers.get(request.execution)
    verb = VERBS.get(request.verb)
    try:
        if driver is None or verb is None:
            raise IllegalMove(f"execution {request.execution} cannot {request.verb} here", "execution.not_driven")
        result = verb(Execution(driver, driver.id, driver.state.plan), **request.arguments)
    except (NbflowError, TypeError) as problem:
        reply({"error": _facts(problem)})
        return
    _when_written(driver, lambda: reply({"result": result}))


def _when_written(driver: Driver, then: Callable[[], object]) -> None:
    """Call it when all that was told so far is on disk, or given up."""
    called = False

    def once(*_: object) -> None:
        nonlocal called
        if not called:
            called = True
            then()

    driver.tell(Woken(""), lambda: driver.after(driver.state.sequence, once))
    driver.done.add_done_callback(once)


def _facts(problem: Exception) -> dict[str, Any]:
    message = getattr(problem, "message", None) or str(problem)
    facts = {"is": type(problem).__name__, "message": message, "hint": getattr(problem, "hint", None)}
    return {**facts, "code": getattr(problem, "code", "execution.illegal")}


def _problem(facts: dict[str, Any]) -> NbflowError:
    match facts["is"]:
        case "InputError":
            return InputError(facts["code"], facts["message"], facts["hint"])
        case "NotFound":
            return NotFound(facts["message"])
        case _:
            return IllegalMove(facts["message"], facts["code"])
