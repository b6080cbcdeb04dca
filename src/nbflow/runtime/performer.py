"""Runs one attempt: secrets in, effect, result checked and reshaped out. The one place with a broad `except`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from nbflow.errors import NbflowError, NodeError
from nbflow.execution.outcomes import Failed, Outcome, Succeeded, Waits
from nbflow.execution.retries import rule_for
from nbflow.execution.state import NodeState
from nbflow.ports.executors import Asks, Call, PerformedKind
from nbflow.ports.plain import copied, plain
from nbflow.runtime.concealed import differing, refuse_marks, revealed
from nbflow.runtime.context import Context
from nbflow.runtime.speech import Voice

if TYPE_CHECKING:
    from nbflow.runtime.driver import Driver


async def attempt(driver: Driver, node: NodeState, number: int) -> None:
    """Perform attempt `number` and tell the driver. Cancelled from outside it tells nothing."""
    outcome: Outcome | None = None
    engine, path, voice = driver.engine, node.path, None
    try:
        kind = engine.performed[node.node.kind]
        voice = Voice(engine.guard, driver.feed.say, path)
        call = _call(driver, node, number, kind, voice)
        limit = _limit(driver, node)
        if limit is None:
            raw = await kind.executor.perform(call)
        else:
            async with asyncio.timeout(limit):
                raw = await kind.executor.perform(call)
        outcome = _succeeded(driver, node, number, raw)
    except Asks as ask:
        detail = {"prompt": ask.question, "schema": ask.schema, "key": ask.key, "about": engine.redact(ask.detail)}
        outcome = Waits(path, number, "approval", None, detail)
    except asyncio.CancelledError:
        if driver.stopping(path):
            raise
        outcome = failure(driver, node, number, NodeError("Cancelled", "the node cancelled itself"))
    except Exception as error:  # noqa: BLE001 - this is the place
        outcome = failure(driver, node, number, error)
    finally:
        if voice is not None:
            voice.close()
        driver.gone(path, None if outcome is None else type(outcome) is Failed)
    if type(outcome) is Failed and node.effects == "once" and outcome.error["kind"] == "Timeout":
        outcome = _unknown(node, outcome)
    driver.ended_with(outcome, node.effects != "none")


def _unknown(node: NodeState, late: Failed) -> Outcome:
    """What may happen only once took too long: it may have happened, so nothing repeats it that does not say so.

    Where nothing else takes the error, and it was not the tool that said so, it is for a person to say what holds.
    """
    policies = node.node.policies
    if "Timeout" in policies.retry.on:
        return late
    if rule_for(policies, late.error).action == "fail" and "TimeoutError" in late.error.get("kinds", ()):
        return Waits(late.path, late.attempt, "in_doubt", None, {"error": late.error})
    return replace(late, retryable=False)


def _succeeded(driver: Driver, node: NodeState, number: int, raw: Any) -> Succeeded:
    output = driver.engine.redact(raw)
    if node.node.transform is not None:
        output = node.node.transform.evaluate(driver.scope(node, {"result": output}))
    return Succeeded(node.path, number, output, key=_key(driver, node))


def _key(driver: Driver, node: NodeState) -> str | None:
    """Under which `cache:` finds the result; None for nodes without it."""
    if not node.node.policies.cache:
        return None
    return driver.engine.cache.key(node, node.inputs, driver.engine.fingerprint(node.node))


def _limit(driver: Driver, node: NodeState) -> float | None:
    policies = node.node.policies
    limit = policies.timeout
    if policies.deadline is not None and node.started is not None:
        left = max(0.0, node.started + policies.deadline - driver.engine.clock.now())
        limit = left if limit is None else min(limit, left)
    return limit


def _call(driver: Driver, node: NodeState, number: int, kind: PerformedKind, voice: Voice) -> Call:
    path, engine, calls = node.path, driver.engine, node.calls
    inputs = node.inputs
    places = kind.secret_paths(node.node)
    if driver.state.concealed:
        shown = kind.resolve(node, driver.scope(node))
        real = revealed(driver, node, kind, shown)
        inputs = with_secrets(inputs, shown, real, tuple(differing(shown, real)))
        refuse_marks(driver, inputs)
    elif places:
        real = kind.resolve(node, driver.scope(node, {"secrets": engine.secrets}))
        shown = kind.resolve(node, driver.scope(node))
        inputs = with_secrets(inputs, shown, real, places)
    return Call(
        execution=driver.id,
        path=path,
        attempt=number,
        node=node.node,
        inputs=copied(inputs),  # a function may do with its arguments what it likes
        key=f"{driver.id}/{path}",
        secret=engine.secrets.__getitem__,
        stream=voice,
        record=partial(driver.record_call, path, number),
        recorded=tuple(calls) if calls else (),
        answers={past.name: past.response for past in calls if past.kind == "answer"} if calls else {},
        clean=engine.redact,
        context=Context(driver.state, node, engine.drivers),
    )


def with_secrets(inputs: Any, shown: Any, real: Any, places: tuple[tuple[str | int, ...], ...]) -> Any:
    """`inputs` with secrets put where the author named them, unless a person edited that place."""
    for place in places:
        inputs = _put(inputs, shown, real, place)
    return inputs


def _put(value: Any, shown: Any, real: Any, place: tuple[str | int, ...]) -> Any:
    if not place:
        return real if value == shown else value
    key, rest = place[0], place[1:]
    try:
        inner = _put(value[key], shown[key], real[key], rest)
    except (KeyError, IndexError, TypeError):
        return value
    copy = dict(value) if isinstance(value, Mapping) else list(value)
    copy[key] = inner  # type: ignore[index]
    return copy


def failure(driver: Driver, node: NodeState, number: int, error: BaseException, *, retryable: bool = True) -> Failed:
    """An exception as an outcome: its kind, its words without secrets, and the value of `on_error` if it has one."""
    facts = driver.engine.redact(describe(error))
    rule = rule_for(node.node.policies, facts)
    value = None
    if rule.action == "value" and rule.value is not None:
        about = {"node": node.path, "kind": facts["kind"], "message": facts["message"], "attempt": number}
        try:
            value = rule.value.evaluate(driver.scope(node, {"error": about}))
        except NbflowError as second:
            facts = {**facts, "message": f"{facts['message']} (and its on_error value failed: {second})"}
    after = error.retry_after if isinstance(error, NodeError) else None
    return Failed(node.path, number, facts, value, driver.engine.clock.random(), retryable, after)


def _kept(detail: Any) -> Any:
    try:
        return plain(detail)
    except NodeError:
        return repr(detail)


def describe(error: BaseException) -> dict[str, Any]:
    """What a journal keeps of an exception: kind, message, code, and the names of its classes for `on:`."""
    if isinstance(error, NodeError):
        facts: dict[str, Any] = {"kind": error.kind, "message": str(error), "code": error.code}
        if error.hint:
            facts["hint"] = error.hint
        if error.detail is not None:
            facts["detail"] = _kept(error.detail)
        return facts
    names = [cls.__name__ for cls in type(error).__mro__ if cls not in (object, BaseException, Exception)]
    kind = names[0] if names else "Exception"
    if isinstance(error, TimeoutError):
        kind, names = "Timeout", ["Timeout", *names]
    message = str(error) or ("the attempt took too long" if kind == "Timeout" else kind)
    code = error.code if isinstance(error, NbflowError) else "node.failed"
    facts = {"kind": kind, "message": message, "code": code}
    if len(names) > 1:
        facts["kinds"] = names
    return facts
