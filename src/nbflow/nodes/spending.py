"""What model calls took so far, and whether another may be made: checked before each call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nbflow.errors import NodeError
from nbflow.ports.agents import Usage
from nbflow.ports.executors import Call

Price = Callable[[str, str, Usage], float | None]  # provider, model, usage → US dollars, None when not known


def unknown_price(provider: str, model: str, usage: Usage) -> float | None:
    """Nobody knows prices here."""
    return None


class Spending:
    """Tokens and dollars of this node, over all its attempts, and of the execution around it."""

    def __init__(self, call: Call, limits: Mapping[str, float], price: Price) -> None:
        self._price, self._context = price, call.context
        self._limits = (("node", limits), ("execution", call.context.get("budget") or {}))
        self._own = _total(call.recorded)

    def check(self, provider: str, model: str) -> None:
        """Raises `NodeError`: `BudgetExceeded` when a budget is used up, `InvalidInput` when it cannot be kept."""
        for whose, limits in self._limits:
            spent = self._own if whose == "node" else self._context.get("usage") or {}
            for unit, limit in limits.items():
                if spent.get(unit, 0) >= limit:
                    message = f"the {whose}'s budget of {limit:g} {unit} is used up ({spent.get(unit, 0):g} {unit})"
                    raise NodeError("BudgetExceeded", message, code="budget.exceeded")
            if "usd" in limits and self._price(provider, model, Usage(1, 1)) is None:
                message = f"the price of {provider}/{model} is not known, so a budget in usd cannot be kept"
                raise NodeError("InvalidInput", message, code="budget.price", hint="set a budget in tokens")

    def add(self, provider: str, model: str, usage: Usage) -> dict[str, Any]:
        """Count a call; returns its usage as it is recorded. What is not known is left out, and is not 0."""
        fields = usage_fields(usage)
        dollars = self._price(provider, model, usage) if usage.input is not None else None
        if dollars is not None:
            fields["usd"] = dollars
        self._own["tokens"] += (usage.input or 0) + (usage.output or 0)
        self._own["usd"] += dollars or 0.0
        return fields


def _total(recorded: tuple[Any, ...]) -> dict[str, float]:
    tokens, dollars = 0, 0.0
    for past in recorded:
        tokens += past.usage.get("input", 0) + past.usage.get("output", 0)
        dollars += past.usage.get("usd", 0.0)
    return {"tokens": tokens, "usd": dollars}


def usage_fields(usage: Usage) -> dict[str, Any]:
    """Tokens as they are recorded; what the provider did not say is left out."""
    named = {"input": usage.input, "output": usage.output, "cached": usage.cached, "reasoning": usage.reasoning}
    return {name: count for name, count in named.items() if count is not None}
