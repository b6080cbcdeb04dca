"""What keeps secrets from leaving: a known value is taken out of all that leaves (records, the live view, errors).

A value is found character by character: each stands for itself, or in any of the ways in which URLs, JSON, HTML and
Python's `repr` write it, mixed as they come; and in base64, at any place of a longer text and over any line breaks.
Letters and digits of ASCII always stand for themselves. Looked for are first a few plain characters, which cost
little; patterns are made when those were found. Values are found in JSON data, texts and bytes; not inside a
DataFrame or an array.
"""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

LONG = 12  # characters: a shorter input that equals a secret may well be another word
SHORT = 6  # characters: a shorter value is only taken out where it stands alone
CORE = 7  # characters of base64 that are worth looking for: what the shortest value has at every place
LINE = 16  # characters of base64 that a line has at least, when it is broken into lines
BASE64 = "A-Za-z0-9+/_-"
BREAK = r"(?:(?:\r?\n|(?:\\+r)?\\+n)[ \t]*)"  # of a line, as it is or as it is written in JSON
UNFINISHED = re.compile(  # of what stands for a character; each of its parts begins with another one
    r"(?:%[0-9A-Fa-f]{0,8}|\\(?:[uUx][0-9A-Fa-f]{0,8}|[rn][ \t]*)?|&[#;\w]{0,20}|\r|\n[ \t]*)+"
)
BEFORE = re.compile(rf"[{BASE64}]{BREAK}?\Z")  # the character before, which in base64 carries a part of the next
WIDEST = 12  # characters that stand for one, at most (of those that are usual)
PLAIN = re.compile("[A-Za-z0-9]+")
CONTROLS = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
ENTITIES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
LOOKS_SECRET = re.compile(r"(^|_)(KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|DSN)(_|$)", re.IGNORECASE)


class Form:
    """One way in which a value may stand in a text: `pieces` in a row, in whose place `mark` is put.

    Where none of `signs` is in a text, the form is not either.
    """

    def __init__(self, pieces: Iterable[str], signs: Iterable[str], mark: str, around: tuple[str, str] = ("", "")):
        self.pieces, self.signs, self.mark, self._around = tuple(pieces), tuple(signs), mark, around
        self.encoded = around != ("", "")

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(self._around[0] + "".join(self.pieces) + self._around[1])

    def out_of(self, text: str) -> str:
        """The text without it."""
        if any(sign in text for sign in self.signs):
            return self.pattern.sub(lambda found: self.mark, text)
        return text

    def may_begin(self, text: str, at: int) -> bool:
        """Whether the text, from a place to its end, may be the beginning of it."""
        last = at
        for piece in self.pieces:
            if at == len(text):
                return True
            found = compiled(piece).match(text, at)
            if found is None:
                return any(UNFINISHED.fullmatch(text, place) for place in (last, at))
            last, at = at, found.end()
        return False


compiled = functools.lru_cache(maxsize=4096)(re.compile)


def forms(value: str, mark: str) -> Iterator[Form]:
    """The value in every way of writing, and in base64 at each of the three places it can begin."""
    runs = re.findall(r"\\+|[^\\]", value, re.DOTALL)
    anchor = max(PLAIN.findall(value), key=len, default="")
    yield Form(map(_written, runs), (anchor,), mark)
    for before in range(3):
        yield from _in_base64(value.encode("utf-8", "surrogatepass"), before, mark)


@functools.cache
def _written(run: str) -> str:
    """A pattern for a character, or for some backslashes in a row."""
    if run[0] == "\\":
        return rf"(?:\\|%(?:25)*5[cC]){{{len(run)},}}"
    if PLAIN.fullmatch(run):
        return run
    raw = run.encode("utf-8", "surrogatepass")
    units = run.encode("utf-16-be", "surrogatepass")
    ways = [r"\\*" + re.escape(run) if run.isascii() else re.escape(run)]
    ways += ["".join(f"(?i:%(?:25)*{byte:02x})" for byte in raw)]
    ways += ["".join(rf"\\+x(?i:{byte:02x})" for byte in raw), rf"\\+U(?i:{ord(run):08x})"]
    ways += ["".join(rf"\\+u(?i:{units[n : n + 2].hex()})" for n in range(0, len(units), 2))]
    ways += [rf"&(?:amp;)*(?:{ENTITIES.get(run, '#')}|#0*{ord(run)}|#[xX]0*(?i:{ord(run):x}));"]
    if not run.isascii():
        ways += [re.escape(raw.decode("latin-1"))]  # bytes are looked through one by one
        ways += [rf"\\+x(?i:{ord(run):02x})"] if ord(run) < 256 else []
    ways += [rf"\\+{CONTROLS[run]}"] if run in CONTROLS else []
    ways += [r"\+"] if run == " " else []
    return f"(?:{'|'.join(ways)})"


def _in_base64(value: bytes, before: int, mark: str) -> Iterator[Form]:
    """What stands for the value when so many bytes stand before it: the characters that carry its bits alone, found
    with those at its sides that carry some of them too."""
    text = base64.b64encode(b"\0" * before + value).decode().rstrip("=")
    first = (before * 8 + 5) // 6  # characters that also carry what stands before
    shared = (before + len(value)) % 3 != 0  # the last one also carries what follows
    core = text[first : len(text) - shared]
    if len(core) < CORE:
        return
    half = min(LINE, len(core)) // 2  # one of two halves of a line has no break in it
    around = (rf"(?:[{BASE64}]{BREAK}?)?" if first else "", rf"(?:{BREAK}?[{BASE64}])?={{0,2}}" if shared else "(?:)")
    for each in dict.fromkeys((core, core.translate(str.maketrans("+/", "-_")))):
        pieces = [re.escape(each[0]), *(f"{BREAK}?{re.escape(letter)}" for letter in each[1:])]
        yield Form(pieces, (each[:half], each[half : 2 * half]), mark, around)


class Redactor:
    """Takes known secrets out of values.

    >>> redactor = Redactor()
    >>> redactor.learn("sk-very-secret", "KEY")
    >>> redactor.clean({"url": "https://x.test/?k=sk-very-secret"})
    {'url': 'https://x.test/?k=[secret KEY]'}
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._forms: tuple[Form, ...] = ()  # the longest first
        self._first = UNFINISHED  # where a form may begin
        self._longest = 0  # characters that the beginning of a form may have
        self._short: dict[str, str] = {}

    def learn(self, value: str, name: str) -> None:
        """From now on this value is taken out. Empty values are none."""
        if not value or value in self._names:
            return
        self._names[value] = name
        mark = f"[secret {name}]"
        if len(value) < SHORT:
            self._short = {**self._short, value: mark}
            return
        self._forms = tuple(sorted((*self._forms, *forms(value, mark)), key=lambda form: -len(form.pieces)))
        self._longest = WIDEST * len(self._forms[0].pieces)
        begins = dict.fromkeys(form.pieces[0] for form in self._forms)
        self._first = re.compile(rf"{'|'.join(begins)}|(?:{UNFINISHED.pattern})\Z")

    def knows(self, value: str) -> bool:
        """Whether this is a secret as a whole, and long enough to be nothing else."""
        return len(value) >= LONG and value in self._names

    def learn_environment(self, environment: Mapping[str, str]) -> None:
        """Learn the variables whose names look like those of secrets."""
        for name, value in environment.items():
            if LOOKS_SECRET.search(name) and len(value) >= SHORT:
                self.learn(value, name)

    def clean(self, value: Any) -> Any:
        """The value without known secrets; the very same object when there are none in it."""
        return self._clean(value) if self._names else value

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return self._mapping(value)
        if isinstance(value, list | tuple):
            items = [self._clean(item) for item in value]
            changed = any(new is not old for new, old in zip(items, value, strict=True))
            return (items if isinstance(value, list) else tuple(items)) if changed else value
        if isinstance(value, bytes):
            return self._raw(value)
        if isinstance(value, BaseException):
            return f"{type(value).__name__}: {self._text(str(value))}"
        return value

    def _mapping(self, value: dict[Any, Any]) -> dict[Any, Any]:
        cleaned = {self._clean(key): self._clean(item) for key, item in value.items()}
        same = len(cleaned) == len(value) and all(
            new is old and item is value[old] for (new, item), old in zip(cleaned.items(), value, strict=True)
        )
        return value if same else cleaned

    def _text(self, text: str) -> str:
        for form in self._forms:
            text = form.out_of(text)
        return self._short.get(text, text)

    def _raw(self, content: bytes) -> bytes:
        before = content.decode("latin-1")  # byte by byte, so that it goes back as it came
        text = before
        for form in self._forms:
            text = form.out_of(text)
        return content if text is before else text.encode("latin-1", "replace")

    def stream(self, emit: Callable[[str], None]) -> RedactedStream:
        """A door for text that comes in pieces: a secret cut in two is found too."""
        return RedactedStream(self, emit)

    def held(self, text: str) -> int:
        """How many of the last characters may be the beginning of a known form."""
        if not self._forms:
            return 0
        for found in self._first.finditer(text, max(0, len(text) - self._longest)):
            at = found.start()
            for form in self._forms:
                if form.may_begin(text, at):
                    side = BEFORE.search(text, max(0, at - LINE), at) if form.encoded else None
                    return len(text) - (side.start() if side else at)
        return 0


class RedactedStream:
    """Passes text on as soon as it cannot be part of a secret; `close` passes on the rest."""

    def __init__(self, redactor: Redactor, emit: Callable[[str], None]) -> None:
        self._redactor, self._emit, self._kept = redactor, emit, ""

    def __call__(self, text: str) -> None:
        text = self._redactor.clean(self._kept + text)
        held = self._redactor.held(text)
        self._kept = text[len(text) - held :]
        if len(text) > held:
            self._emit(text[: len(text) - held])

    def close(self) -> None:
        if self._kept:
            kept, self._kept = self._kept, ""
            self._emit(kept)
