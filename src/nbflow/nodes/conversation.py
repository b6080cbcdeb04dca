"""One attempt's talk with a model: ask, call the tools it wants, check the answer, say what is wrong with it.

Every call is recorded when it ended, so that an attempt after a crash goes on where this one was. Models of
`fallback:` take over, for the rest of the talk, when one cannot be had.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nbflow.errors import NodeError
from nbflow.nodes.envelope import envelope
from nbflow.nodes.ledger import Ledger, digest
from nbflow.nodes.opening import opening, shown
from nbflow.nodes.reading import Unreadable
from nbflow.nodes.replies import cut, misfit, repair_words
from nbflow.nodes.spending import Accounts, Price, Spending
from nbflow.nodes.toolbox import Toolbox
from nbflow.plan.plan import AgentCall
from nbflow.ports.agents import AgentRuntime, Message, ModelReply, ModelRequest, ToolRequest, Usage
from nbflow.ports.executors import Call
from nbflow.ports.tools import Tools

OURS = ("structured", "allow_hosts", "allow_recipients")  # options that are not the provider's
HOPELESS = ("llm.length", "llm.filtered", "llm.refused")  # no repair makes these better
ELSEWHERE = ("Timeout", "RateLimited", "Unavailable", "Refused")  # kinds after which another model is tried


@dataclass(frozen=True, slots=True)
class Asked:
    """A model that may be asked."""

    runtime: AgentRuntime
    model: str

    @property
    def name(self) -> str:
        return f"{self.runtime.provider}/{self.model}"


class Conversation:
    """The talk of one attempt with the first of `models` that can be had."""

    def __init__(
        self, call: Call, models: Sequence[Asked], tools: Tools, price: Price, accounts: Accounts
    ) -> None:  # fmt: skip
        work = call.node.work
        assert isinstance(work, AgentCall)
        self._call, self._work, self._models = call, work, list(models)
        self._ledger = Ledger(call)
        self._tools = Toolbox(call, work, tools, self._ledger)
        self._spending = Spending(call, work.budget, price, accounts)
        self._envelope = envelope(call.node.schema) if call.node.schema is not None else None
        self._messages = opening(call.inputs or {}, call.context.get("memory") or ())
        self._told = 0  # messages that a record has already

    async def run(self) -> Any:
        """The answer: a text, or the value that `output:` wants. Raises `NodeError`, or `Asks`."""
        try:
            return await self._talk()
        finally:
            self._spending.done()

    async def _talk(self) -> Any:
        await self._tools.prepare()
        repairs = turns = 0
        while True:
            model, reply, key, begun, fresh = await self._ask()
            self._messages.append(Message("assistant", reply.text, reply.requests, native=reply.native))
            if reply.requests and self._tools.offers:
                await self._settle(model, reply, key, begun, fresh)
                turns += 1
                if turns >= self._work.max_turns:
                    raise _too_long(self._work.max_turns)
                self._messages += await self._tools.answer(len(self._messages), reply.requests)
                continue
            value, note, problem = self._judge(model, reply)
            final = problem is not None and (repairs >= self._work.repair or problem.code in HOPELESS)
            await self._settle(model, reply, key, begun, fresh, problem, note, final)
            if problem is None:
                return value
            if final:
                raise problem
            repairs += 1
            self._messages.append(Message("user", repair_words(problem)))

    # --- one call ------------------------------------------------------------------------------------

    async def _ask(self) -> tuple[Asked, ModelReply, str, float, bool]:
        """The next reply, from the records or from the first model that can be had."""
        begun = asyncio.get_running_loop().time()
        for model in self._models:
            key = self._key(model)
            past = self._ledger.past("model", key)
            if past is not None and _stands(past):
                self._models = self._models[self._models.index(model) :]
                return model, _recalled(past.response), key, begun, False
        while True:
            model = self._models[0]
            key, begun = self._key(model), asyncio.get_running_loop().time()
            try:
                return model, await self._complete(model), key, begun, True
            except NodeError as error:
                await self._failed(model, key, begun, error)
                if error.kind not in ELSEWHERE or len(self._models) == 1:
                    raise
                self._models = self._models[1:]

    async def _complete(self, model: Asked) -> ModelReply:
        await self._spending.admit(model.runtime.provider, model.model)
        reply = await model.runtime.complete(self._request(model), self._call.stream)
        if "\0" not in reply.text:
            return reply
        mended = reply.text.replace("\0", "\ufffd")  # not every store can hold it
        return ModelReply(mended, reply.requests, reply.usage, reply.stop, reply.model, None, None)

    def _request(self, model: Asked) -> ModelRequest:
        work, sent = self._work, self._sent(model)
        messages = list(self._messages)
        if self._envelope is not None and self._envelope.sent is not None and sent is None:
            messages.insert(0, Message("system", self._envelope.instruction()))
        options = {name: value for name, value in work.options.items() if name not in OURS}
        given = self._call.inputs or {}
        return ModelRequest(
            model.model, tuple(messages), self._tools.offers, sent, work.temperature, work.max_tokens, work.stream,
            options, given.get("headers") or {}, given.get("auth"),
        )  # fmt: skip

    def _sent(self, model: Asked) -> Any:
        """The schema for the provider's own mode, where it has one that takes it."""
        sent = self._envelope.sent if self._envelope is not None else None
        if sent is None or self._work.options.get("structured") == "prompt" or not model.runtime.takes(sent):
            return None
        return sent

    def _key(self, model: Asked) -> str:
        return digest(model.name, [shown(message) for message in self._messages], self._call.node.schema)

    # --- what came back ------------------------------------------------------------------------------

    def _judge(self, model: Asked, reply: ModelReply) -> tuple[Any, str | None, NodeError | None]:
        """The value of a reply, what was forgiven in reading it, and what is wrong with it."""
        problem = _stopped(model, reply, self._work.max_tokens)
        if problem is not None:
            return None, None, problem
        if self._envelope is None and not reply.text.strip():
            return None, None, misfit(["the model returned nothing"], model.name, reply.text, "llm.empty")
        mended = "text.nul: U+0000 was replaced" if reply.native is None and "\ufffd" in reply.text else None
        if self._envelope is None:
            return reply.text, mended, None
        try:
            value, note = self._envelope.read(reply.text)
            return value, note or mended, None
        except Unreadable as error:
            return None, None, misfit([str(error)], model.name, reply.text, error.code)

    async def _settle(
        self, model: Asked, reply: ModelReply, key: str, begun: float, fresh: bool,
        problem: NodeError | None = None, note: str | None = None, final: bool = False,
    ) -> None:  # fmt: skip
        """Record a reply that was not in the records yet."""
        asked = self._messages[self._told : -1]
        self._told = len(self._messages)
        if not fresh:
            return
        usage = self._spending.add(model.runtime.provider, reply.model or model.model, reply.usage)
        facts = _facts(problem) | {"final": final} if problem is not None else None
        response = {
            "text": reply.text, "stop": reply.stop, "model": reply.model, "native": reply.native,
            "calls": [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in reply.requests],
        }  # fmt: skip
        if note is not None:
            response["note"] = note
        await self._ledger.note(
            "model", model.name, key, {"messages": [shown(message) for message in asked]}, begun=begun,
            response=response, error=facts, usage=usage,
        )  # fmt: skip
        self._spending.done()

    async def _failed(self, model: Asked, key: str, begun: float, error: NodeError) -> None:
        if error.code.startswith("budget."):
            return
        asked = {"messages": [shown(message) for message in self._messages[self._told :]]}
        await self._ledger.note("model", model.name, key, asked, begun=begun, error=_facts(error))
        self._spending.done()


def _stands(past: Any) -> bool:
    """Whether a recorded reply is taken again: it was good, or it was followed by a repair. One that ended its
    attempt, and a call that brought no reply, are made anew."""
    return past.error is None or (past.response is not None and not past.error.get("final"))


def _facts(error: NodeError) -> dict[str, Any]:
    return {"kind": error.kind, "message": str(error), "code": error.code}


def _stopped(model: Asked, reply: ModelReply, most: int | None) -> NodeError | None:
    """Why a reply that ended early is none."""
    if reply.stop == "filtered":
        return NodeError("Refused", f"{model.name}: the provider filtered the reply", code="llm.filtered")
    if reply.stop == "refused":
        return NodeError(
            "Refused", f"{model.name}: the model refused", code="llm.refused", detail={"raw": cut(reply.text)}
        )
    if reply.stop == "length":
        limit = f"{most} tokens" if most is not None else "tokens"
        message = f"the reply of {model.name} was cut at its limit of {limit}"
        detail = {"raw": cut(reply.text)}
        return NodeError("InvalidOutput", message, code="llm.length", hint="raise max_tokens", detail=detail)
    return None


def _too_long(turns: int) -> NodeError:
    message = f"the agent gave no answer in {turns} turns"
    return NodeError("InvalidOutput", message, code="agent.max_turns", hint="raise max_turns, or ask for less")


def _recalled(response: Any) -> ModelReply:
    """A reply as it was recorded."""
    calls = tuple(ToolRequest(call["id"], call["name"], call["arguments"]) for call in response["calls"])
    return ModelReply(response["text"], calls, Usage(), response["stop"], response["model"], response["native"])
