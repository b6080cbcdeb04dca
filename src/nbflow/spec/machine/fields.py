"""The fields of a machine, its states, transitions and actions, with their JSON Schemas.

Values that hold states or actions of their own are handed on as they stand; `reading` and `actions` read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbflow.spec import forms
from nbflow.spec.document import Located
from nbflow.spec.forms import Fields, Form, Reading


def _as_it_stands(at: Located, reading: Reading, name: str) -> Located:
    return at


def later(schema: Mapping[str, Any], doc: str, *, nullable: bool = False) -> Form:
    """A value that is read when all states are known."""
    return Form(_as_it_stands, schema, doc, nullable)


def _either(name: str) -> dict[str, Any]:
    one = {"anyOf": [{"type": "string"}, {"$ref": f"#/$defs/{name}"}]}
    return {"anyOf": [*one["anyOf"], {"type": "array", "items": one}]}


_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
_ACTIONS = {"$ref": "#/$defs/machine.actions"}
_TRANSITIONS = _either("machine.transition")
_BY_NAME = {"type": "object", "additionalProperties": _TRANSITIONS}
_DELAY = {"type": "string"}

ACTION: Fields = {
    "assign": later({"type": "object"}, "Names of the context get values: {name: value}."),
    "raise": later(
        {"type": ["string", "object"]}, "An event to the machine itself: a name, or {event, with, delay, id}."
    ),
    "emit": later(
        {"type": ["string", "object"]}, "An event to the world: a name, or {event, with, key, to, delay, id}."
    ),
    "cancel": later(_TEXT, "Takes back a delayed event by its id, or ends what 'run' began."),
    "run": later(
        {"anyOf": [_TEXT, {"$ref": "#/$defs/node"}]},
        "Runs a workflow by its name, or a node, beside the machine, past this state.",
    ),
}
"""What an action may do."""

BESIDE: Fields = {
    "with": later({}, "The data of the event, or the arguments of what runs.", nullable=True),
    "delay": later(_DELAY, "When the event comes: a duration, or an expression that gives one."),
    "id": later(_TEXT, "What 'cancel' knows the event by."),
    "key": later({}, "Which listeners it is for."),
    "to": later(_TEXT, "'parent', or the name of something invoked: who alone hears it."),
    "as": later(_TEXT, "The name of what runs: its end comes back as done.NAME or error.NAME."),
}
"""What may stand beside an action that is written short."""

FLOW: Fields = {
    "if": later(forms.CONDITION.schema, "The actions under 'then' are for when this holds."),
    "then": later(_ACTIONS, "Actions."),
    "else": later(_ACTIONS, "Actions for when it does not hold."),
    "for_each": later(
        {"type": ["string", "array"]}, "A list: the actions under 'do' run for every `item`, with `index`."
    ),
    "do": later(_ACTIONS, "Actions."),
}

STEP: Fields = {**ACTION, **BESIDE, **FLOW}

EVENT_PARTS: Fields = {
    "event": later(_TEXT, "The event's name; it may hold expressions."),
    "with": BESIDE["with"],
    "delay": BESIDE["delay"],
    "id": BESIDE["id"],
}
EMIT_PARTS: Fields = {**EVENT_PARTS, "key": BESIDE["key"], "to": BESIDE["to"]}

_SHARED: Fields = {name: form for name, form in BESIDE.items() if name not in ("to", "id", "as", "key")}

TRANSITION: Fields = {
    "event": later(_TEXTS, "In a list under 'events': what it hears, as `name`, `prefix.*` or `*`."),
    "to": later(_TEXTS, "The target: one state, or one of each region of a parallel. Without it the machine stays."),
    "if": later(forms.CONDITION.schema, "Only when this holds, over `ctx` and `event`."),
    "label": forms.TEXT.but("A word for the picture."),
    "doc": forms.TEXT.but("What it is for."),
    "internal": forms.BOOLEAN.but("A target inside its own state does not leave the state."),
    **ACTION,
    "with": BESIDE["with"],
    "delay": BESIDE["delay"],
    "id": BESIDE["id"],
    "key": BESIDE["key"],
    "as": BESIDE["as"],
    "actions": later(_ACTIONS, "A list of actions, in order."),
}

_EVENTS = {"anyOf": [_BY_NAME, {"type": "array", "items": {"$ref": "#/$defs/machine.transition"}}]}

STATE: Fields = {
    "type": forms.choice("final", "parallel").but(
        "final: the end of what is around it. parallel: all its states at once."
    ),
    "parallel": forms.BOOLEAN.but("All its states are active at once."),
    "history": forms.choice("shallow", "deep").but("Stands for what was active around it last."),
    "to": later(
        {"anyOf": [_TEXT, {"$ref": "#/$defs/machine.transition"}]},
        "Of a history: where to go while nothing is remembered, or {to, actions}.",
    ),
    "initial": later(
        {"anyOf": [_TEXT, {"$ref": "#/$defs/machine.transition"}]}, "The state it begins in, or {to, actions}."
    ),
    "states": later({"type": "object", "additionalProperties": {"$ref": "#/$defs/machine.state"}}, "States inside."),
    "events": later(_EVENTS, "Transitions by event: a target, {to, if, …}, or a list tried in order."),
    "always": later(_TRANSITIONS, "Transitions without event, tried whenever something moved."),
    "after": later(_BY_NAME, "Transitions by duration: it was active so long without a break."),
    "entry": later(_ACTIONS, "Actions when it is entered."),
    "exit": later(_ACTIONS, "Actions when it is left."),
    "invoke": later(
        {"anyOf": [_TEXT, {"type": "object"}, {"type": "array"}]},
        "Runs while it is active: a workflow by its name, or a node with `as`. done.NAME and error.NAME tell its end.",
    ),
    "output": forms.VALUE.but("Of a final state: the data of done.state, or what the machine gives."),
    "label": forms.TEXT.but("A word for the picture."),
    "doc": forms.TEXT.but("What it is for."),
    "tags": forms.TEXTS.but("Words to find it by."),
}

MACHINE: Fields = {
    **{name: form for name, form in STATE.items() if name not in ("type", "history", "to", "output", "tags", "label")},
    "context": later(
        {"type": "object"}, "The machine's own values, by name, with their first values; read as `ctx.NAME`."
    ),
}

DEFINITIONS: dict[str, Any] = {
    "machine": forms.object_schema(MACHINE, ["states"]),
    "machine.state": {
        "anyOf": [forms.object_schema(STATE), {"type": "null"}, {"const": "final"}],
    },
    "machine.transition": forms.object_schema(TRANSITION),
    "machine.actions": {
        "anyOf": [
            {"$ref": "#/$defs/machine.step"},
            {"type": "array", "items": {"anyOf": [
                {"$ref": "#/$defs/machine.step"},
                {"type": "array", "items": {"$ref": "#/$defs/machine.step"}},
            ]}},
        ],
    },
    "machine.step": forms.object_schema(STEP),
}  # fmt: skip
"""For `$defs` of the language's JSON Schema."""
