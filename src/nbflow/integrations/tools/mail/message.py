"""A mail as the author writes it, made into a message; what does not belong into a header never gets there."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from typing import Any

from nbflow.errors import NodeError

MAX_SIZE = 25_000_000  # bytes of all attachments


def address(text: object, where: str) -> Address:
    """One address, with or without a name. Raises `NodeError` (`InvalidInput`, ``email.address``)."""
    if not isinstance(text, str):
        raise _wrong("email.address", f"'{where}' is an address or a list of them")
    _no_controls(text, where)
    try:
        header = SMTP.header_factory("to", text)
    except (HeaderParseError, IndexError, ValueError):
        raise _wrong("email.address", f"this is no address in '{where}': {text!r}") from None
    found: tuple[Address, ...] = getattr(header, "addresses", ())
    if len(found) != 1 or getattr(header, "defects", None):
        few = "one address is expected" if len(found) > 1 or "," in text else "this is no address"
        raise _wrong("email.address", f"{few} in '{where}': {text!r}", "several addresses are a list")
    one = found[0]
    if not one.username or not one.domain or any(character in one.addr_spec for character in " \t,;<>"):
        raise _wrong("email.address", f"this is no address in '{where}': {text!r}")
    return one if one.domain.isascii() else _in_ascii(one, where)


def _in_ascii(one: Address, where: str) -> Address:
    """An address whose domain is written as name servers know it."""
    try:
        return Address(one.display_name, one.username, one.domain.encode("idna").decode())
    except (UnicodeError, ValueError, HeaderParseError):
        raise _wrong("email.address", f"this is no domain in '{where}': {one.domain!r}") from None


def addresses(value: object, where: str) -> list[Address]:
    """An address or a list of them."""
    items = value if isinstance(value, list | tuple) else [] if value is None else [value]
    return [address(item, where) for item in items]


def _no_controls(text: str, where: str) -> None:
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text):
        raise _wrong("email.header", f"there is a line break or another control character in the {where}")


def compose(given: Mapping[str, Any], sender: Address, key: str, now: float) -> tuple[EmailMessage, list[str]]:
    """The message and everyone it goes to. `key` makes its Message-ID, so that all attempts send the same one."""
    message = EmailMessage(policy=SMTP)
    subject = given.get("subject", "")
    _no_controls(subject, "subject")
    recipients = {name: addresses(given.get(name), name) for name in ("to", "cc", "bcc")}
    if not any(recipients.values()):
        raise _wrong("email.address", "the mail goes to nobody")
    message["Subject"] = subject
    message["From"] = sender
    for name in ("to", "cc"):
        if recipients[name]:
            message[name.capitalize()] = recipients[name]
    if given.get("reply_to") is not None:
        message["Reply-To"] = addresses(given["reply_to"], "reply_to")
    message["Date"] = formatdate(now)
    message["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{sender.domain}>"
    _fill(message, given)
    everyone = [one.addr_spec for name in ("to", "cc", "bcc") for one in recipients[name]]
    return message, list(dict.fromkeys(everyone))


def _fill(message: EmailMessage, given: Mapping[str, Any]) -> None:
    if "body" in given or "html" not in given:
        message.set_content(str(given.get("body", "")))
    if "html" in given:
        if "body" in given:
            message.add_alternative(given["html"], subtype="html")
        else:
            message.set_content(given["html"], subtype="html")
    _attach(message, given.get("attachments") or ())


def _attach(message: EmailMessage, files: Sequence[Mapping[str, Any]]) -> None:
    size = 0
    for file in files:
        content, name = file["content"], str(file["name"])
        _no_controls(name, "name of an attachment")
        raw = content.encode() if isinstance(content, str) else content
        if not isinstance(raw, bytes):
            raise _wrong("email.attachment", f"the content of attachment '{name}' is text or bytes")
        size += len(raw)
        if size > MAX_SIZE:
            raise _wrong("email.attachment", f"the attachments are larger than {MAX_SIZE // 1_000_000} MB")
        kind, _, subtype = str(file.get("media") or "application/octet-stream").partition("/")
        message.add_attachment(raw, maintype=kind, subtype=subtype or "octet-stream", filename=name)


def _wrong(code: str, message: str, hint: str | None = None) -> NodeError:
    return NodeError("InvalidInput", message, code=code, hint=hint)
