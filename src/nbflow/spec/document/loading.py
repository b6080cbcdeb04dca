"""From the bytes or text of a workflow to one located value. Everything wrong is a SpecError with a place."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from typing import Any

import yaml

from nbflow.errors import Diagnostic, SpecError
from nbflow.spec.document import json_events
from nbflow.spec.document.composer import Composer, Limits
from nbflow.spec.document.located import Located, Source, finding_at
from nbflow.spec.document.syntax import explain

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BAD = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OTHER_BREAKS = re.compile("[\x85\u2028\u2029]")
_BOMS = ((b"\xff\xfe\x00\x00", "UTF-32"), (b"\x00\x00\xfe\xff", "UTF-32"), (b"\xff\xfe", "UTF-16"),
         (b"\xfe\xff", "UTF-16"))  # fmt: skip
_MEGABYTE = 1_000_000
_BEGINNING = 65_536


def load(text: str | bytes, limits: Limits = Limits()) -> Located:
    """The value of a YAML or JSON text, located.

    Raises SpecError with codes ``yaml.*``; lines and columns are those of the text, a byte order mark not counted.
    """
    source = Source(_decoded(text, limits))
    _refuse_bad_characters(source)
    return _composed(source, limits)


def _composed(source: Source, limits: Limits) -> Located:
    composer = Composer(source, limits)
    running = gc.isenabled()
    gc.disable()  # a tree of a few hundred thousand objects, none of them garbage: collecting doubles the time
    try:
        root = composer.compose(_events(source))
    except yaml.YAMLError as error:
        found = explain(error, source, composer.last, composer.columns)
        raise SpecError((*composer.findings, found)) from None
    finally:
        if running:
            gc.enable()
    if composer.findings:
        raise SpecError(tuple(sorted(composer.findings, key=lambda one: (one.line, one.column))))
    if root is None or (root.value is None and not root.written()):
        raise SpecError((_empty(source),))
    return root


def _decoded(text: str | bytes, limits: Limits) -> str:
    size = len(text)
    if isinstance(text, str) and size <= limits.size < size * 4:
        size = len(text.encode("utf-8", "surrogatepass"))
    if size > limits.size:
        raise SpecError((_too_large(size, limits), *_too_deep(text[:_BEGINNING], limits)))
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    for mark, name in _BOMS:
        if text.startswith(mark):
            raise SpecError((_not_utf8(f"the text is {name}"),))
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = text[: error.start].decode("utf-8-sig", "replace")
        raise SpecError((_bad_byte(text, before, error.start),)) from None


def _bad_byte(text: bytes, before: str, index: int) -> Diagnostic:
    source = Source(before)
    line, column = source.place(len(before))
    message = f"the text is not UTF-8: there is a byte {text[index]:#04x} here"
    return finding_at(source, line, column, "yaml.encoding", message, hint="save the file as UTF-8")


def _not_utf8(message: str) -> Diagnostic:
    return Diagnostic("yaml.encoding", f"{message}; only UTF-8 is read", 1, 1, hint="save the file as UTF-8")


def _too_large(size: int, limits: Limits) -> Diagnostic:
    large = _bytes(size) if _bytes(size) != _bytes(limits.size) else f"{size:,} bytes"
    message = f"the text is too large: {large}, past the limit of {_bytes(limits.size)}"
    return Diagnostic("yaml.too_large", message, 1, 1, hint="move data out of the workflow, to a file or an input")


def _too_deep(beginning: str | bytes, limits: Limits) -> tuple[Diagnostic, ...]:
    """Whether a text that is too large is too deep as well, which is then the better word for it."""
    text = beginning if isinstance(beginning, str) else beginning.decode("utf-8", "replace")
    try:
        _composed(Source(_BAD.sub("?", text[: text.rfind("\n")])), limits)
    except SpecError as error:
        return tuple(finding for finding in error.diagnostics if finding.code == "yaml.too_deep")
    return ()


def _bytes(size: int) -> str:
    return f"{size / _MEGABYTE:.3g} MB" if size >= _MEGABYTE else f"{size / 1000:.3g} kB"


def _refuse_bad_characters(source: Source) -> None:
    found = _BAD.search(source.text)
    if found is None:
        return
    if found.group() == "\0" and source.text.count("\0") * 3 > len(source.text):
        raise SpecError((_not_utf8("the text looks like UTF-16"),))
    line, column = source.place(found.start())
    message = f"character U+{ord(found.group()):04X} is not allowed"
    hint = f"in double quotes it may be written as \\u{ord(found.group()):04x}"
    finding = finding_at(source, line, column, "yaml.bad_character", message, hint=hint)
    raise SpecError((finding,))


def _empty(source: Source) -> Diagnostic:
    only_comments = "#" in source.text
    message = "there is no workflow here, only comments" if only_comments else "there is no workflow here: it is empty"
    return finding_at(source, 1, 1, "yaml.empty", message, hint="begin with 'nodes:'")


def _events(source: Source) -> Iterator[Any]:
    text = source.text
    if text.lstrip()[:1] == "{" and json_events.is_json(text):
        return json_events.events(source)
    parsed: Iterator[Any] = yaml.parse(text, Loader=_Loader)
    return _replaced(parsed, source) if _OTHER_BREAKS.search(text) else parsed


def _replaced(events: Iterator[Any], source: Source) -> Iterator[Any]:
    """The same events, with lines counted as editors do: the parser takes U+2028 and its like for line ends too."""
    for event in events:
        line, column = source.place(event.start_mark.index)
        mark = event.start_mark
        event.start_mark = yaml.Mark("", mark.index, line - 1, column - 1, None, 0)
        yield event
