"""Functions as tools: async ones run on the loop, plain ones in a thread, prints go with the attempt."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from nbflow.errors import ExecutorError, NodeError
from nbflow.integrations.tools.fingerprint import fingerprint
from nbflow.integrations.tools.printed import printed_to
from nbflow.integrations.tools.signatures import Signature, read_signature, summary
from nbflow.integrations.tools.threads import Threads
from nbflow.plan.plan import Effects
from nbflow.ports.executors import Call

EFFECTS = ("none", "idempotent", "once")
MAX_PRINTED = 64 * 1024  # characters kept of what one attempt prints


class FunctionTool:
    """A function with a name, its signature as schema, its docstring as description.

    Raises `ExecutorError` for what cannot be a tool, when made and not when called.
    """

    def __init__(
        self, function: Callable[..., Any], name: str, threads: Threads, *, effects: Effects = "idempotent",
        description: str | None = None,
    ) -> None:  # fmt: skip
        if not callable(function):
            raise ExecutorError(f"tool '{name}' is {type(function).__name__}, not a function")
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise ExecutorError(f"tool '{name}' yields; a tool returns its result (an agent may stream)")
        if effects not in EFFECTS:
            raise ExecutorError(f"tool '{name}': effects are none, idempotent or once, not {effects!r}")
        self.function = function
        self.name = name
        self.threads = threads
        self.description = description if description is not None else summary(function)
        self.signature: Signature = read_signature(function)
        self._effects: Effects = effects

    authors_only = ()

    @property
    def parameters(self) -> Mapping[str, Any]:
        return self.signature.schema

    def effects(self, arguments: Mapping[str, Any] | None = None) -> Effects:
        return self._effects

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash of the function's text."""
        return fingerprint(self.function)

    async def prepare(self) -> None: ...

    async def call(self, arguments: Mapping[str, Any], call: Call) -> Any:
        """What the function returns. Raises `NodeError` (`InvalidInput`) for arguments it does not take."""
        placed, named = self.signature.bind(arguments, call, self.name)
        return await invoke(functools.partial(self.function, *placed, **named), call, self.threads)


async def invoke(function: functools.partial[Any], call: Call, threads: Threads) -> Any:
    """Call a function where it belongs. `sys.exit` and its like fail the attempt and not the process."""
    with printed_to(printer(call)):
        try:
            if is_async(function.func):
                return await function()
            result = await threads.run(lambda: _guarded(function))
            return await result if inspect.isawaitable(result) else result
        except (SystemExit, KeyboardInterrupt, GeneratorExit) as problem:
            raise NodeError(
                type(problem).__name__, f"the function ended with {type(problem).__name__}: {problem}"
            ) from None


def is_async(function: Any) -> bool:
    """Whether calling it gives a coroutine."""
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def _guarded(function: Callable[[], Any]) -> Any:
    try:
        return function()
    except (StopIteration, StopAsyncIteration) as problem:  # no future can carry these
        raise NodeError(type(problem).__name__, str(problem) or type(problem).__name__) from problem


def printer(call: Call) -> Callable[[str], None]:
    """Where prints of this attempt go: to the live view now, and to `call.printed` to be kept."""
    loop = asyncio.get_running_loop()
    size = sum(map(len, call.printed))

    def take(text: str) -> None:
        nonlocal size
        if size < MAX_PRINTED:
            kept = text[: MAX_PRINTED - size]
            call.printed.append(kept if len(kept) == len(text) else kept + "\n… (more was printed)")
        size += len(text)
        try:
            running = asyncio.get_running_loop() is loop
        except RuntimeError:
            running = False
        if running:
            call.stream(text)
        elif not loop.is_closed():
            loop.call_soon_threadsafe(call.stream, text)

    return take
