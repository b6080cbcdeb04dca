"""What a node may say about its running: retry, errors, joins, pools, rates. Short forms become the long ones here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nbflow.spec import durations, forms
from nbflow.spec.document import Located
from nbflow.spec.expressions import Expression, Value
from nbflow.spec.forms import Form, Reading

RETRY = {
    "max": forms.NATURAL.but("Retries after the first attempt: `max: 2` is at most three attempts."),
    "delay": forms.DURATION.but("Before the first retry, as `2s`."),
    "factor": forms.AMOUNT.but("Each delay is this many times the one before."),
    "max_delay": forms.DURATION.but("No delay is longer."),
    "jitter": forms.BOOLEAN.but("Delays vary at random, so that nodes do not retry in step."),
    "on": forms.TEXTS.but(
        "Kinds of errors to retry: `Timeout`, `RateLimited`, a class name. Default: any but InvalidInput."
    ),
}

JOINS = ("all", "active", "first", "race")


@dataclass(frozen=True, slots=True)
class JoinSpec:
    """When a node with several sources runs: `all`, `active`, `count` (with `n`) or `race`."""

    mode: str
    count: int
    at: Located


@dataclass(frozen=True, slots=True)
class OnErrorSpec:
    """One form of `on_error`, for error kinds `on` (empty: all)."""

    action: str
    at: Located
    value: Value | None = None
    then: Located | None = None
    on: tuple[str, ...] = ()


def _retry(at: Located, reading: Reading, name: str) -> dict[str, Any] | None:
    if isinstance(at.value, dict):
        return forms.read_fields(at, reading, RETRY, "'retry'")
    count = forms.NATURAL.read(at, reading, name)
    return None if count is None else {"max": count}


def _join(at: Located, reading: Reading, name: str) -> JoinSpec | None:
    if isinstance(at.value, dict):
        found = forms.read_fields(at, reading, {"n": forms.POSITIVE}, "'join'", ["n"])
        return JoinSpec("count", found["n"], at) if "n" in found else None
    match at.value:
        case "all" | "active" | "race":
            return JoinSpec(at.value, 1, at)
        case "first":
            return JoinSpec("count", 1, at)
        case _:
            forms.wrong_choice(at, reading, name, (*JOINS, "{n: k}"))
            return None


ON_ERROR = {
    "on": forms.TEXTS.but("The kinds of errors this form takes; without it all."),
    "value": forms.VALUE.but("The output instead."),
    "then": forms.TEXT.but("The node that takes over; `error` can be read there."),
    "continue": forms.BOOLEAN.but("The output is null and the execution goes on."),
    "fail": forms.BOOLEAN.but("The execution fails, as without `on_error`."),
}
_ACTIONS = ("value", "then", "continue", "fail")


def _on_error(at: Located, reading: Reading, name: str) -> tuple[OnErrorSpec, ...] | None:
    if isinstance(at.value, list):
        rules = [_rule(item, reading, name) for item in at.value]
        return tuple(rule for rule in rules if rule is not None)
    rule = _rule(at, reading, name)
    return None if rule is None else (rule,)


def _rule(at: Located, reading: Reading, name: str) -> OnErrorSpec | None:
    if not isinstance(at.value, dict):
        if at.value in ("fail", "continue"):
            return OnErrorSpec(str(at.value), at)
        forms.wrong_choice(at, reading, name, ("fail", "continue", "{value: …}", "{then: node}"))
        return None
    found = forms.read_fields(at, reading, ON_ERROR, "'on_error'")
    given = [key for key in _ACTIONS if key in at.value]
    if len(given) > 1:
        both = " and ".join(f"'{key}'" for key in given)
        reading.wrong(at.value[given[1]], "schema.conflict", f"'on_error' does one thing, not {both}", key=True)
        return None
    if not given:
        reading.wrong(
            at,
            "schema.missing",
            "'on_error' needs 'value', 'then', 'continue' or 'fail'",
            hint="on_error: {value: null}",
        )
        return None
    action, on = given[0], found.get("on", ())
    if not found.get(action):
        return None if action not in found or action == "then" else OnErrorSpec("fail", at, on=on)
    if action == "then":
        return OnErrorSpec("then", at, then=at.value["then"], on=on)
    return OnErrorSpec(action, at, value=found["value"] if action == "value" else None, on=on)


def _cache(at: Located, reading: Reading, name: str) -> float | bool | None:
    return at.value if isinstance(at.value, bool) else durations.read_duration(at, reading.report)


def _pool(at: Located, reading: Reading, name: str) -> tuple[tuple[str, int], ...] | None:
    if isinstance(at.value, str):
        return ((at.value, 1),)
    if not isinstance(at.value, dict):
        reading.wrong(
            at, "type.mapping", f"'{name}' is a name or a mapping, not {forms.kind_of(at)}", hint="pool: {gpu: 1}"
        )
        return None
    found = [(key, forms.POSITIVE.read(value, reading, key)) for key, value in at.value.items()]
    return tuple((key, units) for key, units in found if units is not None)


def _rate(at: Located, reading: Reading, name: str) -> tuple[str, float] | None:
    if not isinstance(at.value, dict):
        limit = durations.read_rate(at, reading.report)
        return None if limit is None else ("", limit)
    found = forms.read_fields(at, reading, {"name": forms.TEXT, "limit": LIMIT}, "'rate'", ["name", "limit"])
    return (found["name"], found["limit"]) if len(found) == 2 else None


def _limit(at: Located, reading: Reading, name: str) -> float | None:
    return durations.read_rate(at, reading.report)


def _breakpoint(at: Located, reading: Reading, name: str) -> bool | Expression | None:
    return at.value if isinstance(at.value, bool) else forms.CONDITION.read(at, reading, name)


def by_name(form: Form, what: str) -> Form:
    """A mapping from names to values of one form, read into a dictionary."""

    def read(at: Located, reading: Reading, name: str) -> dict[str, Any] | None:
        if not isinstance(at.value, dict):
            reading.wrong(at, "type.mapping", f"'{name}' maps names to {what}, not {forms.kind_of(at)}")
            return None
        found = {key: form.read(value, reading, key) for key, value in at.value.items()}
        return {key: value for key, value in found.items() if value is not None}

    return Form(read, {"type": "object", "additionalProperties": dict(form.schema)})


_RATE_TEXT = {"type": "string", "pattern": r"^\d+(\.\d+)?/(s|sec|min|m|h|hour|d|day)$"}

LIMIT = Form(_limit, _RATE_TEXT)
RETRIES = Form(_retry, {"anyOf": [{"type": "integer", "minimum": 0}, forms.object_schema(RETRY)]})
JOIN = Form(_join, {"anyOf": [{"enum": list(JOINS)}, forms.object_schema({"n": forms.POSITIVE}, ["n"])]})
_RULE_SCHEMA = {"anyOf": [{"enum": ["fail", "continue"]}, forms.object_schema(ON_ERROR)]}
ERRORS = Form(_on_error, {"anyOf": [*_RULE_SCHEMA["anyOf"], {"type": "array", "items": _RULE_SCHEMA}]})
CACHE = Form(_cache, {"anyOf": [{"type": "boolean"}, dict(forms.DURATION.schema)]})
POOL = Form(
    _pool, {"anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": dict(forms.POSITIVE.schema)}]}
)
RATE = Form(
    _rate, {"anyOf": [_RATE_TEXT, forms.object_schema({"name": forms.TEXT, "limit": LIMIT}, ["name", "limit"])]}
)
EFFECTS = forms.choice("none", "idempotent", "once")
BREAKER = forms.mapping(
    {"failures": forms.POSITIVE, "reset": forms.DURATION}, "'breaker'", ["failures", "reset"],
    made=lambda failures, reset: (failures, reset),
)  # fmt: skip
BREAKPOINT = Form(_breakpoint, {"type": ["boolean", "string"]})
BUDGET = forms.mapping({"tokens": forms.POSITIVE, "usd": forms.AMOUNT}, "'budget'")
