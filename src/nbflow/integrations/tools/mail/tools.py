"""``email.send``: a mail goes out once. Whether it did is known, or a person is asked before it goes again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from nbflow.errors import NodeError
from nbflow.integrations.tools.mail.message import address, compose
from nbflow.integrations.tools.mail.server import MaybeSent, deliver, read_server
from nbflow.plan.plan import AgentCall, Effects
from nbflow.ports.arguments import check_arguments
from nbflow.ports.clock import Clock
from nbflow.ports.executors import Asks, Call

_ADDRESSES = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_PROPERTIES: dict[str, Any] = {
    "to": {**_ADDRESSES, "description": "Who gets it: an address or a list."},
    "subject": {"type": "string"},
    "body": {"type": "string", "description": "The text."},
    "html": {"type": "string", "description": "The text as HTML, beside or instead of `body`."},
    "cc": _ADDRESSES,
    "bcc": _ADDRESSES,
    "reply_to": _ADDRESSES,
    "from": {"type": "string", "description": "The sender, when it is not the set one."},
    "attachments": {
        "type": "array",
        "description": "Files: {name, content, media}.",
        "items": {"type": "object", "required": ["name", "content"]},
    },
}


class EmailTool:
    """Sends by the `server` (``smtp://…``) from `sender`. `recipients`, when given, are all there may be."""

    name = "email.send"
    description = "Send a mail. Gives {accepted, refused, id}."
    authors_only = ("from", "bcc")

    def __init__(
        self, server: str | None, sender: str | None, secrets: Mapping[str, str], clock: Clock, *,
        recipients: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._server, self._sender, self._secrets, self._clock = server, sender, secrets, clock
        self._recipients = tuple(recipients)
        self.parameters: dict[str, Any] = {
            "type": "object",
            "properties": _PROPERTIES,
            "required": ["to", "subject"],
            "additionalProperties": False,
        }

    def effects(self, arguments: Mapping[str, Any] | None = None) -> Effects:
        return "once"

    async def prepare(self) -> None: ...

    async def call(self, arguments: Mapping[str, Any], call: Call) -> Any:
        """Raises `NodeError` with a code of ``email.*``, or `Asks` when the mail may have gone out."""
        check_arguments(arguments, self.parameters, self.name)
        again = self._told_again(call)
        sender = arguments.get("from") or self._sender
        if sender is None:
            raise _wrong("email.sender", "the mail has no sender", "from: ADDRESS, or NBFLOW_MAIL_FROM")
        come_from = address(sender, "from")
        message, everyone = compose(arguments, come_from, call.key, self._clock.now())
        self._allow(everyone, call)
        if self._server is None:
            raise _wrong("email.server", "no mail server is set", "NBFLOW_SMTP=smtp://user:{SECRET}@host:587")
        try:
            result = await deliver(read_server(self._server, self._secrets), message, come_from.addr_spec, everyone)
        except MaybeSent:
            question = f"The mail to {', '.join(everyone)} may have been sent. Send it again?"
            failure = Asks(f"{again[0]}.{again[1] + 1}", question, {"type": "boolean"}, {"code": "email.maybe_done"})
        else:
            return {**result, "id": message["Message-ID"]}
        raise failure from None

    def _told_again(self, call: Call) -> tuple[str, int]:
        """How often a person has said to send it again. A no ends the attempt."""
        key = f"email:{call.key}"
        told = [answer for name, answer in call.answers.items() if name.startswith(f"{key}.")]
        if any(answer is not True for answer in told):
            raise NodeError("Refused", "the mail may have been sent, and is not sent again", code="email.maybe_done")
        return key, len(told)

    def _allow(self, everyone: list[str], call: Call) -> None:
        """Recipients fixed by the operator; for a model also those that its node names."""
        work = call.node.work
        limits = [self._recipients] if self._recipients else []
        if isinstance(work, AgentCall):
            limits.append(tuple(work.options.get("allow_recipients") or ()))
        for allowed in limits:
            for one in everyone:
                if not _is_listed(one, allowed):
                    hint = "list it under the agent's options: allow_recipients, or in NBFLOW_MAIL_TO"
                    raise NodeError(
                        "Refused", f"{one} is none of the recipients allowed", code="email.recipient", hint=hint
                    )


def _is_listed(one: str, allowed: Collection[str]) -> bool:
    """An address is listed itself, or by its domain as ``@example.com``."""
    one = one.lower()
    return any(one == entry.lower() or (entry.startswith("@") and one.endswith(entry.lower())) for entry in allowed)


def _wrong(code: str, message: str, hint: str | None = None) -> NodeError:
    return NodeError("InvalidInput", message, code=code, hint=hint)
