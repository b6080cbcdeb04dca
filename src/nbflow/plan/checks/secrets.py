"""Secrets: only where they are resolved at the last moment, and never written into the text."""

from __future__ import annotations

from nbflow.plan.checks.findings import Checking
from nbflow.plan.link import Use
from nbflow.spec.document import Located, find_secret

_ALLOWED = "secrets may stand under 'with' of tools, and in 'headers' and 'auth' of agents"


def check_secrets(checking: Checking) -> None:
    """References to `secrets` stand in allowed places; nothing that looks like a key stands in the text."""
    for body in checking.root.everything():
        for use in body.uses:
            if use.reference.root == "secrets" and not _allowed(use):
                name = f"secrets.{use.reference.path[0]}" if use.reference.path else "secrets"
                message = f"'{name}' would be exposed here: it would be stored and shown"
                checking.at(use, "secret.exposed", message, _ALLOWED)
    _literals(checking, checking.spec.at)


def _allowed(use: Use) -> bool:
    if use.reader < 0:
        return False
    kind, path = use.body.nodes[use.reader].kind, use.read.path
    if kind == "agent":
        return path in (("agent", "headers"), ("agent", "auth"))
    return (path == ("with",) and kind in ("tool", "workflow")) or (path[0] == kind and kind not in _OWN)


_OWN = frozenset(
    "agent tool switch parallel loop aggregate workflow ask wait emit listen set machine".split()
)  # a plug-in's parameters are resolved in the performer, as a tool's are


def _literals(checking: Checking, root: Located) -> None:
    stack = [root]
    while stack:
        at = stack.pop()
        value = at.value
        if isinstance(value, dict):
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
        elif isinstance(value, str) and len(value) >= 12:
            found = find_secret(value)
            if found is not None:
                checking.wrong(
                    at, "secret.literal", "this looks like a key or token, and it would be stored with the workflow",
                    "keep it outside and write secrets.NAME", severity="warning", length=1,
                )  # fmt: skip
