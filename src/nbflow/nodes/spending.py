"""What model calls took so far, and whether another may be made: checked before each call."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nbflow.errors import NodeError
from nbflow.execution.usage import tokens_of
from nbflow.ports.agents import Usage
from nbflow.ports.executors import Call

Price = Callable[[str, str, Usage], float | None]  # provider, model, usage → US dollars, None when not known


def unknown_price(provider: str, model: str, usage: Usage) -> float | None:
    """Nobody knows prices here."""
    return None


class Account:
    """The model calls under way within one budget: how many there are, and what the largest so far took."""

    def __init__(self) -> None:
        self.under_way = 0
        self.largest: dict[str, float] = {}
        self._waiting: list[asyncio.Future[None]] = []

    def has_room(self, budget: Mapping[str, float], used: Mapping[str, float]) -> bool:
        """Whether one more call fits beside those under way, when each takes what the largest took."""
        if not self.under_way:
            return True
        each = {unit: self.largest.get(unit, limit) for unit, limit in budget.items()}
        return all(used.get(unit, 0) + (self.under_way + 1) * each[unit] <= limit for unit, limit in budget.items())

    async def until_one_ends(self) -> None:
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting

    def end(self) -> None:
        self.under_way -= 1
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)


class Accounts:
    """Accounts by execution, kept as long as a node of theirs is at work."""

    def __init__(self) -> None:
        self._known: weakref.WeakValueDictionary[str, Account] = weakref.WeakValueDictionary()

    def of(self, execution: str) -> Account:
        account = self._known.get(execution)
        if account is None:
            account = self._known[execution] = Account()
        return account


class Spending:
    """Tokens and dollars of this node, over all its attempts, and of the executions around it.

    A call is let go while others are under way only when what is left is enough for all of them, each counted as the
    largest so far; else it waits for them. So a budget is passed by no more than one call may take beyond the largest.
    """

    def __init__(self, call: Call, limits: Mapping[str, float], price: Price, accounts: Accounts) -> None:
        self._price, self._context, self._limits = price, call.context, limits
        self._own = _total(call.recorded)
        self._accounts = {each["execution"]: accounts.of(each["execution"]) for each in self._budgets()}
        self._in: tuple[Account, ...] = ()

    def _budgets(self) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = self._context.get("budgets") or ()
        return found

    async def admit(self, provider: str, model: str, *, priced: bool = True) -> None:
        """Wait until a call may be made; `done` ends it. Raises `NodeError`: `BudgetExceeded` when a budget is used up,
        `InvalidInput` when it cannot be kept, since the price is not known (which matters when the call is `priced`).
        """
        while True:
            budgets = self._budgets()
            self._check("node", self._limits, self._own)
            for each in budgets:
                self._check("execution", each["budget"], each["usage"])
            if priced and any("usd" in limits for limits in (self._limits, *(each["budget"] for each in budgets))):
                self._check_price(provider, model)
            pairs = [(self._accounts[each["execution"]], each) for each in budgets]
            full = next((one for one, each in pairs if not one.has_room(each["budget"], each["usage"])), None)
            if full is None:
                break
            await full.until_one_ends()
        self._in = tuple(account for account, _ in pairs)
        for account in self._in:
            account.under_way += 1

    def done(self) -> None:
        """The call is over, and recorded."""
        ended, self._in = self._in, ()
        for account in ended:
            account.end()

    def _check(self, whose: str, limits: Mapping[str, float], spent: Mapping[str, float]) -> None:
        for unit, limit in limits.items():
            if spent.get(unit, 0) >= limit:
                message = f"the {whose}'s budget of {limit:g} {unit} is used up ({spent.get(unit, 0):g} {unit})"
                raise NodeError("BudgetExceeded", message, code="budget.exceeded")

    def _check_price(self, provider: str, model: str) -> None:
        if self._price(provider, model, Usage(1, 1)) is None:
            message = f"the price of {provider}/{model} is not known, so a budget in usd cannot be kept"
            raise NodeError("InvalidInput", message, code="budget.price", hint="set a budget in tokens")

    def add(self, provider: str, model: str, usage: Usage) -> dict[str, Any]:
        """Count a call; returns its usage as it is recorded. What is not known is left out, and is not 0."""
        fields = usage_fields(usage)
        dollars = self._price(provider, model, usage) if usage.input is not None else None
        if dollars is not None:
            fields["usd"] = dollars
        took = {"tokens": (usage.input or 0) + (usage.output or 0), "usd": dollars or 0.0}
        for unit, amount in took.items():
            self._own[unit] += amount
            for account in self._in:
                account.largest[unit] = max(account.largest.get(unit, 0.0), amount)
        return fields


def _total(recorded: tuple[Any, ...]) -> dict[str, float]:
    tokens, dollars = 0, 0.0
    for past in recorded:
        tokens += tokens_of(past.usage)
        dollars += past.usage.get("usd", 0.0)
    return {"tokens": tokens, "usd": dollars}


def usage_fields(usage: Usage) -> dict[str, Any]:
    """Tokens as they are recorded; what the provider did not say is left out."""
    named = {"input": usage.input, "output": usage.output, "cached": usage.cached, "reasoning": usage.reasoning}
    return {name: count for name, count in named.items() if count is not None}
