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
from nbflow.notebook import words
from nbflow.notebook.arguments import FLAGS as READ
from nbflow.notebook.commands import all_verbs
from nbflow.notebook.options import FLAGS, OPTIONAL, VALUES
from nbflow.notebook.outline import Tree, nodes, place, tree
from nbflow.notebook.session import Session
from nbflow.notebook.verbs import BY_NAME

ROOTS = ("inputs", "execution", "env", "secrets", "loop", "previous", "item", "index", "error", "event")
OPENED = re.compile(  # an expression that is being written: behind a key, within braces, within quotes, in a text
    r"""^[^{\["']*:\s+=(?!=).*$|[\s:,\[{]=(?!=)[^,}\]]*$|["']=(?!=)[^"']*$|\$\{\{(?:(?!\}\}).)*$"""
)
WORD = re.compile(r"""[\s=(\[{,"']""")  # what a word begins after
NAME = re.compile(r"[^\w.]")  # and a name in an expression
STORES = ["duckdb:///.nbflow/history.duckdb", "memory:"]
RECENT = 50  # executions whose ids are offered
REFERRING = ("needs", "then", "else")
CONDITIONS = ("when", "until", "while", "if", "for_each", "by", "step", "transform", "breakpoint", "key")


class Alone(list[SimpleCompletion]):
    """Completions besides which there are no others, not even where there are none.

    IPython lets a matcher keep the others away only when it has something, and asks for the length.
    """

    def __len__(self) -> int:
        return max(1, super().__len__())


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
        fragment = (NAME if context.cursor_line and OPENED.search(head) else WORD).split(head)[-1]
        found = Alone(
            SimpleCompletion(text=word)
            for word in dict.fromkeys(words)
            if word.startswith(fragment) and word != fragment
        )
        return {"completions": found, "suppress": True, "matched_fragment": fragment}

    # --- the magic line ----------------------------------------------------------------------------------

    def option_words(self, head: str, lines: list[str]) -> list[str]:
        words = head.split()
        previous = words[-1] if head.endswith(" ") and words else words[-2] if len(words) > 1 else ""
        if previous in ("-i", "--input"):
            if head.rpartition("=")[2].startswith("$"):
                return [f"${name}" for name in self.session.namespace if not name.startswith("_")]
            return [f"{name}=" for name in _under("inputs", tree(lines))]
        if previous == "--break":
            ids = _ids(tree(lines))
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
            journal = assembly.engine(self.session.store).journal
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
        latest = self.session.earlier.latest.items()
        of = next((workflow for workflow, (id, _) in latest if name and id.startswith(name)), name)
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
        text = tree(lines)
        path, key = place(lines, number, head)
        if OPENED.search(head) or key in CONDITIONS:
            return self._names(text)
        if key:
            return self._values([*path, key], text)
        found = [f"{name}:" for name in [*words.keys(path), *self._arguments(path, text)]]
        return [*found, *self._values(path, text)] if head.lstrip().startswith("- ") else found

    def _names(self, text: Tree) -> list[str]:
        """What an expression may name."""
        return [
            *_ids(text),
            *(f"{id}.{name}" for id, node in nodes(text) for name in self._results(node)),
            *(f"inputs.{name}" for name in _under("inputs", text)),
            *ROOTS,
        ]

    def _results(self, node: Tree) -> list[str]:
        """The names in a node's output, as far as the text says them."""
        shape = node.get("output")
        if isinstance(shape, dict):
            return [*(shape["properties"] if isinstance(shape.get("properties"), dict) else shape)]
        if isinstance(node.get("set"), dict):
            return list(node["set"])
        inner = self.session.workflows.get(str(node.get("workflow")))
        return [name for name, _ in inner.plan.outputs or ()] if inner is not None else []

    def _values(self, path: list[str], text: Tree) -> Iterable[str]:
        key = path[-1] if path else ""
        if key in REFERRING:
            return _ids(text)
        if key == "tool":
            return assembly.tools.names()
        if key == "workflow":
            return list(self.session.workflows)
        return words.values(path)

    def _arguments(self, path: list[str], text: Tree) -> list[str]:
        """The arguments of what the node around calls, where they stand."""
        if path[-1:] != ["with"] or len(path) < 2:
            return []
        node = next((node for id, node in nodes(text) if id == path[-2]), {})
        tool = assembly.tools.find(str(node["tool"])) if "tool" in node else None
        if tool is not None:
            return list(tool.parameters.get("properties", ()))
        inner = self.session.workflows.get(str(node.get("workflow")))
        return list(inner.plan.inputs.get("properties", ())) if inner is not None else []


def _under(name: str, text: Tree) -> list[str]:
    """The keys directly under a top-level key."""
    found = text.get(name)
    return [str(key) for key in found] if isinstance(found, dict | list) else []


def _ids(text: Tree) -> list[str]:
    """The ids of nodes, in every body."""
    return [id for id, _ in nodes(text)]
