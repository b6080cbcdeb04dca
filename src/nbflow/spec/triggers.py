"""`triggers:`: what starts a workflow by itself. Here they are read and checked; `access` obeys them."""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import dataclass
from typing import Any

from nbflow.spec import forms
from nbflow.spec.cron import wrong_cron
from nbflow.spec.document import Located
from nbflow.spec.expressions import Value
from nbflow.spec.forms import Fields, Form, Reading
from nbflow.spec.names import did_you_mean


@dataclass(frozen=True, slots=True)
class TriggerSpec:
    """One trigger: its kind, what it waits for, and the inputs it gives (templates over `event`)."""

    kind: str
    at: Located
    fields: dict[str, Any]
    inputs: Value | None = None


def _cron(at: Located, reading: Reading, name: str) -> str | None:
    text: str | None = forms.TEXT.read(at, reading, name)
    problem = wrong_cron(text) if text is not None else None
    if problem is None:
        return text
    reading.wrong(at, *problem)
    return None


def _timezone(at: Located, reading: Reading, name: str) -> str | None:
    text: str | None = forms.TEXT.read(at, reading, name)
    if text is None:
        return None
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        hint = did_you_mean(text, sorted(zoneinfo.available_timezones())) or "as in Europe/Berlin or UTC"
        reading.wrong(at, "cron.timezone", f"there is no time zone '{text}'", hint=hint)
        return None
    return text


_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]*\Z")


def _webhook(at: Located, reading: Reading, name: str) -> str | None:
    text = forms.TEXT.read(at, reading, name)
    if text is None or (_PATH.match(text.lstrip("/")) and ".." not in text):
        return text.strip("/") if text else None
    reading.wrong(
        at,
        "trigger.webhook",
        f"'{text}' is no path for a webhook",
        hint="letters, digits, - _ . and /, as in orders/new",
    )
    return None


KINDS: Fields = {
    "cron": Form(_cron, {"type": "string"}, "At these times: minute hour day month weekday."),
    "every": forms.SPAN.but("Again and again after this time."),
    "webhook": Form(_webhook, {"type": "string"}, "When this path is posted to."),
    "event": forms.TEXT.but("When this event comes over the bus."),
    "file": forms.TEXT.but("When a file that matches comes or changes."),
}

_COMMON: Fields = {
    "inputs": forms.ARGUMENTS.but("The inputs it gives; `event` can be read."),
    "if": forms.CONDITION.but("Only when this holds, over `event`."),
    "name": forms.TEXT.but("A name for lists and logs."),
    "doc": forms.TEXT,
}

ONLY: dict[str, Fields] = {
    "cron": {
        "timezone": Form(_timezone, {"type": "string"}, "As in Europe/Berlin; default UTC."),
        "catch_up": forms.choice("skip", "latest", "all").but("What of the times missed while nothing ran."),
        "overlap": forms.choice("allow", "skip").but("Whether it starts while the last execution runs."),
    },
    "every": {"overlap": forms.choice("allow", "skip").but("Whether it starts while the last execution runs.")},
    "webhook": {
        "secret": forms.VALUE.but("The key that signs what is posted: `=secrets.NAME`."),
        "key": forms.CONDITION.but("Says which deliveries are the same, over `event`."),
    },
    "event": {"key": forms.CONDITION.but("Says which events are the same, over `event`.")},
    "file": {
        "settle": forms.DURATION.but("The file must not change for so long."),
        "on": forms.TEXTS.but("created, changed, removed."),
    },
}

ALL: Fields = {**KINDS, **_COMMON, **{name: form for fields in ONLY.values() for name, form in fields.items()}}


def read_triggers(at: Located, reading: Reading, name: str) -> tuple[TriggerSpec, ...] | None:
    """A list of triggers (or one)."""
    items = at.value if isinstance(at.value, list) else [at]
    found = [_trigger(item, reading) for item in items]
    return tuple(trigger for trigger in found if trigger is not None)


def _trigger(at: Located, reading: Reading) -> TriggerSpec | None:
    if not isinstance(at.value, dict):
        reading.wrong(
            at, "type.mapping", f"a trigger is a mapping, not {forms.kind_of(at)}", hint='- cron: "0 7 * * *"'
        )
        return None
    kinds = [key for key in at.value if key in KINDS]
    if len(kinds) > 1:
        reading.wrong(
            at.value[kinds[1]], "schema.conflict", f"a trigger is one thing, not {' and '.join(kinds)}", key=True
        )
        return None
    kind = kinds[0] if kinds else None
    fields = {kind: KINDS[kind], **_COMMON, **ONLY[kind]} if kind else ALL
    found = forms.read_fields(at, reading, fields, f"a '{kind}' trigger" if kind else "a trigger")
    if kind is None:
        reading.wrong(
            at,
            "schema.missing",
            "a trigger needs 'cron', 'every', 'webhook', 'event' or 'file'",
            hint='- cron: "0 7 * * *"',
        )
        return None
    return TriggerSpec(kind, at, found, found.get("inputs"))


def _one(kind: str) -> dict[str, Any]:
    return forms.object_schema({kind: KINDS[kind], **_COMMON, **ONLY[kind]}, [kind])


TRIGGERS = Form(read_triggers, {"type": "array", "items": {"anyOf": [_one(kind) for kind in KINDS]}})
