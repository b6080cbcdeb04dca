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
        self._described = description
        self.function = function
        self.name = name
        self.threads = threads
        self.description = description if description is not None else summary(function)
        self.signature: Signature = read_signature(function)
        self._effects: Effects = effects
        self._async = is_async(function)
        self._code = getattr(function, "__code__", None)

    @property
    def stale(self) -> bool:
        """Whether the function was changed in place since, as `%autoreload` does."""
        return getattr(self.function, "__code__", None) is not self._code

    def anew(self) -> FunctionTool:
        """The tool of the function as it is now."""
        return FunctionTool(self.function, self.name, self.threads, effects=self._effects, description=self._described)

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
        if not self._async:
            return await invoke(functools.partial(self.function, *placed, **named), call, self.threads)
        with printed_to(Printer(call)):
            try:
                return await self.function(*placed, **named)
            except (SystemExit, KeyboardInterrupt, GeneratorExit) as problem:
                raise _ended(problem) from None


async def invoke(function: functools.partial[Any], call: Call, threads: Threads) -> Any:
    """Call a function where it belongs. `sys.exit` and its like fail the attempt and not the process."""
    with printed_to(Printer(call)):
        try:
            if is_async(function.func):
                return await function()
            result = await threads.run(lambda: _guarded(function))
            return await result if inspect.isawaitable(result) else result
        except (SystemExit, KeyboardInterrupt, GeneratorExit) as problem:
            raise _ended(problem) from None


def _ended(problem: BaseException) -> BaseException:
    """The failure of an attempt; but a coroutine that is closed, as its loop is gone, is over without a word."""
    if isinstance(problem, GeneratorExit) and asyncio._get_running_loop() is None:
        return problem
    name = type(problem).__name__
    return NodeError(name, f"the function ended with {name}: {problem}")


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


class Printer:
    """Where prints of an attempt go: to the live view now, and to `call.printed` to be kept."""

    __slots__ = ("_call", "_loop", "_size")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._loop = asyncio.get_running_loop()
        self._size = sum(map(len, call.printed)) if call.printed else 0

    def __call__(self, text: str) -> None:
        call = self._call
        if self._size < MAX_PRINTED:
            kept = text[: MAX_PRINTED - self._size]
            call.printed.append(kept if len(kept) == len(text) else kept + "\n… (more was printed)")
        self._size += len(text)
        try:
            here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            here = False
        if here:
            call.stream(text)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call.stream, text)
