"""Text as pictures need it: made safe, measured, cut to fit.

A picture is laid out where there is no browser, so widths are estimated from a table that is a little wide
for most fonts. Nothing here knows markup; writers of SVG, HTML, DOT and Mermaid escape on their own.
"""

from __future__ import annotations

import unicodedata

from nbflow.spec.document import conceal

WIDE = frozenset("WF")
NARROW = dict.fromkeys("iIjl.,:;'|!`", 0.33) | dict.fromkeys('()[]{}/\\ -ftr"', 0.42)
BROAD = dict.fromkeys("mwMW@%", 0.95) | dict.fromkeys("ABCDEFGHKNOPQRSTUVXYZ&=+<>~#", 0.74)
PLAIN = 0.64
BOLD = 1.09
MONO = 0.62


def clean(text: object) -> str:
    """One line without what no picture can hold: control characters, lone surrogates, marks that turn the text.

    What looks like a key or token is dotted out: a notebook is saved and sent around.
    """
    line = " ".join(str(text).split())
    return conceal("".join(char if _shown(char) else "\ufffd" for char in line))


def clean_block(text: object) -> str:
    """The same for text of several lines."""
    lines = str(text).splitlines()
    return conceal(
        "\n".join("".join(char if _shown(char) or char == "\t" else "\ufffd" for char in line) for line in lines)
    )


def _shown(char: str) -> bool:
    if " " <= char <= "~":
        return True
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn") and char not in "\ufffe\uffff"


def width(text: str, size: float, *, bold: bool = False, mono: bool = False) -> float:
    """How wide a line is at this font size, in pixels, rather too wide than too narrow."""
    if mono:
        return sum(1.2 if _wide(char) else MONO for char in text) * size
    units = sum(_units(char) for char in text)
    return units * size * (BOLD if bold else 1.0)


def _units(char: str) -> float:
    if char < "\x7f":
        return NARROW.get(char) or BROAD.get(char, PLAIN)
    return 1.05 if _wide(char) else 0.7


def _wide(char: str) -> bool:
    return char >= "\u1100" and unicodedata.east_asian_width(char) in WIDE


def fit(text: str, size: float, room: float, *, bold: bool = False, mono: bool = False) -> str:
    """The line, cut with an ellipsis so that it is at most `room` pixels wide."""
    if width(text, size, bold=bold, mono=mono) <= room:
        return text
    used = width("…", size, bold=bold, mono=mono)
    kept: list[str] = []
    for char in text:
        used += width(char, size, bold=bold, mono=mono)
        if used > room:
            break
        kept.append(char)
    return "".join(kept).rstrip() + "…"


def fit_name(text: str, size: float, room: float, *, bold: bool = False) -> str:
    """The same for a name, cut in its middle: long names often differ only at their ends."""
    if width(text, size, bold=bold) <= room:
        return text
    start = fit(text, size, 0.62 * room, bold=bold)
    left, end = room - width(start, size, bold=bold), len(text)
    while end > 0 and (left := left - width(text[end - 1], size, bold=bold)) >= 0:
        end -= 1
    return start + text[end:].lstrip()


def shorten(text: object, limit: int) -> str:
    """One clean line of at most `limit` characters."""
    line = clean(text)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def seconds(value: float) -> str:
    """A duration for people: ``42 ms``, ``3.1 s``, ``2 min 05 s``, ``10 min``, ``1 h 04 min``."""
    if value < 0.9995:
        return f"{max(0.0, value) * 1000:.0f} ms"
    if value < 59.95:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if minutes else f"{hours} h"
