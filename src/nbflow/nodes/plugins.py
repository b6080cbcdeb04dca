"""Kinds that plug-ins add: by `@nbflow.kind` or the entry point group ``nbflow.nodes``.

A kind is an async (or plain) function of its pydantic model, and says what its attempts do to the world. It is
checked when it is registered, not when it is first used.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import typing
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from nbflow.errors import ExecutorError
from nbflow.nodes.performed import Performed
from nbflow.plan.plan import Effects, NodePlan
from nbflow.ports.executors import Call, Findings, PerformedKind
from nbflow.ports.plain import plain
from nbflow.spec.kinds import BUILT_IN, KindSpec
from nbflow.spec.nodes import FIELDS
from nbflow.spec.schema.problems import MOST
from nbflow.spec.schema.typed import sentence

EFFECTS = typing.get_args(Effects)
NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
Function = Callable[..., Any]


class PluginKind:
    """One kind: `spec` for the parser, and itself the executor of its attempts."""

    def __init__(self, function: Function, name: str, effects: Effects, doc: str) -> None:
        self.function, self.name = function, name
        self.model, self._wants_call = _model_of(function, name)
        self.effects_of_kind = effects
        self.spec = KindSpec(name, model=self.model, effects=effects, doc=doc)

    def effects(self, node: NodePlan, inputs: Any = None) -> Effects:
        return node.effects or self.effects_of_kind

    def fingerprint(self, node: NodePlan) -> str:
        return f"{self.function.__module__}.{self.function.__qualname__}"

    def validate(self, node: NodePlan, inputs: Any = None) -> Findings:
        """What the model says of the parameters once their expressions have values; before that, the parser asks it."""
        if inputs is None:
            return ()
        try:
            self._parameters(inputs)
        except ValidationError as problem:
            return [("input.type", sentence(one, self.name), None) for one in problem.errors(include_url=False)[:MOST]]
        return ()

    def _parameters(self, inputs: Mapping[str, Any]) -> BaseModel:
        return self.model.model_validate({**(inputs.get("parameters") or {}), **(inputs.get("arguments") or {})})

    async def perform(self, call: Call) -> Any:
        """The function's result as JSON data."""
        parameters = self._parameters(call.inputs)
        arguments = (parameters, call) if self._wants_call else (parameters,)
        if inspect.iscoroutinefunction(self.function):
            return plain(await self.function(*arguments))
        return plain(await asyncio.get_running_loop().run_in_executor(None, self.function, *arguments))


def _model_of(function: Function, name: str) -> tuple[type[BaseModel], bool]:
    hints = typing.get_type_hints(function)
    places = list(inspect.signature(function).parameters)
    model = hints.get(places[0]) if places else None
    if not (inspect.isclass(model) and issubclass(model, BaseModel)):
        raise ExecutorError(f"kind {name}: its first parameter is a pydantic model of what stands under the verb")
    if len(places) > 2:
        raise ExecutorError(f"kind {name} takes its parameters and, if it wants, the call; not {len(places)} arguments")
    return model, len(places) == 2


class Plugins:
    """The kinds that were added in this process; `specs` is what the parser knows, built-in ones included."""

    def __init__(self) -> None:
        self.specs: dict[str, KindSpec] = dict(BUILT_IN)
        self.kinds: dict[str, PluginKind] = {}

    def kind(self, name: str | None = None, *, effects: Effects | None = None) -> Callable[[Function], Function]:
        """Register a function as the kind `name` (its own name if none is given): ``@kind(effects="none")``.

        Raises `ExecutorError` for a name that is taken or no verb, a missing model, or effects that are not
        declared as ``none``, ``idempotent`` or ``once``.
        """

        def register(function: Function) -> Function:
            self.add(function, name or function.__name__, effects)
            return function

        return register

    def add(self, function: Function, name: str, effects: Effects | None) -> None:
        if not NAME.match(name) or name in BUILT_IN or name in FIELDS:
            raise ExecutorError(f"{name!r} cannot be a kind: a new verb in small letters, digits and _")
        if effects is None or effects not in EFFECTS:
            raise ExecutorError(f"kind {name} has to declare its effects: none, idempotent or once")
        made = PluginKind(function, name, effects, inspect.cleandoc(function.__doc__ or ""))
        self.kinds[name] = made
        self.specs[name] = made.spec

    def new_to(self, known: Mapping[str, PerformedKind]) -> dict[str, PerformedKind]:
        """The kinds that were registered, or made anew, after these."""
        executors = {kind.executor for kind in known.values()}
        return {name: Performed(kind) for name, kind in self.kinds.items() if kind not in executors}

    def load(self, entries: Mapping[str, Callable[[], Any]]) -> list[ExecutorError]:
        """Register what installed packages offer: an entry's name is the verb, its object a decorated function
        or a pair (function, effects). What cannot be registered is set aside; returns why, one for each."""
        return [problem for name, load in entries.items() if (problem := self._load(name, load)) is not None]

    def _load(self, name: str, load: Callable[[], Any]) -> ExecutorError | None:
        try:
            found = None if name in self.kinds else load()
            if found is not None and name not in self.kinds:  # else its decorator has registered it just now
                function, effects = found if isinstance(found, tuple) else (found, self._declared(found))
                self.add(function, name, effects)
        except (Exception, SystemExit) as problem:  # noqa: BLE001 - another's module may raise anything
            words = str(problem) if isinstance(problem, ExecutorError) else f"{type(problem).__name__}: {problem}"
            return ExecutorError(f"the plug-in for {name} cannot be loaded: {words}")
        return None

    def _declared(self, function: Function) -> Effects | None:
        """The effects that a decorator gave a function, under whatever name."""
        return next((made.effects_of_kind for made in self.kinds.values() if made.function is function), None)
