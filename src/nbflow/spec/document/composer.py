"""From YAML events to located values, on a stack of its own: no recursion, and every limit met before it hurts.

What cannot go on is raised as SpecError; what can (a duplicate key, a tag) is collected in `findings`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from nbflow.errors import Diagnostic, SpecError
from nbflow.spec.document import traps
from nbflow.spec.document.located import Located, Source, finding_at
from nbflow.spec.document.scalars import NUMERIC, WORDS, NotOfTag, collection_tags, resolve, resolve_tagged

_MOST = 100  # findings that are kept


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a text may be. `size` in bytes, `depth` in nested collections, `aliases` in values that
    aliases stand for, `nodes` in nodes of a workflow (counted by its reader)."""

    size: int = 1_000_000
    depth: int = 100
    aliases: int = 1_000
    nodes: int = 10_000


class _Frame:
    """A collection that is still open. `key` is the key event whose value comes next."""

    __slots__ = ("anchor", "before", "height", "items", "key", "located", "pairs")

    def __init__(self, located: Located, anchor: str | None, before: int):
        self.located, self.anchor, self.before = located, anchor, before
        self.height = 1
        self.key: Any = None
        self.items: list[Located] | None = located.value if isinstance(located.value, list) else None
        self.pairs: dict[str, Located] | None = located.value if isinstance(located.value, dict) else None


class Composer:
    """One document. `compose` takes the events and gives the root; `last` and `columns` help to explain an error."""

    def __init__(self, source: Source, limits: Limits):
        self.source, self.limits = source, limits
        self.findings: list[Diagnostic] = []
        self.last: Any = None
        self.root: Located | None = None
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Located, int, int] | None] = {}
        self._count = 0
        self._expanded = 0
        self._documents = 0

    def compose(self, events: Iterable[Any]) -> Located | None:
        """The root value; None when there is none."""
        takers = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._open_mapping,
            yaml.SequenceStartEvent: self._open_list,
            yaml.MappingEndEvent: self._close,
            yaml.SequenceEndEvent: self._close,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }
        for event in events:
            taker = takers.get(type(event))
            if taker is not None:
                taker(event)
                self.last = event
        return self.root

    @property
    def columns(self) -> list[int]:
        """The columns, from 1, at which the block collections still open have their entries."""
        return [frame.located.column for frame in self._stack if frame.located.style == "block"]

    # ---- one event each

    def _scalar(self, event: Any) -> None:
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.pairs is not None and frame.key is None:
            self._take_key(frame, event)
            return
        text = event.value
        style = event.style
        value: Any = text
        if event.tag is not None:
            value = self._tagged(event)
        elif not style and (text in WORDS or text[0] in NUMERIC):
            value = self._resolved(event)
        mark = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        written = "plain" if not style else ("block" if style in "|>" else "quoted")
        located = Located(value, line, column, line, column, written, self.source)
        self._count += 1
        if event.anchor is not None:
            self._anchors[event.anchor] = (located, 1, 0)
        if frame is not None and frame.located.style == "flow" and len(self.findings) < _MOST:
            self._flow_traps(frame, located)
        self._put(located)

    def _open_mapping(self, event: Any) -> None:
        self._open(event, {}, "map")

    def _open_list(self, event: Any) -> None:
        self._open(event, [], "seq")

    def _open(self, event: Any, value: Any, kind: str) -> None:
        mark = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        if self._stack:
            frame = self._stack[-1]
            if frame.pairs is not None and frame.key is None:
                raise self._fatal(event, *traps.key_not_text(self.source, line, column, kind))
        if event.tag is not None and event.tag not in collection_tags(kind):
            self._refuse_tag(event)
        style = "flow" if event.flow_style else "block"
        located = Located(value, line, column, line, column, style, self.source)
        self._put(located)
        if len(self._stack) >= self.limits.depth:
            raise self._too_deep(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = None  # open: an alias to it inside it would have no end
        self._stack.append(_Frame(located, event.anchor, self._count))
        self._count += 1

    def _close(self, event: Any) -> None:
        frame = self._stack.pop()
        if frame.anchor is not None:
            self._anchors[frame.anchor] = (frame.located, self._count - frame.before, frame.height)
        if self._stack and self._stack[-1].height <= frame.height:
            self._stack[-1].height = frame.height + 1

    def _alias(self, event: Any) -> None:
        name = event.anchor
        if name not in self._anchors:
            hint = f'quote the value if it is text: "*{name} …"'
            raise self._fatal(event, "yaml.unknown_alias", f"there is no anchor &{name} for *{name}", hint)
        known = self._anchors[name]
        if known is None:
            raise self._fatal(event, "yaml.alias_cycle", f"*{name} stands inside &{name} itself")
        target, size, height = known
        self._count += size
        self._expanded += size
        if self._expanded > self.limits.aliases:
            message = f"the aliases stand for too many values; the limit is {self.limits.aliases:,}"
            raise self._fatal(event, "yaml.too_many_aliases", message, "write the values out, or fewer of them")
        if len(self._stack) + height > self.limits.depth:
            raise self._too_deep(event)
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.pairs is not None and frame.key is None:
            raise self._fatal(event, "yaml.key", "an alias cannot be a key; write the key out")
        if frame is not None and frame.height <= height:
            frame.height = height + 1
        mark = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        self._put(Located(target.value, line, column, line, column, "alias", self.source))

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            hint = "keep one workflow in a text; remove the line ---"
            raise self._fatal(event, "yaml.documents", "a second document begins here", hint)

    # ---- values and keys

    def _put(self, located: Located) -> None:
        if not self._stack:
            self.root = located
            return
        frame = self._stack[-1]
        if frame.items is not None:
            frame.items.append(located)
            return
        pairs, key = frame.pairs, frame.key
        assert pairs is not None
        mark = key.start_mark
        located.key_line, located.key_column = mark.line + 1, mark.column + 1
        frame.key = None
        name = key.value
        if name in pairs:
            self._duplicate(frame, name, located)
        else:
            pairs[name] = located

    def _take_key(self, frame: _Frame, event: Any) -> None:
        frame.key = event
        name = event.value
        if event.tag is not None and event.tag not in ("!", "tag:yaml.org,2002:str"):
            self._refuse_tag(event)
        if event.anchor is not None:
            line, column = event.start_mark.line + 1, event.start_mark.column + 1
            self._anchors[event.anchor] = (Located(name, line, column, line, column, "plain", self.source), 1, 0)
        trap = traps.odd_key(name, plain=not event.style)
        if trap is not None:
            self._report(self._finding(event, *trap))

    def _duplicate(self, frame: _Frame, name: str, again: Located) -> None:
        assert frame.pairs is not None
        what = "node " if self._is_nodes(frame.located) else ""
        message = f"{what}'{name}' is set twice; it was already set on line {frame.pairs[name].key_line}"
        hint = "keep one of them, or give one another name"
        place = (again.key_line, again.key_column)
        found = finding_at(self.source, *place, "yaml.duplicate_key", message, hint=hint, length=len(name))
        self._report(found)

    def _resolved(self, event: Any) -> Any:
        try:
            return resolve(event.value)
        except OverflowError:
            message = f"this number has {len(event.value):,} digits, which is too many"
            self._report(self._finding(event, "yaml.number", message, "quote it if it is text"))
            return 0

    def _tagged(self, event: Any) -> Any:
        try:
            return resolve_tagged(event.tag, event.value)
        except KeyError:
            self._refuse_tag(event)
        except NotOfTag as error:
            message = f"'{event.value[:40]}' is not what its tag !!{error} says"
            self._report(self._finding(event, "yaml.tag", message, "remove the tag"))
        except OverflowError:
            self._report(self._finding(event, "yaml.number", "this number has too many digits"))
        return event.value

    def _refuse_tag(self, event: Any) -> None:
        mark = event.start_mark
        code, message, hint = traps.tag(self.source, mark.line + 1, mark.column + 1, event.tag)
        self._report(self._finding(event, code, message, hint))

    def _flow_traps(self, frame: _Frame, located: Located) -> None:
        found = traps.cut_in_flow(self.source, located, frame.key, frame.pairs)
        if found is not None:
            self._report(found)

    def _is_nodes(self, mapping: Located) -> bool:
        root = self.root.value if self.root is not None else None
        return isinstance(root, dict) and root.get("nodes") is mapping

    # ---- errors

    def _report(self, finding: Diagnostic) -> None:
        if len(self.findings) >= _MOST:
            return
        place = finding.code, finding.line, finding.column
        if all((one.code, one.line, one.column) != place for one in self.findings):
            self.findings.append(finding)

    def _finding(self, event: Any, code: str, message: str, hint: str | None = None) -> Diagnostic:
        mark = event.start_mark
        return finding_at(self.source, mark.line + 1, mark.column + 1, code, message, hint=hint)

    def _fatal(self, event: Any, code: str, message: str, hint: str | None = None) -> SpecError:
        return SpecError((*self.findings, self._finding(event, code, message, hint)))

    def _too_deep(self, event: Any) -> SpecError:
        message = f"the text is nested too deeply; the limit is a depth of {self.limits.depth}"
        return self._fatal(event, "yaml.too_deep", message)
