"""Who answers an agent node: `model:`, `fallback:`, or the set default, against what is known here.

A name that nobody answers to fails its node when it runs, perhaps after costly ones; so it is said before. A model
that no price list has is a warning only: new ones come every month.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nbflow.errors import Severity
from nbflow.plan.checks.findings import Checking
from nbflow.spec.document import Located
from nbflow.spec.nodes import NodeSpec


def _all_listed(provider: str, model: str) -> Sequence[str] | None:
    return None


@dataclass(frozen=True, slots=True)
class Models:
    """What `model:` may name. `complete`: these are all there are, so that another name is an error.

    `near` gives, for a model that the price list of its provider does not have, the names that are there; None for
    one that it has, or that nobody keeps a list of.
    """

    default: str | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    functions: Collection[str] = ()
    providers: Collection[str] = ()
    complete: bool = False
    near: Callable[[str, str], Sequence[str] | None] = _all_listed

    def meant(self, name: str) -> str:
        """The name behind aliases. A function goes before an alias of its name."""
        seen: set[str] = set()
        while name in self.aliases and name not in self.functions and name not in seen:
            seen.add(name)
            name = self.aliases[name]
        return name


def check_models(checking: Checking) -> None:
    """Every model that an agent node names. Nothing where models are not known at all."""
    models = checking.models
    if models is None:
        return
    for body in checking.root.everything():
        for node in body.nodes:
            if node.kind == "agent" and node.verb:
                _node(checking, node, models)


def _node(checking: Checking, node: NodeSpec, models: Models) -> None:
    mocked = "mock" in node.fields
    if not node.verb.get("model") and models.default is None and not mocked:
        checking.wrong(
            node.place("agent"), "agent.no_model", f"agent '{node.id}' names no model, and no default is set",
            "model: provider/name or a function of @nbflow.agent, or NBFLOW_AGENT_MODEL", severity="warning",
            key=True,
        )  # fmt: skip
    after_model = False
    for at, name, instead in _named(checking, node, models):
        _name(checking, at, name, models, severity="warning" if mocked or not models.complete else "error")
        is_function = models.meant(name) in models.functions
        if instead and is_function and after_model:
            message = f"'{name}' is a function: after a model it cannot be a fallback"
            checking.wrong(at, "agent.fallback", message, "a fallback of a model is provider/name")
        after_model = after_model or not is_function


def _named(checking: Checking, node: NodeSpec, models: Models) -> Iterator[tuple[Located, str, bool]]:
    """Each name with its place, and whether it is a fallback."""
    name = node.verb.get("model") or models.default
    if name:
        yield _place(checking, node, "model"), str(name), False
    for index, other in enumerate(node.verb.get("fallback", ())):
        at = _place(checking, node, "fallback")
        if isinstance(at.value, list) and index < len(at.value):
            at = at.value[index]
        yield at, str(other), True


def _place(checking: Checking, node: NodeSpec, field: str) -> Located:
    """Where a parameter stands: at the node, or in `defaults:`."""
    own = node.place("agent")
    if isinstance(own.value, dict) and field in own.value:
        return own.value[field]
    at = checking.spec.place("defaults", "agent", field)
    return at if at is not checking.spec.place("defaults", "agent") else own


def _name(checking: Checking, at: Located, name: str, models: Models, *, severity: Severity) -> None:
    meant = models.meant(name)
    if meant in models.functions:
        return
    provider, slash, model = meant.partition("/")
    if not slash or not model:
        hint = checking.guess(meant, [*models.functions, *models.aliases])
        hint = hint or "write provider/name, or register a function with @nbflow.agent"
        checking.wrong(at, "agent.unknown", f"there is no model '{name}'", hint, severity=severity)
    elif provider not in models.providers:
        hint = checking.guess(provider, models.providers) or "name its server in the setting providers"
        checking.wrong(at, "agent.unknown", f"there is no provider '{provider}'", hint, severity=severity)
    elif (near := models.near(provider, model)) is not None:
        hint = checking.guess(model, near) or "it may be new, or gone; its price is not known"
        checking.wrong(
            at, "agent.model", f"the price list of {provider} has no model '{model}'", hint, severity="warning"
        )
