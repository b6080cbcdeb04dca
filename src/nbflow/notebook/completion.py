"""Completion of ``%%workflow`` cells and ``%workflow`` lines: options, names, verbs, ids, keys and values of the YAML.

What fits where comes from the tables that the parser reads by. The text need not be valid; only indentation is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from IPython.core.completer import SimpleCompletion, context_matcher

from nbflow import assembly
from nbflow.errors import NbflowError
from nbflow.notebook.arguments import FLAGS as READ
from nbflow.notebook.commands import all_verbs
from nbflow.notebook.options import FLAGS, OPTIONAL, VALUES
from nbflow.notebook.session import Session
from nbflow.notebook.verbs import BY_NAME
from nbflow.spec.nodes import FIELDS as NODE_FIELDS
from nbflow.spec.workflow import FIELDS as WORKFLOW_FIELDS

KEY = re.compile(r"^(\s*)(?:- )?([A-Za-z_][\w]*)\s*:(.*)$")
ROOTS = ("inputs", "execution", "env", "secrets", "loop", "previous", "item", "index", "error", "event")
OPENED = re.compile(r"(?:^|[\s:,\[{])=[^=]*$|\$\{\{(?:(?!\}\}).)*$")  # an expression that is being written
FLOW = re.compile(r"[{,]\s*(?:([A-Za-z_]\w*)\s*:\s?([^{},]*)|[A-Za-z_]?\w*)$")  # the end of a line within braces
STORES = ["duckdb:///.nbflow/history.duckdb", "memory:"]
RECENT = 50  # executions whose ids are offered
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

        def match(context: Any) -> dict[str, Any]:  # a function of its own, since IPython asks for its name
            return self._answer(context)

        context_matcher(identifier="nbflow", priority=50)(match)
        self.match = match

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
        return {"completions": found, "suppress": True, "matched_fragment": fragment}

    # --- the magic line ----------------------------------------------------------------------------------

    def option_words(self, head: str, lines: list[str]) -> list[str]:
        words = head.split()
        previous = words[-1] if head.endswith(" ") and words else words[-2] if len(words) > 1 else ""
        if previous in ("-i", "--input"):
            if head.rpartition("=")[2].startswith("$"):
                return [f"${name}" for name in self.session.namespace if not name.startswith("_")]
            return [f"{name}=" for name in _under("inputs", lines)]
        if previous == "--break":
            ids = _ids(lines)
            return [f"{id}:{where}" for id in ids for where in ("after", "error")] if ":" in words[-1] else ids
        if previous == "--store":
            return STORES
        recent = self.recent(head) if previous == "--reuse" else []
        return [*recent, *VALUES, *OPTIONAL, *FLAGS]

    def recent(self, head: str) -> list[str]:
        """Ids of executions, the latest first; none until one is begun, since there may be very many."""
        if not head.rpartition(" ")[2][:1].isdigit():
            return []
        try:
            journal = assembly.engine(self.session.preferences.store or None).journal
            return [summary.execution for summary in journal.summaries()[:RECENT]]
        except NbflowError:
            return []

    def verb_words(self, head: str) -> list[str]:
        words = head.partition("%workflow")[2].split()
        if not words or (len(words) == 1 and not head.endswith(" ")):
            return all_verbs()
        verb, fragment = words[0], "" if head.endswith(" ") else words[-1]
        done = words if not fragment else words[:-1]
        if verb == "tools":
            return list(assembly.tools.names())
        known = self._known(done[1] if len(done) > 1 else "")
        if fragment.startswith("-"):
            return list(READ)
        if done[-1] in READ and READ[done[-1]]:
            return self._flag_words(done[-1], known)
        if verb in BY_NAME and "NODE" in BY_NAME[verb].takes and len(done) == 2:
            return known
        return [*self.session.workflows, *self.session.views, *self.recent(head)]

    def _known(self, name: str) -> list[str]:
        """The nodes of a workflow of this notebook, or of an execution of it."""
        latest = self.session.latest.items()
        of = next((workflow for workflow, id in latest if name and id.startswith(name)), name)
        known = self.session.workflows.get(of)
        return [node.id for node in known.plan.body.nodes_within()] if known else []

    def _flag_words(self, flag: str, nodes: list[str]) -> list[str]:
        if flag in ("--at", "--from"):
            return nodes
        if flag == "--store":
            return STORES
        if flag in ("--over", "-i"):
            return [f"${name}" for name in self.session.namespace if not name.startswith("_")]
        return READ[flag].split("|")

    # --- the text ----------------------------------------------------------------------------------------

    def yaml_words(self, lines: list[str], number: int, head: str) -> Iterable[str]:
        if OPENED.search(head):
            return self._values("", head, lines)
        flow = FLOW.search(head)
        if flow and "{" in head:
            return self._values(flow[1], flow[2], lines) if flow[1] else self._keys(_opened(lines, number, head))
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


def _opened(lines: list[str], number: int, head: str) -> list[str]:
    """The keys around a place in flow style: those of the line's indentation, and of every brace still open."""
    found = KEY.match(head)
    parents = _parents(lines, number, len(found.group(1)) if found else 0)
    before: list[str] = []
    key = ""
    for token in re.findall(r"([A-Za-z_]\w*)\s*:\s*|([{}])", head):
        if token[1] == "}":
            before = before[:-1]
        elif token[1] == "{":
            before.append(key)
        key = token[0] or ""
    return [*parents, *filter(None, before)]


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
