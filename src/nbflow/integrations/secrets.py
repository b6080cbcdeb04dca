"""Where secrets come from.

`Secrets` resolves names at the last moment, inside the performer. Every value it gives out is known to the
`Redactor`, which takes it out of all that leaves.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from nbflow.errors import NodeError
from nbflow.integrations.redaction import Redactor
from nbflow.spec.document import find_secret

Source = Callable[[str], str | None]


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

    def is_source(self, function: object) -> bool:
        """Whether secrets come from this function."""
        return any(function is source for source in self._sources)

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
