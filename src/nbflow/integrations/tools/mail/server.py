"""Speaks SMTP, step by step, so that it is known whether a mail that failed may have gone out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from nbflow.errors import NodeError

LOCAL = ("localhost", "127.0.0.1", "::1")
SECONDS = 30.0
NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNEXPECTED_MESSAGE")  # what OpenSSL says of another protocol


class MaybeSent(Exception):
    """The server had the whole mail and its answer never came."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail goes. `tls`: from the first byte, by STARTTLS, or not at all."""

    host: str
    port: int
    tls: str = "starttls"  # tls, starttls, none
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def read_server(address: str, secrets: Mapping[str, str]) -> Server:
    """``smtp://user:{SECRET}@host:587`` (STARTTLS) or ``smtps://…:465``; ``?tls=none`` for a server on this machine.

    Raises `NodeError` (``email.server``) for an address that is none, and for a password that would go unprotected.
    """
    parts = urlsplit(_filled(address, secrets))
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise _wrong("the mail server is smtp://host:port or smtps://host:port")
    wanted = parse_qs(parts.query).get("tls", ["tls" if parts.scheme == "smtps" else "starttls"])[0]
    if wanted not in ("tls", "starttls", "none"):
        raise _wrong("tls of the mail server is tls, starttls or none")
    user = unquote(parts.username) if parts.username else None
    if wanted == "none" and user and parts.hostname not in LOCAL:
        raise _wrong("a password goes to the mail server over TLS only")
    port = parts.port or {"tls": 465, "starttls": 587, "none": 25}[wanted]
    return Server(parts.hostname, port, wanted, user, unquote(parts.password) if parts.password else None)


def _filled(address: str, secrets: Mapping[str, str]) -> str:
    for name in {part.partition("}")[0] for part in address.split("{")[1:]}:
        address = address.replace(f"{{{name}}}", quote(secrets[name], safe=""))
    return address


async def deliver(server: Server, message: EmailMessage, sender: str, everyone: list[str]) -> dict[str, Any]:
    """Hand the mail over. Returns ``{accepted, refused}``; raises `NodeError`, or `MaybeSent`."""
    outcome = await _deliver(server, message, sender, everyone)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


async def _deliver(
    server: Server, message: EmailMessage, sender: str, everyone: list[str]
) -> dict[str, Any] | Exception:
    try:
        import aiosmtplib
    except ImportError:
        return _wrong("mail needs aiosmtplib, which is not installed", "pip install 'nbflow[email]'")
    smtp = aiosmtplib.SMTP(
        hostname=server.host, port=server.port, use_tls=server.tls == "tls", start_tls=server.tls == "starttls",
        username=server.user, password=server.password, timeout=SECONDS,
    )  # fmt: skip
    try:
        await smtp.connect()
    except aiosmtplib.SMTPAuthenticationError:
        return NodeError("Refused", f"{server.host} does not accept the user or password", code="email.login")
    except (aiosmtplib.SMTPException, OSError) as problem:
        return _no_connection(server, problem)
    try:
        return await _hand_over(smtp, server, message, sender, everyone)
    finally:
        smtp.close()


def _no_connection(server: Server, problem: Exception) -> NodeError:
    """Nobody there, or somebody who does not speak TLS as it is set."""
    where = f"{server.host}:{server.port}"
    if server.tls == "starttls" and "STARTTLS" in str(problem):
        message = f"{where} offers no STARTTLS, and mail is not sent to it unprotected"
        hint = "smtps://… where TLS begins at once; ?tls=none at the end for a server on this machine"
        return NodeError("InvalidInput", message, code="email.tls", hint=hint)
    if server.tls == "tls" and any(sign in str(problem) for sign in NO_TLS):
        message = f"{where} does not begin with TLS"
        return NodeError("InvalidInput", message, code="email.tls", hint="smtp://… where TLS begins with STARTTLS")
    if "AUTH" in str(problem) and "support" in str(problem):
        message = f"{where} offers no login, and a user is set for it"
        return NodeError("InvalidInput", message, code="email.login", hint="leave the user out of its address")
    return NodeError("Unavailable", f"{where} cannot be reached: {_line(problem)}", code="email.connect")


async def _hand_over(
    smtp: Any, server: Server, message: EmailMessage, sender: str, everyone: list[str]
) -> dict[str, Any] | Exception:
    import aiosmtplib

    refused: dict[str, str] = {}
    content = message.as_bytes()
    try:
        await smtp.mail(sender, options=["SMTPUTF8", "BODY=8BITMIME"] if _wide(sender, everyone) else [])
        for recipient in everyone:
            try:
                await smtp.rcpt(recipient)
            except aiosmtplib.SMTPRecipientRefused as problem:
                refused[recipient] = f"{problem.code} {problem.message}"
        if len(refused) == len(everyone):
            words = "; ".join(f"{who}: {why}" for who, why in refused.items())
            return NodeError("Refused", f"the server takes no recipient: {words}", code="email.recipient")
    except (aiosmtplib.SMTPException, OSError) as problem:
        return _answered(server, problem)
    try:
        await smtp.data(content)
    except aiosmtplib.SMTPDataError as problem:
        return _answered(server, problem)
    except (aiosmtplib.SMTPException, OSError):
        return MaybeSent()
    return {"accepted": [one for one in everyone if one not in refused], "refused": refused}


def _wide(sender: str, everyone: list[str]) -> bool:
    return not all(text.isascii() for text in (sender, *everyone))


def _answered(server: Server, problem: Exception) -> NodeError:
    """A refusal for good (5xx) or for now (4xx)."""
    status = getattr(problem, "code", None)
    kind = "Refused" if isinstance(status, int) and 500 <= status < 600 else "Unavailable"
    return NodeError(kind, f"{server.host} does not take the mail: {_line(problem)}", code="email.refused")


def _line(problem: Exception) -> str:
    return " ".join(str(problem).split())[:300] or type(problem).__name__


def _wrong(message: str, hint: str | None = None) -> NodeError:
    return NodeError("InvalidInput", message, code="email.server", hint=hint)
