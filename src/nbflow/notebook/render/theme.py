"""Colours and type of every picture, light and dark, and the style sheet that both the static picture and the
live view use. A phase has a colour *and* a sign; colour is never the only mark.
"""

from __future__ import annotations

from collections.abc import Callable

TOKENS: dict[str, tuple[str, str]] = {
    "panel": ("#fbfcfd", "#14181f"),
    "edge": ("#e7ebf0", "#262d38"),
    "card": ("#ffffff", "#1d232d"),
    "line": ("#d3dae3", "#38424f"),
    "text": ("#1d2530", "#e8ecf2"),
    "muted": ("#5f6b7c", "#9aa6b6"),
    "faint": ("#98a2b3", "#6b7788"),
    "tile": ("#f0f3f7", "#28303c"),
    "wire": ("#9aa6b6", "#5d6a7b"),
    "lit": ("#2a8f62", "#4cc38a"),
    "frame": ("#f4f6f9", "#181d25"),
    "blue": ("#2563eb", "#74a5ff"),
    "blue-tint": ("#eef4ff", "#18263f"),
    "green": ("#258a5c", "#4cc38a"),
    "green-tint": ("#edf9f2", "#142a20"),
    "red": ("#cf3a52", "#ff7d8f"),
    "red-tint": ("#fff0f2", "#351a21"),
    "amber": ("#9c6b08", "#f0bd57"),
    "amber-tint": ("#fff7e3", "#2f2613"),
    "violet": ("#6d4fe0", "#ab9bff"),
    "violet-tint": ("#f4f1ff", "#241f3e"),
}
HUES = {
    "running": "blue",
    "waiting": "amber",
    "held": "violet",
    "paused": "violet",
    "suspended": "violet",
    "completed": "green",
    "failed": "red",
    "changed": "amber",
}
QUIET = ("scheduled", "cancelled", "skipped", "same")
OFF = ("cancelled", "skipped")
SANS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','Noto Sans','DejaVu Sans',Arial,sans-serif"

Colour = Callable[[str], str]


def light(name: str) -> str:
    return TOKENS[name][0]


def dark(name: str) -> str:
    return TOKENS[name][1]


def variable(name: str) -> str:
    """For the live view: the variable of the theme, with the light colour where there is none."""
    return f"var(--nbf-{name},{light(name)})"


def variables(colour: Colour) -> str:
    """Declarations of all variables, for the live view."""
    return "".join(f"--nbf-{name}:{colour(name)};" for name in TOKENS)


def standing() -> str:
    """A picture that stands alone: light, and dark where the reader's page is."""
    return f"{_shapes()}{colours(light)}@media (prefers-color-scheme:dark){{{colours(dark)}}}"


def live() -> str:
    """The picture inside the live view, in the colours of its variables."""
    return f"{_shapes()}{colours(variable)}"


def _shapes() -> str:
    return (
        f".nbf text{{font-family:{SANS}}}"
        ".nbf .name{font-size:13px;font-weight:600;letter-spacing:-.1px}.nbf .note{font-size:11px}"
        ".nbf .badge{font-size:10px;text-anchor:end;font-variant-numeric:tabular-nums}"
        ".nbf-compact .name{font-size:11px;font-weight:500}"
        ".nbf .head{font-size:12px;font-weight:600}"
        ".nbf .icon,.nbf .line,.nbf .sign{fill:none;stroke-linecap:round;stroke-linejoin:round}"
        ".nbf .icon{stroke-width:1.3}.nbf .sign{stroke-width:1.7}.nbf .line{stroke-width:1.3}"
        ".nbf .w-order .line{stroke-dasharray:5 4}.nbf .w-undo .line{stroke-dasharray:1.5 4}"
        ".nbf .p-running .card,.nbf .p-held .card{stroke-width:1.8}"
        ".nbf .p-skipped .card{stroke-dasharray:4 3}.nbf .p-skipped .name{font-weight:400}"
        ".nbf .pill text{font-size:10.5px;text-anchor:middle}"
        ".nbf .dead{opacity:.5}.nbf .dead.pill{opacity:.75}.nbf .live .line{stroke-width:2}"
    )


def colours(colour: Colour) -> str:
    """The rules that carry colour."""
    base = (
        f".nbf .bg{{fill:{colour('panel')};stroke:{colour('edge')}}}"
        f".nbf .card{{fill:{colour('card')};stroke:{colour('line')}}}"
        f".nbf .frame{{fill:{colour('frame')};stroke:{colour('edge')}}}"
        f".nbf .tile{{fill:{colour('tile')}}}.nbf .icon{{stroke:{colour('muted')}}}"
        f".nbf .name,.nbf .head{{fill:{colour('text')}}}.nbf .note,.nbf .badge{{fill:{colour('muted')}}}"
        f".nbf .disc{{fill:none;stroke:{colour('line')}}}.nbf .sign{{stroke:{colour('card')}}}"
        f".nbf .line{{stroke:{colour('wire')}}}.nbf .tip{{fill:{colour('wire')}}}"
        f".nbf .pill rect{{fill:{colour('panel')};stroke:{colour('edge')}}}.nbf .pill text{{fill:{colour('muted')}}}"
        f".nbf .live .line{{stroke:{colour('lit')}}}.nbf .live .tip{{fill:{colour('lit')}}}"
        f".nbf .live.pill rect{{stroke:{colour('lit')}}}.nbf .live.pill text{{fill:{colour('lit')}}}"
        f".nbf .dot{{fill:{colour('muted')}}}"
    )
    faint = colour("faint")
    quiet = (
        f"{_each(QUIET, '.disc')}{{stroke:{faint}}}{_each(QUIET, '.sign')}{{stroke:{faint}}}"
        ".nbf .p-scheduled .sign{stroke-width:3}"
        f"{_each(OFF, '.card')}{{fill:none}}{_each(OFF, '.name')}{{fill:{faint}}}"
        f"{_each(OFF, '.note')}{{fill:{faint}}}{_each(OFF, '.icon')}{{stroke:{faint}}}"
    )
    return base + quiet + "".join(_hue(phase, hue, colour) for phase, hue in HUES.items())


def _each(phases: tuple[str, ...], part: str) -> str:
    return ",".join(f".nbf .p-{phase} {part}" for phase in phases)


def _hue(phase: str, hue: str, colour: Colour) -> str:
    strong, tint = colour(hue), colour(f"{hue}-tint")
    return (
        f".nbf .p-{phase} .card{{fill:{tint};stroke:{strong}}}.nbf .p-{phase}.frames .frame{{stroke:{strong}}}"
        f".nbf .p-{phase} .tile{{fill:{colour('card')}}}.nbf .p-{phase} .icon{{stroke:{strong}}}"
        f".nbf .p-{phase} .disc{{fill:{strong};stroke:{strong}}}"
        + (f".nbf .p-{phase} .sign{{fill:{colour('card')}}}" if phase == "running" else "")
    )
