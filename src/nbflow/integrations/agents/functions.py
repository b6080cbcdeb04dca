"""Agents that are functions: they get what their signature asks for by name, and may stream.

A plain or async function returns its answer. A generator's texts are streamed and joined; if the last thing it
yields is no text, that is the answer.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from nbflow.errors import ExecutorError, NodeError
from nbflow.integrations.tools.fingerprint import fingerprint
from nbflow.integrations.tools.functions import EFFECTS, Printer, invoke
from nbflow.integrations.tools.printed import printed_to
from nbflow.integrations.tools.signatures import read_signature
from nbflow.integrations.tools.threads import Threads
from nbflow.plan.plan import Effects
from nbflow.ports.executors import Call
from nbflow.spec.names import did_you_mean, listed

GIVEN = ("prompt", "system", "messages", "images")  # what every agent node may have; asked for or not


class AgentByFunction:
    """A function registered as an agent. Raises `ExecutorError` for what cannot be one, when made."""

    def __init__(
        self, function: Callable[..., Any], name: str, threads: Threads, *, effects: Effects = "idempotent"
    ) -> None:
        if not callable(function):
            raise ExecutorError(f"agent '{name}' is {type(function).__name__}, not a function")
        if effects not in EFFECTS:
            raise ExecutorError(f"agent '{name}': effects are none, idempotent or once, not {effects!r}")
        self.function, self.name, self.threads = function, name, threads
        self.signature = read_signature(function)
        self._effects: Effects = effects

    def effects(self) -> Effects:
        return self._effects

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash of the function's text."""
        return fingerprint(self.function)

    async def answer(self, inputs: Mapping[str, Any], call: Call) -> Any:
        placed, named = self.signature.bind(self._chosen(inputs), call, f"agent '{self.name}'")
        function = functools.partial(self.function, *placed, **named)
        if inspect.isasyncgenfunction(self.function):
            with printed_to(Printer(call)):
                return await self._stream(function(), call)
        if inspect.isgeneratorfunction(self.function):
            loop = asyncio.get_running_loop()

            def say(text: str) -> None:
                loop.call_soon_threadsafe(call.stream, text)

            return await invoke(functools.partial(_drain, function, say), call, self.threads)
        return await invoke(function, call, self.threads)

    def _chosen(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Of the prompt and its kind what is asked for; of `with:` everything, which must be asked for.

        `messages` are what was said before the prompt, perhaps nothing; with the prompt as the last of them where
        the function asks for no prompt.
        """
        signature = self.signature
        chosen = {
            name: inputs[name] for name in GIVEN if name in inputs and (name in signature.names or signature.open)
        }
        if "messages" in signature.names:
            said = list(inputs.get("messages") or ())
            asked = [{"role": "user", "content": inputs["prompt"]}] if inputs.get("prompt") is not None else []
            chosen["messages"] = said if "prompt" in chosen else [*said, *asked]
        arguments = inputs.get("arguments") or {}
        for name, value in arguments.items():
            if name not in signature.names and not signature.open:
                hint = did_you_mean(name, signature.names) or f"it asks for {listed(signature.names) or 'nothing'}"
                message = f"agent '{self.name}' does not ask for '{name}'"
                raise NodeError("InvalidInput", message, code="agent.arguments", hint=hint)
            chosen[name] = value
        return chosen

    async def _stream(self, pieces: Any, call: Call) -> Any:
        texts: list[str] = []
        answer: Any = None
        try:
            async for piece in pieces:
                answer = piece
                if isinstance(piece, str):
                    texts.append(piece)
                    call.stream(piece)
        finally:
            await pieces.aclose()
        return answer if answer is not None and not isinstance(answer, str) else "".join(texts)


def _drain(function: Callable[[], Any], say: Callable[[str], None]) -> Any:
    texts: list[str] = []
    answer: Any = None
    for piece in function():
        answer = piece
        if isinstance(piece, str):
            texts.append(piece)
            say(piece)
    return answer if answer is not None and not isinstance(answer, str) else "".join(texts)
