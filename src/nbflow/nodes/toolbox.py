"""The tools of one agent node: offered under names a model can write, called only as the workflow allows.

A model's arguments are hostile input: they are read as JSON and checked against the tool's schema before
anything is called. What goes wrong is told to the model; only a person's missing yes stops the attempt.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nbflow.errors import NodeError
from nbflow.nodes.ledger import Ledger, digest
from nbflow.nodes.opening import as_text
from nbflow.nodes.reading import Unreadable, read_reply
from nbflow.plan.plan import AgentCall
from nbflow.ports.agents import Message, ToolOffer, ToolRequest
from nbflow.ports.executors import Asks, Call
from nbflow.ports.plain import plain
from nbflow.ports.tools import Tool, Tools
from nbflow.spec.names import did_you_mean, listed

MAX_RESULT = 100_000  # characters of a result that a model is shown
APPROVAL = {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class _Done:
    """What came of one request."""

    text: str
    failed: bool = False


class Toolbox:
    """The tools that `tools:` names. Raises `NodeError` (`tool.unknown`) for one that is not there."""

    def __init__(self, call: Call, work: AgentCall, tools: Tools, ledger: Ledger) -> None:
        self._call, self._work, self._ledger = call, work, ledger
        self._tools: dict[str, Tool] = {}
        for name in work.tools:
            tool = tools.find(name)
            if tool is None:
                near = tools.suggest(name)
                hint = f"did you mean '{near}'?" if near else None
                raise NodeError("InvalidInput", f"there is no tool '{name}'", code="tool.unknown", hint=hint)
            self._tools[_offered(name, self._tools)] = tool

    @property
    def offers(self) -> tuple[ToolOffer, ...]:
        return tuple(ToolOffer(name, tool.description, _for_models(tool)) for name, tool in self._tools.items())

    async def prepare(self) -> None:
        """Let each tool learn what it needs before it is offered. Raises `NodeError` for one that is not there."""
        for tool in self._tools.values():
            await tool.prepare()

    async def answer(self, turn: int, requests: Sequence[ToolRequest]) -> list[Message]:
        """Call what was asked for, all at the same time; one message each. Raises `Asks` when a person must say yes."""
        results = await asyncio.gather(
            *(self._answer(turn, place, request) for place, request in enumerate(requests)), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
        done = [result for result in results if isinstance(result, _Done)]
        return [
            Message("tool", result.text, answers=request.id, failed=result.failed)
            for request, result in zip(requests, done, strict=True)
        ]

    async def _answer(self, turn: int, place: int, request: ToolRequest) -> _Done:
        key = digest(turn, place, request.id, request.name, request.arguments)
        past = self._ledger.past("tool", key)
        if past is not None:
            return _Done(_told(past.response)) if past.error is None else _Done(_words(past.error), failed=True)
        begun = asyncio.get_running_loop().time()
        arguments: Any = request.arguments
        try:
            tool, arguments = self._read(request)
            await self._allow(tool, arguments, request, key)
            result = self._call.clean(plain(await tool.call(arguments, self._own(arguments, f"{turn}.{place}"))))
        except (asyncio.CancelledError, Asks):
            raise
        except Exception as error:  # noqa: BLE001 - a tool's failure is told to the model, whatever it is
            facts = self._call.clean(_facts(error))
            await self._note(request, key, arguments, begun, error=facts)
            return _Done(_words(facts), failed=True)
        await self._note(request, key, arguments, begun, response=result)
        return _Done(_told(result))

    async def _note(self, request: ToolRequest, key: str, arguments: Any, begun: float, **facts: Any) -> None:
        tool = self._tools.get(request.name)
        asked = {"id": request.id, "arguments": arguments}
        await self._ledger.note("tool", tool.name if tool else request.name, key, asked, begun=begun, **facts)

    def _read(self, request: ToolRequest) -> tuple[Tool, dict[str, Any]]:
        tool = self._tools.get(request.name)
        if tool is None:
            hint = did_you_mean(request.name, self._tools) or f"tools: {listed(self._tools) or 'none'}"
            raise NodeError(
                "InvalidInput", f"there is no tool '{request.name}' here", code="llm.unknown_tool", hint=hint
            )
        try:
            arguments, _ = read_reply(request.arguments or "{}", {})
        except Unreadable as problem:
            raise NodeError(
                "InvalidInput", f"the arguments are not JSON: {problem}", code="llm.bad_tool_args"
            ) from None
        if not isinstance(arguments, dict):
            raise NodeError("InvalidInput", "the arguments are no JSON object", code="llm.bad_tool_args")
        for name in arguments:
            if name in tool.authors_only:
                message = f"'{name}' is not an argument of {tool.name} here"
                raise NodeError("InvalidInput", message, code="llm.bad_tool_args")
        return tool, arguments

    async def _allow(self, tool: Tool, arguments: dict[str, Any], request: ToolRequest, key: str) -> None:
        """A tool whose effects cannot be taken back needs a yes, unless the workflow says `approve: never`.

        Its call is recorded before it begins; one that was begun and has no end may have happened, and needs
        another yes.
        """
        once, approve = tool.effects(arguments) == "once", self._work.approve
        if approve == "never" or not (once or approve == "always"):
            return
        self._permitted(f"May the agent call {tool.name}?", key, tool, arguments)
        if not once:
            return
        if self._ledger.past("intent", key) is not None:
            question = f"The agent's call of {tool.name} was begun and may have happened. Call it again?"
            self._permitted(question, f"{key}.again", tool, arguments)
        else:
            begun = asyncio.get_running_loop().time()
            await self._ledger.note("intent", tool.name, key, {"id": request.id, "arguments": arguments}, begun=begun)

    def _permitted(self, question: str, key: str, tool: Tool, arguments: dict[str, Any]) -> None:
        answer = self._call.answers.get(key)
        if answer is None:
            raise Asks(key, question, APPROVAL, {"tool": tool.name, "arguments": arguments})
        if answer is not True:
            raise NodeError(
                "Refused", f"a person has not allowed {tool.name} with these arguments", code="tool.refused"
            )

    def _own(self, arguments: dict[str, Any], place: str) -> Call:
        """The call as the tool sees it: its own arguments and an idempotency key of its own."""
        return replace(self._call, inputs=arguments, key=f"{self._call.key}/{place}")


def _for_models(tool: Tool) -> Mapping[str, Any]:
    """The schema without the arguments that only an author may give."""
    if not tool.authors_only:
        return tool.parameters
    properties = {name: words for name, words in tool.parameters["properties"].items() if name not in tool.authors_only}
    return {**tool.parameters, "properties": properties}


def _offered(name: str, taken: dict[str, Tool]) -> str:
    """The name as providers allow it: letters, digits, _ and -, at most 64."""
    made = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64]
    number = 2
    while made in taken:
        made = f"{made[:60]}_{number}"
        number += 1
    return made


def _told(result: Any) -> str:
    text = as_text(result)
    return text if len(text) <= MAX_RESULT else f"{text[:MAX_RESULT]}… ({len(text):,} characters in all)"


def _facts(error: Exception) -> dict[str, Any]:
    if isinstance(error, NodeError):
        code = "llm.bad_tool_args" if error.code == "tool.arguments" else error.code
        facts = {"kind": error.kind, "message": str(error), "code": code}
        return facts | {"hint": error.hint} if error.hint else facts
    return {"kind": type(error).__name__, "message": str(error) or type(error).__name__, "code": "node.failed"}


def _words(facts: dict[str, Any]) -> str:
    return json.dumps(
        {"error": {name: facts[name] for name in ("kind", "message", "hint") if name in facts}}, ensure_ascii=False
    )
