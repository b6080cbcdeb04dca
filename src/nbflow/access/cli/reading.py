"""What comes in from the command line: a workflow's text, inputs, and the functions of `--tools`.

A mistake here is the caller's: it raises `UsageProblem`, which the shell shows in one line and answers with exit 2.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn, ParamSpec, TypeVar

from nbflow.errors import NbflowError, StorageError
from nbflow.spec.durations import parse_duration

Given = ParamSpec("Given")
Asked = TypeVar("Asked")


class UsageProblem(NbflowError):
    """A file, option or argument that cannot be used; `code` names the case."""

    def __init__(self, code: str, message: str, hint: str | None = None):
        self.code, self.message, self.hint = code, message, hint
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Source:
    """The bytes of a workflow's text, and how messages name it. `folder` is where `workflow: NAME` looks."""

    name: str
    text: bytes
    folder: Path


def read_duration(text: str) -> float:
    """Seconds of a time such as 30d."""
    try:
        return parse_duration(text)
    except ValueError:
        raise UsageProblem("cli.duration", f"{text!r} is no time", "such as 30d or 12h") from None


def asked(build: Callable[Given, Asked], *given: Given.args, **named: Given.kwargs) -> Asked:
    """What is asked of a store, built from options; a word in them that says nothing is the caller's mistake."""
    try:
        return build(*given, **named)
    except StorageError as problem:
        raise UsageProblem(problem.code, problem.message, problem.hint) from None


def read_source(file: str) -> Source:
    """A file, or standard input for ``-``."""
    if file == "-":
        return Source("standard input", sys.stdin.buffer.read(), Path())
    path = Path(file)
    try:
        return Source(file, path.read_bytes(), path.parent)
    except OSError as problem:
        raise UsageProblem("file.unreadable", f"cannot read {file}: {problem.strerror or problem}") from None


def read_inputs(options: Sequence[str]) -> dict[str, Any]:
    """``K=V`` with V as JSON when it is JSON, else text; ``@file.json`` takes a mapping. Later ones win."""
    inputs: dict[str, Any] = {}
    for option in options:
        if option.startswith("@"):
            inputs |= _mapping(option[1:])
            continue
        name, sign, value = option.partition("=")
        if not sign or not name:
            raise UsageProblem("input.form", f"-i {option}: write -i name=value, or -i @file.json")
        inputs[name] = read_value(value)
    return inputs


def read_labels(options: Sequence[str]) -> dict[str, str]:
    """``K=V``, both text."""
    labels: dict[str, str] = {}
    for option in options:
        name, sign, value = option.partition("=")
        if not sign or not name:
            raise UsageProblem("cli.label", f"--label {option}: write --label name=value")
        labels[name] = value
    return labels


def read_value(text: str) -> Any:
    """JSON when it is JSON, else the text itself."""
    try:
        return json.loads(text, parse_constant=_not_json)
    except ValueError:
        return text


def _not_json(name: str) -> NoReturn:
    raise ValueError(name)


def _mapping(file: str) -> dict[str, Any]:
    try:
        content = json.loads(Path(file).read_text(encoding="utf-8"), parse_constant=_not_json)
    except OSError as problem:
        raise UsageProblem("input.file", f"cannot read {file}: {problem.strerror or problem}") from None
    except ValueError as problem:
        raise UsageProblem("input.file", f"{file} is not JSON: {problem}") from None
    if not isinstance(content, dict):
        raise UsageProblem("input.file", f"{file} holds no mapping of names to values")
    return content


def load_module(name: str) -> ModuleType:
    """A Python file (``path/tools.py``) or a module by its dotted name; importing it runs it."""
    try:
        if name.endswith(".py"):
            return _load_file(Path(name))
        if "" not in sys.path and str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))
        return importlib.import_module(name)
    except UsageProblem:
        raise
    except Exception as problem:
        raise UsageProblem("tool.import", f"--tools {name}: {type(problem).__name__}: {problem}") from problem


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UsageProblem("tool.import", f"--tools {path}: there is no such file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UsageProblem("tool.import", f"--tools {path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    if (folder := str(path.parent.resolve())) not in sys.path:
        sys.path.insert(0, folder)
    spec.loader.exec_module(module)
    return module


def public_functions(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """The functions a module defines itself (or lists in ``__all__``), by name, those with ``_`` left out.

    One that yields cannot be a tool; it may stand there for the others.
    """
    listed = getattr(module, "__all__", None)
    found: dict[str, Callable[..., Any]] = {}
    for name, value in vars(module).items():
        own = name in listed if listed is not None else getattr(value, "__module__", None) == module.__name__
        yields = inspect.isgeneratorfunction(value) or inspect.isasyncgenfunction(value)
        if own and not name.startswith("_") and inspect.isroutine(value) and not yields:
            found[name] = value
    return found
