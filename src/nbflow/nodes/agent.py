"""The executor of `agent:`: finds who answers, asks, and checks the reply against `output:`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from nbflow.errors import ExecutorError, NodeError
from nbflow.nodes.conversation import ELSEWHERE, Asked, Conversation
from nbflow.nodes.functions import ask_function
from nbflow.nodes.opening import opening
from nbflow.nodes.spending import Accounts, Price, Spending, unknown_price
from nbflow.nodes.tool import keep_prints
from nbflow.plan.plan import AgentCall, Effects, NodePlan
from nbflow.ports.agents import AgentFunction, AgentRuntime, Agents, Usage
from nbflow.ports.executors import Call, Findings
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
        self._priced, self._accounts = False, Accounts()

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
            first, *others = [self._find(model) for model in (self._named(work), *work.fallback)]
            if inputs is not None and isinstance(first, tuple) and not work.memory:
                opening(inputs)
            if work.tools and not any(isinstance(each, tuple) for each in (first, *others)):
                message = f"'{self._named(work)}' is a function: it is not given tools"
                hint = "call them in the function, or name a model"
                found.append(NodeError("InvalidInput", message, code="agent.tools", hint=hint))
        except NodeError as error:
            found.append(error)
        found += self._unknown_tools(work)
        return [(error.code, str(error), error.hint) for error in found]

    def _unknown_tools(self, work: AgentCall) -> list[NodeError]:
        found: list[NodeError] = []
        for name in work.tools:
            if self.tools.find(name) is None:
                near = self.tools.suggest(name)
                hint = f"did you mean '{near}'?" if near else None
                found.append(NodeError("InvalidInput", f"there is no tool '{name}'", code="tool.unknown", hint=hint))
        return found

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
        others = [self._find(name) for name in work.fallback]
        while not isinstance(found, tuple):
            try:
                return await ask_function(
                    found, call, work.repair, Spending(call, work.budget, self.price, self._accounts)
                )
            except (NodeError, ConnectionError, TimeoutError) as error:
                if not others or (isinstance(error, NodeError) and error.kind not in ELSEWHERE):
                    raise
            found = others.pop(0)
        await self._load_prices(*found)
        models = [Asked(*found), *map(_asked_model, others)]
        return await Conversation(call, models, self.tools, self.price, self._accounts).run()

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


def _asked_model(found: AgentFunction | tuple[AgentRuntime, str]) -> Asked:
    if not isinstance(found, tuple):
        message = f"'{found.name}' is a function: after a model none can be a fallback"
        raise NodeError("InvalidInput", message, code="agent.fallback")
    return Asked(*found)
