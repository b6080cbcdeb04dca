"""Which addresses a request may reach: global ones, and hosts an author or an operator has named.

A host's name says nothing; what counts are the addresses it resolves to, all of them, and the one that is
connected to. Numbers in any disguise (octal, short, full-width, mapped into IPv6) are what they resolve to.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import unicodedata
from collections.abc import Collection, Iterator
from urllib.parse import urlsplit, urlunsplit

from nbflow.errors import NodeError

_KEY = re.compile(r"((?:^|&)[^&=]*(?:key|token|secret|passw|signature|sig|auth)[^&=]*=)[^&]+", re.IGNORECASE)
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Of IANA's registries of special-purpose addresses those that are not reachable from everywhere, so that it does not
# depend on how old Python's own tables are; 192.88.99.0/24 and 2002::/16 are relays that nobody should speak to.
SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
            "224.0.0.0/4", "240.0.0.0/4",
            "::/128", "::1/128", "::ffff:0:0/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23",
            "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
        ),
    )
)  # fmt: skip
REACHED = tuple(  # inside of those, and yet for everybody
    map(
        ipaddress.ip_network,
        ("192.0.0.9/32", "192.0.0.10/32", "2001:1::1/128", "2001:1::2/128", "2001:1::3/128", "2001:3::/32",
         "2001:4:112::/48", "2001:20::/28", "2001:30::/28"),
    )
)  # fmt: skip
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def checked_url(url: object) -> str:
    """The text of an absolute http(s) address without user or password.

    Raises `NodeError` (`InvalidInput`, ``http.url`` or ``http.scheme``) for anything else.
    """
    if not isinstance(url, str) or not url.strip():
        raise _wrong("http.url", "the URL is empty" if isinstance(url, str) else "the URL is no text")
    if any(ord(character) < 32 or ord(character) == 127 for character in url):
        raise _wrong("http.url", "there is a line break or another control character in the URL")
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError as problem:
        raise _wrong("http.url", f"the URL cannot be read: {problem}") from None
    if parts.scheme.lower() not in ("http", "https"):
        raise _wrong(
            "http.scheme", f"only http and https are fetched, not {parts.scheme or 'an address without a scheme'}"
        )
    if not host or port == 0:
        raise _wrong("http.url", "the URL has no host" if not host else "the URL has port 0")
    if parts.username is not None or parts.password is not None:
        raise _wrong("http.url", "the URL holds a user or password", "give them as auth: {basic: [user, password]}")
    normal = unicodedata.normalize("NFKC", host)
    return url.strip() if normal == host else url.strip().replace(host, normal, 1)


def shown(url: str) -> str:
    """An address for messages: without its query, which may hold a key."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def masked(url: str) -> str:
    """An address to keep: without the values of its query that look like keys."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=_KEY.sub(r"\1***", parts.query)))


def carries_key(url: str) -> bool:
    """Whether the query of an address has a value that looks like a key."""
    return _KEY.search(urlsplit(url).query) is not None


def is_listed(host: str, allowed: Collection[str]) -> bool:
    """Whether a host is named: itself, ``*.example.com`` for all below a domain, or ``*``."""
    host = host.lower().rstrip(".").strip("[]")
    for pattern in allowed:
        pattern = pattern.lower()
        if pattern in ("*", host) or (pattern.startswith("*.") and host.endswith(pattern[1:])):
            return True
    return False


def is_open(address: str) -> bool:
    """Whether an address is one of the open internet: global, no multicast, and so for what is inside it."""
    found: Address = ipaddress.ip_address(address.partition("%")[0])
    return all(map(_is_global, _with_inner(found)))


def _is_global(address: Address) -> bool:
    if address.version == 6 and address not in GLOBAL_UNICAST and address not in NAT64:
        return False
    if any(address in network for network in SPECIAL if network.version == address.version):
        return any(address in network for network in REACHED if network.version == address.version)
    return address.is_global and not address.is_multicast


def _with_inner(address: Address) -> Iterator[Address]:
    """The address and the IPv4 address that a form of IPv6 carries."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            yield inner
            if address.ipv4_mapped is not None:
                return
    yield address


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, in the resolver's order. Raises `NodeError` (`Unavailable`, ``http.dns``)."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NodeError("Unavailable", f"no such host: {host}", code="http.dns") from None
    return list(dict.fromkeys(str(info[4][0]) for info in found))


async def open_addresses(host: str, port: int) -> list[str]:
    """The addresses of a host, when all of them are of the open internet. Raises `NodeError` (``http.blocked``)."""
    addresses = await resolve(host, port)
    if not addresses or not all(map(is_open, addresses)):
        raise blocked(host)
    return addresses


def blocked(host: str) -> NodeError:
    hint = "if this is meant, list the host: allow_hosts: [HOST], or NBFLOW_HTTP_ALLOW"
    return NodeError("Refused", f"the address of {host} is private or reserved", code="http.blocked", hint=hint)


def _wrong(code: str, message: str, hint: str | None = None) -> NodeError:
    return NodeError("InvalidInput", message, code=code, hint=hint)
