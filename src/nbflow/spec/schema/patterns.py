"""Regular expressions of `pattern:`, matched in time that grows with the text alone.

Python's `re` goes back and forth, so that ``(a+)+$`` needs years for thirty characters, and a pattern may come from
somebody else's file. Here a pattern becomes an automaton (Thompson's) that looks at each character once. It has what
JSON Schema recommends for patterns: characters, classes, ``\\d \\w \\s``, groups, ``| * + ? {m,n} ^ $``.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from functools import lru_cache

_TOKEN = re.compile(
    r"""
    (?P<kind> \[\^?\]?(?:\\.|[^\]\\])*\] | \\[dDwWsSnrtfv] | \\x[0-9a-fA-F]{2} | \\u[0-9a-fA-F]{4}
              | \\[^\w\s] | \\_ | \. )
  | (?P<open> \((?:\?:)?(?!\?) ) | (?P<close> \) ) | (?P<bar> \| ) | (?P<start> \^ ) | (?P<end> \$ )
  | (?P<repeat> (?: [*+?] | \{\d{1,6}(?:,\d{0,6})?\} ) \?? )
  | (?P<literal> [^\\\[(] )
    """,
    re.VERBOSE | re.DOTALL,
)
_STATES = 5_000
_DEPTH = 50
_KNOWN = 1_000  # sets of states that are remembered

_ANY_PLACE, _START, _END = 0, 1, 2


class PatternError(ValueError):
    """A pattern that is none, or has more than what can be matched in one go; `offset` is where."""

    def __init__(self, message: str, offset: int):
        self.offset = offset
        super().__init__(message)


@dataclass(slots=True)
class _State:
    """Either reads a character of a class, or leads on without one (at the start or the end of the text only)."""

    reads: re.Pattern[str] | None = None
    place: int = _ANY_PLACE
    then: list[int] = field(default_factory=list)


class Pattern:
    """A pattern that is ready to be matched."""

    def __init__(self, states: list[_State], first: int, last: int):
        self._states, self._last = states, last
        self._begin = self._closure({first}, at_start=True)
        self._anywhere = self._closure({first}, at_start=False)
        self._next: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def search(self, text: str) -> bool:
        """Whether some part of the text matches."""
        now, last = self._begin, self._last
        for character in text:
            if last in now:
                return True
            known = self._next.get((now, character))
            now = self._step(now, character) if known is None else known
        return last in now or self._ends(now, at_start=not text)

    def _step(self, now: frozenset[int], character: str) -> frozenset[int]:
        reached: set[int] = set()
        for state in now:
            reads = self._states[state].reads
            if reads is not None and reads.match(character):
                reached.update(self._states[state].then)
        result = self._closure(reached, at_start=False) | self._anywhere
        if len(self._next) >= _KNOWN:
            self._next.clear()
        self._next[now, character] = result
        return result

    def _closure(self, states: set[int], *, at_start: bool, at_end: bool = False) -> frozenset[int]:
        found, waiting = set(states), list(states)
        while waiting:
            state = self._states[waiting.pop()]
            if state.reads is None and (
                state.place == _ANY_PLACE or (at_start and state.place == _START) or (at_end and state.place == _END)
            ):
                waiting += [one for one in state.then if one not in found]
                found.update(state.then)
        return frozenset(found)

    def _ends(self, now: frozenset[int], *, at_start: bool) -> bool:
        return self._last in self._closure(set(now), at_start=at_start, at_end=True)


@lru_cache(maxsize=256)
def compile_pattern(text: str) -> Pattern:
    """The pattern of a text. Raises PatternError."""
    return _Builder(text).pattern()


Part = tuple[int, int]  # first and last state


class _Builder:
    def __init__(self, text: str):
        self._text = text
        self._states: list[_State] = []
        self._tokens = _tokens(text)
        self._place = 0

    def pattern(self) -> Pattern:
        first, last = self._choice(0)
        if self._place < len(self._tokens):
            raise PatternError("this ) closes nothing", self._tokens[self._place][2])
        return Pattern(self._states, first, last)

    def _state(self, **more: object) -> int:
        if len(self._states) >= _STATES:
            raise PatternError("the pattern is too large: its counted repeats are written out", 0)
        self._states.append(_State(**more))  # type: ignore[arg-type]
        return len(self._states) - 1

    def _empty(self) -> Part:
        state = self._state()
        return state, state

    def _peek(self) -> str | None:
        return self._tokens[self._place][0] if self._place < len(self._tokens) else None

    def _choice(self, depth: int) -> Part:
        """``a|b``, to its end or its closing bracket."""
        if depth > _DEPTH:
            raise PatternError("the pattern is nested too deeply", 0)
        branches = [self._sequence(depth)]
        while self._peek() == "bar":
            self._place += 1
            branches.append(self._sequence(depth))
        if len(branches) == 1:
            return branches[0]
        first, last = self._state(then=[one for one, _ in branches]), self._state()
        for _, end in branches:
            self._states[end].then.append(last)
        return first, last

    def _sequence(self, depth: int) -> Part:
        whole = self._empty()
        while self._peek() not in (None, "bar", "close"):
            begin = self._place
            part = self._atom(depth)
            if self._peek() == "repeat":
                part = self._repeated(part, begin, depth)
            self._states[whole[1]].then.append(part[0])
            whole = (whole[0], part[1])
        return whole

    def _atom(self, depth: int) -> Part:
        kind, text, offset = self._tokens[self._place]
        self._place += 1
        if kind == "open":
            part = self._choice(depth + 1)
            if self._peek() != "close":
                raise PatternError("this ( is never closed", offset)
            self._place += 1
            return part
        if kind == "repeat":
            raise PatternError(f"there is nothing before {text} to repeat", offset)
        last = self._state()
        if kind in ("start", "end"):
            return self._state(place=_START if kind == "start" else _END, then=[last]), last
        return self._state(reads=_one_character(kind, text, offset), then=[last]), last

    def _repeated(self, part: Part, begin: int, depth: int) -> Part:
        _, sign, offset = self._tokens[self._place]
        least, most = _bounds(sign, offset)
        end = self._place + 1
        if self._tokens[end : end + 1] and self._tokens[end][0] == "repeat":
            raise PatternError(f"{self._tokens[end][1]} repeats a repeat", self._tokens[end][2])
        copies = max(least, 1 if most is None else most)
        parts = [part]
        for _ in range(copies - 1):  # a part is written out again by reading it again
            self._place = begin
            parts.append(self._atom(depth))
        self._place = end
        return self._chain(parts, least, most)

    def _chain(self, parts: list[Part], least: int, most: int | None) -> Part:
        first, last = self._empty()[0], self._state()
        now = first
        for number, (begin, end) in enumerate(parts):
            if most == 0:
                break
            if number >= least:
                self._states[now].then.append(last)
            self._states[now].then.append(begin)
            now = end
        self._states[now].then.append(last)
        if most is None:
            self._states[parts[-1][1]].then.append(parts[-1][0])
        return first, last


def _tokens(text: str) -> list[tuple[str, str, int]]:
    found, index = [], 0
    while index < len(text):
        token = _TOKEN.match(text, index)
        if token is None:
            raise PatternError(f"{text[index : index + 3]} cannot be matched in one go", index)
        found.append((str(token.lastgroup), token.group(), index))
        index = token.end()
    return found


def _bounds(sign: str, offset: int) -> tuple[int, int | None]:
    """How few and how many times; None is without end."""
    if sign[0] in "*+?":
        return (1 if sign[0] == "+" else 0), (1 if sign[0] == "?" else None)
    least, comma, most = sign.rstrip("?").strip("{}").partition(",")
    bounds = int(least), (int(least) if not comma else int(most) if most else None)
    if bounds[1] is not None and bounds[1] < bounds[0]:
        raise PatternError(f"{sign} ends before it begins", offset)
    return bounds


def _one_character(kind: str, text: str, offset: int) -> re.Pattern[str]:
    """What decides whether a character belongs to a class: `re`, which cannot go back within one character."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(re.escape(text) if kind == "literal" else text)
    except re.error as error:
        raise PatternError(f"{text} is no class of characters: {error}", offset) from None


def matches(pattern: str, text: str) -> bool:
    """Whether `pattern` is found in `text`."""
    try:
        return compile_pattern(pattern).search(text)
    except PatternError:  # a schema that came with a tool, and not with a workflow
        return re.search(pattern, text) is not None
