"""Completion of ``%%workflow`` cells and ``%workflow`` lines: options, names, verbs, ids, keys and values of the YAML.

What fits where comes from the tables that the parser reads by. The text need not be valid; only indentation is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Any

from IPython.core.completer import SimpleCompletion, context_matcher

from nbflow import assembly
from nbflow.notebook.commands import COMMANDS, all_verbs
from nbflow.notebook.options import FLAGS, OPTIONAL, VALUES
from nbflow.notebook.session import Session
from nbflow.notebook.verbs import BY_NAME
from nbflow.spec.nodes import FIELDS as NODE_FIELDS
from nbflow.spec.workflow import FIELDS as WORKFLOW_FIELDS

KEY = re.compile(r"^(\s*)(?:- )?([A-Za-z_][\w]*)\s*:(.*)$")
ROOTS = ("inputs", "execution", "env", "secrets", "loop", "previous", "item", "index", "error", "event")
OPENED = re.compile(r"(?:^|[\s:,\[{])=[^=]*$|\$\{\{(?:(?!\}\}).)*$")  # an expression that is being written
NESTING = ("nodes",)
REFERRING = ("needs", "then", "else")
CONDITIONS = ("when", "until", "while", "if", "for_each", "by", "step")
AGGREGATES = (
    "object",
    "list",
    "merge",
    "concat",
    "sum",
    "mean",
    "min",
    "max",
    "count",
    "first",
    "best",
    "vote",
    "reduce",
)


class Completer:
    """The matcher that IPython asks."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.match = partial(self._answer)
        context_matcher(identifier="nbflow", priority=50)(self.match)

    def _answer(self, context: Any) -> dict[str, Any]:
        lines = context.full_text.split("\n")
        first = lines[0].lstrip()
        head = lines[context.cursor_line][: context.cursor_position]
        if first.startswith("%%workflow"):
            words = (
                self.option_words(head, lines)
                if context.cursor_line == 0
                else self.yaml_words(lines, context.cursor_line, head)
            )
        elif re.match(r"\s*(\w+\s*=\s*)?%workflow\b", lines[context.cursor_line]):
            words = self.verb_words(head)
        else:
            return {"completions": [], "suppress": False}
        fragment = re.split(r"[\s=(\[{,]", head)[-1]
        found = [
            SimpleCompletion(text=word)
            for word in dict.fromkeys(words)
            if word.startswith(fragment) and word != fragment
        ]
        return {"completions": found, "suppress": bool(found), "matched_fragment": fragment}

    # --- the magic line ----------------------------------------------------------------------------------

    def option_words(self, head: str, lines: list[str]) -> list[str]:
        words = head.split()
        previous = words[-1] if head.endswith(" ") and words else words[-2] if len(words) > 1 else ""
        if previous in ("-i", "--input"):
            if head.rpartition("=")[2].startswith("$"):
                return [f"${name}" for name in self.session.namespace if not name.startswith("_")]
            return [f"{name}=" for name in _under("inputs", lines)]
        if previous == "--break":
            return _ids(lines)
        if previous == "--store":
            return ["duckdb:///.nbflow/history.duckdb", "memory:"]
        return [*VALUES, *OPTIONAL, *FLAGS]

    def verb_words(self, head: str) -> list[str]:
        words = head.partition("%workflow")[2].split()
        if not words or (len(words) == 1 and not head.endswith(" ")):
            return all_verbs()
        if words[0] == "tools":
            return list(assembly.tools.names())
        names = [*self.session.workflows, *self.session.views]
        nodes: list[str] = []
        if (
            words[0] in BY_NAME
            and BY_NAME[words[0]].takes
            and (len(words) > 2 or (len(words) == 2 and head.endswith(" ")))
        ):
            known = self.session.workflows.get(words[1])
            nodes = [node.id for node in known.plan.body.nodes_within()] if known else []
        return nodes or (names if words[0] in COMMANDS or words[0] in BY_NAME else all_verbs())

    # --- the text ----------------------------------------------------------------------------------------

    def yaml_words(self, lines: list[str], number: int, head: str) -> Iterable[str]:
        key = KEY.match(head)
        if key and (key.group(3).startswith(" ") or key.group(3) == ""):
            return self._values(key.group(2), key.group(3), lines)
        indent = len(head) - len(head.lstrip(" -"))
        return self._keys(_parents(lines, number, indent))

    def _values(self, key: str, given: str, lines: list[str]) -> Iterable[str]:
        value = given.strip()
        if OPENED.search(value) or key in CONDITIONS:
            return [*_ids(lines), *(f"inputs.{name}" for name in _under("inputs", lines)), *ROOTS]
        if key in REFERRING:
            return _ids(lines)
        if key == "tool":
            return assembly.tools.names()
        if key == "aggregate":
            return AGGREGATES
        if key == "workflow":
            return list(self.session.workflows)
        return ("all", "active", "first", "race") if key == "join" else ()

    def _keys(self, parents: list[str]) -> Iterable[str]:
        if not parents:
            return [f"{name}:" for name in WORKFLOW_FIELDS]
        if parents[-1] in NESTING:
            return ()
        if len(parents) > 1 and parents[-2] in NESTING:
            return [f"{name}:" for name in (*assembly.installed(), *NODE_FIELDS, "nodes")]
        kind = assembly.installed().get(parents[-1])
        return [f"{name}:" for name in kind.fields] if kind is not None else ()


def _parents(lines: list[str], number: int, indent: int) -> list[str]:
    """The keys around a line, from the outermost, by indentation."""
    parents: list[str] = []
    for line in reversed(lines[1:number]):
        found = KEY.match(line)
        if found and len(found.group(1)) < indent:
            parents.insert(0, found.group(2))
            indent = len(found.group(1))
    return parents


def _under(name: str, lines: list[str]) -> list[str]:
    """The keys directly under a top-level key, in block or flow form."""
    keys: list[str] = []
    inside, depth = False, 0
    for line in lines[1:]:
        found = KEY.match(line)
        if found and not found.group(1):
            inside, depth = found.group(2) == name, 0
            keys += re.findall(r"(\w+)\s*:", found.group(3)) if inside else []
        elif found and inside:
            depth = depth or len(found.group(1))
            keys += [found.group(2)] if len(found.group(1)) == depth else []
    return keys


def _ids(lines: list[str]) -> list[str]:
    """The ids of nodes, in every body."""
    ids: list[str] = []
    for number, line in enumerate(lines):
        found = KEY.match(line)
        if found and number and _parents(lines, number, len(found.group(1)))[-1:] == ["nodes"]:
            ids.append(found.group(2))
    return ids
