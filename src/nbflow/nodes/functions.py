"""Agents that are functions: asked, judged, and asked again with what was wrong, like a model; every call a record."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from nbflow.errors import NodeError
from nbflow.nodes.ledger import Ledger, digest
from nbflow.nodes.reading import Unreadable, read_reply
from nbflow.nodes.replies import cut, misfit, problems, repair_words
from nbflow.nodes.spending import Spending
from nbflow.ports.agents import AgentFunction, ModelReply, Usage
from nbflow.ports.executors import Call
from nbflow.ports.plain import plain


async def ask_function(agent: AgentFunction, call: Call, repairs: int, spending: Spending) -> Any:
    """The answer of a function, as `output:` wants it; after an answer that is not, it is asked again so often, unless
    what it does cannot be done twice.
    """
    ledger, inputs = Ledger(call), _asked(call)
    repairs = 0 if agent.effects() == "once" else repairs
    try:
        while True:
            value, error = await _answered(agent, call, ledger, inputs, spending)
            if error is None:
                return value
            if not repairs:
                raise error
            repairs, inputs = repairs - 1, _again(inputs, value, error)
    finally:
        spending.done()


async def _answered(
    agent: AgentFunction, call: Call, ledger: Ledger, inputs: dict[str, Any], spending: Spending
) -> tuple[Any, NodeError | None]:
    """One call, recorded with what it answered; a recorded answer is taken as it is."""
    key = digest(agent.name, inputs)
    past = ledger.past("model", key)
    if past is not None and past.error is None:
        return past.response, None
    await spending.admit("", agent.name, priced=False)
    begun = asyncio.get_running_loop().time()
    raw, usage = await agent.answer(inputs, call), Usage()
    if isinstance(raw, ModelReply):
        usage, raw = raw.usage, raw.text
    value, error = _judged(plain(raw), call.node.schema, agent.name)
    facts = {"kind": error.kind, "message": str(error), "code": error.code} if error else None
    counted = spending.add("", agent.name, usage)
    await ledger.note(
        "model", agent.name, key, {"inputs": inputs}, begun=begun, response=value, error=facts, usage=counted
    )
    spending.done()
    return value, error


def _again(inputs: dict[str, Any], answer: Any, error: NodeError) -> dict[str, Any]:
    """What a function is asked after an answer that does not fit: the same, the answer, and what is wrong with it."""
    prompt = inputs.get("prompt")
    said = [*(inputs.get("messages") or ())]
    said += [{"role": "user", "content": prompt}] if prompt is not None else []
    said += [{"role": "assistant", "content": answer}]
    words = repair_words(error)
    if prompt is None:
        return {**inputs, "messages": [*said, {"role": "user", "content": words}]}
    return {**inputs, "messages": said, "prompt": f"{prompt}\n\n{words}"}


def _asked(call: Call) -> dict[str, Any]:
    """What a function may ask for; its `messages` are what is remembered, then those of the node."""
    given: Mapping[str, Any] = call.inputs if isinstance(call.inputs, dict) else {}
    inputs = {name: value for name, value in given.items() if name not in ("headers", "auth")}
    own = inputs.get("messages") or ()
    if not isinstance(own, list | tuple):
        raise NodeError("InvalidInput", "'messages' is a list of {role, content}", code="agent.inputs")
    said = [*(call.context.get("memory") or ()), *own]
    return {**inputs, "messages": said} if said else inputs


def _judged(value: Any, schema: Mapping[str, Any] | None, what: str) -> tuple[Any, NodeError | None]:
    """The answer as `output:` wants it (a text is read as JSON where no text is wanted), or why it is not."""
    if schema is None:
        return value, None
    raw = value
    if isinstance(value, str):
        try:
            value, _ = read_reply(value, schema)
        except Unreadable as problem:
            return cut(raw), misfit([str(problem)], what, raw, problem.code)
    found = problems(value, schema)
    return (cut(raw), misfit(found, what, raw)) if found else (value, None)
