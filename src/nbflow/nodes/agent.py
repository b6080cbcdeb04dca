"""The executor of `agent:`: finds who answers, asks, and checks the reply against `output:`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from nbflow.errors import ExecutorError, NodeError
from nbflow.nodes.conversation import Asked, Conversation
from nbflow.nodes.ledger import Ledger, digest
from nbflow.nodes.opening import opening
from nbflow.nodes.reading import Unreadable, read_reply
from nbflow.nodes.replies import cut, misfit, problems
from nbflow.nodes.spending import Price, unknown_price, usage_fields
from nbflow.nodes.tool import keep_prints
from nbflow.plan.plan import AgentCall, Effects, NodePlan
from nbflow.ports.agents import AgentFunction, AgentRuntime, Agents, ModelReply, Usage
from nbflow.ports.executors import Call, Findings
from nbflow.ports.plain import plain
from nbflow.ports.tools import Tools

STRENGTH: dict[Effects, int] = {"none": 0, "idempotent": 1, "once": 2}


class AgentExecutor:
    """Performs attempts of agent nodes. `model` is the one of nodes that name none, or a function that says it, `price`
    knows what calls cost, `timeout` (seconds) ends attempts of nodes that set none.
    """

    def __init__(
        self, agents: Agents, tools: Tools, *, model: str | Callable[[], str | None] | None = None,
        price: Price = unknown_price, timeout: float | None = None,
    ) -> None:  # fmt: skip
        self.agents, self.tools, self.price, self.timeout = agents, tools, price, timeout
        self._model = model
        self._priced = False

    @property
    def model(self) -> str | None:
        """The model of nodes that name none."""
        return self._model() if callable(self._model) else self._model

    def effects(self, node: NodePlan, inputs: Any = None) -> Effects:
        """What the node declares; else what the function does, or the strongest of its tools that need no yes."""
        if node.effects is not None:
            return node.effects
        work = node.work
        assert isinstance(work, AgentCall)
        found = self._known(work)
        strongest: Effects = found.effects() if found is not None and not isinstance(found, tuple) else "idempotent"
        if work.approve == "never":
            for tool in filter(None, map(self.tools.find, work.tools)):
                strongest = max(strongest, tool.effects(), key=STRENGTH.__getitem__)
        return strongest

    def fingerprint(self, node: NodePlan) -> str:
        """The model that answers, whatever stands for it; of a function its text."""
        assert isinstance(node.work, AgentCall)
        found = self._known(node.work)
        return f"{found[0].provider}/{found[1]}" if isinstance(found, tuple) else str(getattr(found, "fingerprint", ""))

    def validate(self, node: NodePlan, inputs: Any = None) -> Findings:
        """Whether its models and tools are there, and whether the inputs begin a conversation."""
        work = node.work
        assert isinstance(work, AgentCall)
        found: list[NodeError] = []
        try:
            first, *_ = [self._find(model) for model in (self._named(work), *work.fallback)]
            if inputs is not None and isinstance(first, tuple) and not work.memory:
                opening(inputs)
        except NodeError as error:
            found.append(error)
        for name in work.tools:
            if self.tools.find(name) is None:
                near = self.tools.suggest(name)
                hint = f"did you mean '{near}'?" if near else None
                found.append(NodeError("InvalidInput", f"there is no tool '{name}'", code="tool.unknown", hint=hint))
        return [(error.code, str(error), error.hint) for error in found]

    async def perform(self, call: Call) -> Any:
        work = call.node.work
        assert isinstance(work, AgentCall)
        name = self._named(work)
        found = self._find(name)
        limit = self.timeout if call.node.policies.timeout is None else None
        try:
            async with asyncio.timeout(limit):
                return await self._ask(call, work, found)
        finally:
            await keep_prints(call, name)

    async def _ask(self, call: Call, work: AgentCall, found: AgentFunction | tuple[AgentRuntime, str]) -> Any:
        if not isinstance(found, tuple):
            return await _ask_function(found, call)
        await self._load_prices(*found)
        models = [Asked(*found), *(Asked(*self._runtime(other)) for other in work.fallback)]
        return await Conversation(call, models, self.tools, self.price).run()

    async def _load_prices(self, runtime: AgentRuntime, model: str) -> None:
        """The first question about a price loads the list; in a thread, since that takes a while."""
        if not self._priced:
            self._priced = True
            await asyncio.to_thread(self.price, runtime.provider, model, Usage(0, 0))

    def _named(self, work: AgentCall) -> str:
        name = work.model or self.model
        if name is None:
            hint = "write model: provider/name or a function of @nbflow.agent, or set NBFLOW_AGENT_MODEL"
            raise NodeError("InvalidInput", "the agent has no model", code="agent.no_model", hint=hint)
        return name

    def _runtime(self, name: str) -> tuple[AgentRuntime, str]:
        found = self._find(name)
        if not isinstance(found, tuple):
            raise NodeError("InvalidInput", f"'{name}' is a function: it cannot be a fallback", code="agent.fallback")
        return found

    def _known(self, work: AgentCall) -> AgentFunction | tuple[AgentRuntime, str] | None:
        """Who answers a node, if anybody does."""
        try:
            return self._find(self._named(work))
        except NodeError:
            return None

    def _find(self, name: str) -> AgentFunction | tuple[AgentRuntime, str]:
        try:
            found = self.agents.find(name)
        except ExecutorError as problem:  # a package's runtime that cannot be made fails the nodes that name it
            raise NodeError("InvalidInput", str(problem), code="agent.unknown") from None
        if found is None:
            near = self.agents.suggest(name)
            hint = (
                f"did you mean '{near}'?" if near else "write provider/name, or register a function with @nbflow.agent"
            )
            raise NodeError("InvalidInput", f"there is no model '{name}'", code="agent.unknown", hint=hint)
        return found


async def _ask_function(agent: AgentFunction, call: Call) -> Any:
    """One call of a function, recorded with what it answered; a recorded answer is taken as it is."""
    ledger = Ledger(call)
    inputs = _asked(call)
    key = digest(agent.name, inputs)
    past = ledger.past("model", key)
    if past is not None and past.error is None:
        return past.response
    begun = asyncio.get_running_loop().time()
    raw = await agent.answer(inputs, call)
    usage = {}
    if isinstance(raw, ModelReply):
        usage, raw = usage_fields(raw.usage), raw.text
    value, error = _judged(plain(raw), call.node.schema, agent.name)
    facts = {"kind": error.kind, "message": str(error), "code": error.code} if error else None
    await ledger.note(
        "model", agent.name, key, {"inputs": inputs}, begun=begun, response=value, error=facts, usage=usage
    )
    if error is not None:
        raise error
    return value


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
