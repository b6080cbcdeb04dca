"""Where secrets come from, and what keeps them from leaving.

`Secrets` resolves names at the last moment, inside the performer. Every value it gives out is known to the
`Redactor`, which takes it out of all that leaves: records, text in the live view, errors. A known value is
found raw, percent-encoded, escaped as in JSON, and in base64 at any place of a longer text, in one line or in many.
Values are found in JSON data, texts and bytes; not inside a DataFrame or an array.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from nbflow.errors import NodeError
from nbflow.spec.document import find_secret

Source = Callable[[str], str | None]

LONG = 12  # characters: a shorter input that equals a secret may well be another word
SHORT = 6  # characters: a shorter value is only taken out where it stands alone
CORE = 7  # characters of base64 that are worth looking for: what the shortest value has at every place
BASE64 = "A-Za-z0-9+/_-"
LINES = re.compile(rf"(?<![{BASE64}])(?:[{BASE64}]{{16,}}(?:\r?\n|\\r?\\n|\\n)[ \t]*)+[{BASE64}]+={{0,2}}")  # of base64
LOOKS_SECRET = re.compile(r"(^|_)(KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|DSN)(_|$)", re.IGNORECASE)


class MissingSecret(NodeError, KeyError):
    """No source knows a secret of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "InvalidInput",
            f"there is no secret '{name}'",
            code="secret.missing",
            hint=f"set {name} in the environment, in .env or in the keyring (service nbflow)",
        )

    __str__ = Exception.__str__


class Redactor:
    """Takes known secrets out of values.

    >>> redactor = Redactor()
    >>> redactor.learn("sk-very-secret", "KEY")
    >>> redactor.clean({"url": "https://x.test/?k=sk-very-secret"})
    {'url': 'https://x.test/?k=[secret KEY]'}
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._forms: tuple[tuple[str, str], ...] = ()  # (form, what stands in its place), the longest first
        self._cores: tuple[_Core, ...] = ()
        self._begin: tuple[str, ...] = ()
        self._longest = 0
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
        forms = dict(self._forms) | dict.fromkeys(_forms(value), mark)
        self._forms = tuple(sorted(forms.items(), key=lambda pair: -len(pair[0])))
        cores = {core.text: core for core in (*self._cores, *_base64(value.encode(), mark))}
        self._cores = tuple(sorted(cores.values(), key=lambda core: -len(core.text)))
        self._begin = tuple(form for form, _ in self._forms) + tuple(core.text for core in self._cores)
        self._longest = max(map(len, self._begin))

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
        found = text
        for form, mark in self._forms:
            if form in found:
                found = found.replace(form, mark)
        found = self._lines(self._encoded(found))
        return self._short.get(found, found)

    def _lines(self, text: str) -> str:
        if "\n" not in text and "\\n" not in text:
            return text
        cleaned = LINES.sub(self._block, text)
        return text if cleaned == text else cleaned

    def _encoded(self, text: str) -> str:
        for core in self._cores:
            if core.text in text:
                text = core.pattern.sub(core.mark, text)
        return text

    def _block(self, found: re.Match[str]) -> str:
        """Base64 that is broken into lines, joined; as it is when there is no secret in it."""
        joined = re.sub(r"(?:\\r|\\n|\s)+", "", found[0])
        cleaned = self._encoded(joined)
        return found[0] if cleaned is joined else cleaned

    def _raw(self, content: bytes) -> bytes:
        text = before = content.decode("latin-1")  # byte by byte, so that it goes back as it came
        for form, mark in self._forms:
            raw = form.encode().decode("latin-1")
            if raw in text:
                text = text.replace(raw, mark)
        text = self._lines(self._encoded(text))
        return content if text is before else text.encode("latin-1", "replace")

    def stream(self, emit: Callable[[str], None]) -> RedactedStream:
        """A door for text that comes in pieces: a secret cut in two is found too."""
        return RedactedStream(self, emit)

    def held(self, text: str) -> int:
        """How many of the last characters may be the beginning of a known form."""
        longest = min(len(text), self._longest - 1) if self._begin else 0
        for size in range(longest, 0, -1):
            tail = text[-size:]
            if any(form.startswith(tail) for form in self._begin):
                return min(len(text), size + 1)  # in base64 the character before carries a part of it
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


def _forms(value: str) -> Iterator[str]:
    yield value
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    for encoded in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield encoded
        yield re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), encoded)


@dataclass(frozen=True, slots=True)
class _Core:
    """Characters that stand for a value in base64 whatever is around it; `pattern` also takes those at its sides that
    carry some of its bits.
    """

    text: str
    pattern: re.Pattern[str]
    mark: str


def _base64(value: bytes, mark: str) -> Iterator[_Core]:
    """What stands for the value in base64, at each of the three places it can begin."""
    for before in range(3):
        text = base64.b64encode(b"\0" * before + value).decode().rstrip("=")
        first = (before * 8 + 5) // 6  # characters that also carry what stands before
        shared = (before + len(value)) % 3 != 0  # the last one also carries what follows
        core = text[first : len(text) - shared]
        if len(core) < CORE:
            continue
        side = f"[{BASE64}]?"
        for form in {core, core.translate(str.maketrans("+/", "-_"))}:
            around = (side if first else "", f"{side}={{0,2}}" if shared else "")
            yield _Core(form, re.compile(around[0] + re.escape(form) + around[1]), mark.replace("\\", r"\\"))


class Secrets(Mapping[str, str]):
    """Secrets by name, from the first source that knows one.

    Raises `MissingSecret` for a name that none knows. Sources are asked each time: a key that was changed counts
    at once.
    """

    def __init__(self, sources: Iterable[Source] = (), redactor: Redactor | None = None) -> None:
        self.redactor = redactor or Redactor()
        self._sources: list[Source] = list(sources)

    def use(self, source: Source) -> Source:
        """Ask this function first: it takes a name and returns a value or None."""
        self._sources.insert(0, source)
        return source

    def fall_back_on(self, source: Source) -> None:
        """Ask this function last."""
        self._sources.append(source)

    def __getitem__(self, name: str) -> str:
        for source in self._sources:
            value = source(name)
            if value:
                self.redactor.learn(value, name)
                return value
        raise MissingSecret(name)

    def conceal(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """The inputs of an execution with `[secret NAME]` for each text that looks like a key or is a known secret."""
        return {name: self._concealed(value, name) for name, value in inputs.items()}

    def _concealed(self, value: Any, name: str) -> Any:
        if isinstance(value, str):
            if find_secret(value):
                self.redactor.learn(value, name)
            return self.redactor.clean(value) if self.redactor.knows(value) else value
        if isinstance(value, dict):
            inner = {key: self._concealed(item, name) for key, item in value.items()}
            return inner if any(inner[key] is not item for key, item in value.items()) else value
        if isinstance(value, list):
            items = [self._concealed(item, name) for item in value]
            return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
        return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and any(source(name) for source in self._sources)

    def __iter__(self) -> Iterator[str]:
        return iter(())  # what there is, is nobody's business

    def __len__(self) -> int:
        return 0


def usual_sources(folder: Path | None = None) -> tuple[Source, ...]:
    """The environment, `.env` of the folder, the system's keyring."""
    return from_environment, from_file((folder or Path()) / ".env"), from_keyring


def from_environment(name: str) -> str | None:
    return os.environ.get(name)


def from_file(path: Path) -> Source:
    """A file of ``NAME=value`` lines; read again when it changed, and nothing when it is not there."""
    read: dict[str, Any] = {"stamp": None, "values": {}}

    def source(name: str) -> str | None:
        try:
            found = path.stat()
        except OSError:
            return None
        stamp = (found.st_mtime_ns, found.st_size)
        if read["stamp"] != stamp:
            from dotenv import dotenv_values

            read["stamp"], read["values"] = stamp, dotenv_values(path, interpolate=False)
        value = read["values"].get(name)
        return value if isinstance(value, str) else None

    return source


def from_keyring(name: str) -> str | None:
    """The password of service ``nbflow`` and this name; nothing when no keyring is installed or it is locked."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        return keyring.get_password("nbflow", name)
    except KeyringError:
        return None
