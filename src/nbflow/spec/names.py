"""Names an author may give, and the nearest name to one that is wrong."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from difflib import SequenceMatcher

NODE_ID = re.compile(r"[a-z][a-z0-9_]*\Z")
WORKFLOW_NAME = re.compile(r"[a-z][a-z0-9_-]*\Z")
_SIGNAL = re.compile(r"[^\s*]+\Z")

ROOTS = (
    "inputs", "ctx", "env", "secrets", "loop", "previous", "item", "index", "acc", "event", "error", "execution",
    "outputs", "result",
)  # fmt: skip
RESERVED = frozenset(ROOTS) | {"true", "false", "null"}

_FAR = 2000  # more candidates than this are compared by their first letter only


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name most like `name`, or None when none is near: same letters in another case, or a slip or two."""
    candidates = list(names)
    lowered = name.lower()
    for candidate in candidates:
        if candidate.lower() == lowered:
            return candidate
    if len(candidates) > _FAR:
        candidates = [candidate for candidate in candidates if candidate[:1] == name[:1]][:_FAR]
    best, score = None, 0.6
    matcher: SequenceMatcher[str] = SequenceMatcher(None, "", lowered, autojunk=False)
    for candidate in candidates:
        if abs(len(candidate) - len(name)) > max(3, len(name) // 2):
            continue
        matcher.set_seq1(candidate.lower())
        if matcher.real_quick_ratio() > score and matcher.quick_ratio() > score and matcher.ratio() > score:
            best, score = candidate, matcher.ratio()
    return best


def did_you_mean(name: str, names: Iterable[str]) -> str | None:
    """The hint for a wrong name, or None."""
    near = nearest(name, names)
    return f"did you mean '{near}'?" if near is not None else None


def listed(names: Iterable[str], *, most: int = 14) -> str:
    """``a, b and c`` for messages; more than `most` are cut."""
    all_names = list(names)
    if len(all_names) > most:
        return ", ".join(all_names[:most]) + ", …"
    if len(all_names) < 2:
        return "".join(all_names)
    return ", ".join(all_names[:-1]) + " and " + all_names[-1]


def identifier(text: str) -> str | None:
    """A node id made of a text that is none (`my-node` → `my_node`), or None when nothing is left."""
    made = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    if made and made[0].isdigit():
        made = f"n{made}"
    if not made or keyword.iskeyword(made) or made in RESERVED:
        return None
    return made


def wrong_workflow_name(name: str) -> tuple[str, str | None] | None:
    """Why `name` cannot be a workflow's: (message, hint), or None when it can."""
    if WORKFLOW_NAME.match(name):
        return None
    better = re.sub(r"[^a-z0-9_-]+", "_", name.lower()).strip("_-")
    message = f"'{name}' is no workflow name: lower-case letters, digits, _ and -, a letter first"
    return message, f"write '{better}'" if better and better[0].isalpha() else None


def wrong_signal(name: object) -> str | None:
    """Why this cannot be the name of an event that is sent, or None when it can."""
    if isinstance(name, str) and _SIGNAL.match(name):
        return None
    shown = repr(name if not isinstance(name, str) or len(name) <= 60 else name[:59] + "…")
    if isinstance(name, str) and "*" in name:
        return f"{shown} cannot be sent: only what listens has a '*'"
    return f"an event's name is a text without spaces as 'paid' or 'order.paid', not {shown}"


def wrong_id(name: str) -> tuple[str, str, str | None] | None:
    """Why `name` cannot be a node's id: (code, message, hint), or None when it can."""
    if NODE_ID.match(name):
        if name in ("true", "false", "null"):
            message = (
                f"'{name}' is {'nothing' if name == 'null' else 'a boolean'} in expressions: it cannot be a node's id"
            )
            return "schema.node_id", message, f"for example 'is_{name}'"
        if name in RESERVED:
            return "schema.reserved", f"'{name}' is reserved: it cannot be a node's id", f"for example '{name}_node'"
        if keyword.iskeyword(name):
            return "schema.node_id", f"'{name}' is a word of the expression language: it cannot be a node's id", None
        return None
    better = identifier(name)
    shown = name if len(name) <= 60 else name[:59] + "…"
    return (
        "schema.node_id",
        f"'{shown}' cannot be a node's id: lower-case letters, digits and _, a letter first",
        f"write '{better}'" if better else "other letters belong in 'doc'; the id is a name in expressions",
    )
