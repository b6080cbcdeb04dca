"""The built-in verbs that hold no body: their parameters, and the short forms that stand for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nbflow.spec import durations, forms, policies
from nbflow.spec.document import Located
from nbflow.spec.expressions import Expression
from nbflow.spec.forms import Fields, Form, Reading
from nbflow.spec.names import WORKFLOW_NAME

AGGREGATES = (
    "object", "list", "merge", "concat", "sum", "mean", "min", "max", "count", "first", "best", "vote", "reduce",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CaseSpec:
    """One case of a switch; `when` is None for `else`."""

    at: Located
    when: Expression | None
    then: tuple[Located, ...]
    label: str | None


AGENT: Fields = {
    "prompt": forms.TEMPLATE.but("What is asked; `${{ }}` puts values in."),
    "model": forms.TEXT.but("`provider/name`, an alias, or the name of a registered agent."),
    "system": forms.TEMPLATE.but("Who the model is and how it answers."),
    "messages": forms.VALUE.but("Messages before the prompt: a list of {role, content}."),
    "tools": forms.NAMES.but("Tools the model may call."),
    "max_turns": forms.POSITIVE.but("At most so many replies of the model."),
    "repair": forms.NATURAL.but("How often a reply that does not fit `output` is sent back."),
    "fallback": forms.TEXTS.but("Models tried in order when the first cannot answer."),
    "memory": forms.TEXT.but("The thread that is carried on: `loop`, or a name."),
    "images": forms.VALUE.but("Pictures or files that go with the prompt."),
    "temperature": forms.AMOUNT.but("0 for the likeliest words."),
    "max_tokens": forms.POSITIVE.but("The longest answer, in tokens."),
    "stream": forms.BOOLEAN.but("Show the text while it comes; usual."),
    "budget": policies.BUDGET.but("The most this node may use: tokens, usd."),
    "approve": forms.choice("once", "always", "never").but("Tools that need a yes: effects once (usual), all, none."),
    "options": forms.JSON.but("Handed to the provider as they are."),
    "headers": forms.ARGUMENTS.but("HTTP headers for the provider; secrets may stand here."),
    "auth": forms.VALUE.but("The key, when it is not in the environment: `=secrets.NAME`."),
}  # fmt: skip

ASK: Fields = {
    "prompt": forms.TEMPLATE.but("The question."),
    "output": forms.SCHEMA.but("The schema of the answer."),
    "to": forms.VALUE.but("Who is asked."),
    "timeout": forms.DURATION.but("How long it waits."),
    "default": forms.VALUE.but("The answer when time is up."),
}

WAIT: Fields = {"until": forms.VALUE.but("A time, as 2030-01-31T09:00:00Z or an expression.")}

EMIT: Fields = {
    "event": forms.TEXT.but("The event's name."),
    "key": forms.VALUE.but("Says which event it is, for those that listen and for repeats."),
}

LISTEN: Fields = {
    "event": forms.TEXT.but("The event's name."),
    "if": forms.CONDITION.but("Only events for which this holds, over `event`."),
    "timeout": forms.DURATION.but("How long it listens."),
}

AGGREGATE: Fields = {
    "by": forms.CONDITION.but("For best: the larger, the better; over `item`."),
    "start": forms.VALUE.but("For reduce: the first `acc`."),
    "step": forms.CONDITION.but("For reduce: the next `acc`, over `acc` and `item`."),
}

CASE: Fields = {
    "when": forms.CONDITION.but("The case is taken when this holds."),
    "then": forms.NAMES.but("The nodes that run then."),
    "else": forms.NAMES.but("The nodes that run when no case holds; the last entry."),
    "label": forms.TEXT.but("A name for the branch."),
}


def read_tool(at: Located, reading: Reading, name: str) -> dict[str, Any] | None:
    """`tool: NAME`."""
    if isinstance(at.value, dict):
        reading.wrong(
            at,
            "type.string",
            "'tool' is a tool's name; its arguments go under 'with'",
            hint="tool: http.get\nwith: {url: …}",
        )
        return None
    tool = forms.TEXT.read(at, reading, name)
    return None if tool is None else {"name": tool}


def read_agent(at: Located, reading: Reading, name: str) -> dict[str, Any] | None:
    """`agent: PROMPT` or its fields."""
    if isinstance(at.value, dict):
        return forms.read_fields(at, reading, AGENT, "'agent'")
    prompt = forms.TEMPLATE.read(at, reading, "agent")
    return None if prompt is None else {"prompt": prompt}


def read_switch(at: Located, reading: Reading, name: str) -> dict[str, Any] | None:
    """A list of cases, tried in order."""
    if not isinstance(at.value, list):
        reading.wrong(
            at,
            "type.list",
            f"'switch' is a list of cases, not {forms.kind_of(at)}",
            hint="switch:\n  - {when: …, then: node}\n  - {else: node}",
        )
        return None
    if not at.value:
        reading.wrong(at, "schema.empty", "'switch' has no cases")
        return None
    cases = [_case(item, reading) for item in at.value]
    for index, item in enumerate(at.value[:-1]):
        if isinstance(item.value, dict) and "else" in item.value:
            reading.wrong(
                item.value["else"],
                "schema.order",
                f"'else' must be the last case, here it is number {index + 1}",
                key=True,
            )
    return {"cases": tuple(case for case in cases if case is not None)}


def _case(at: Located, reading: Reading) -> CaseSpec | None:
    found = forms.read_fields(at, reading, CASE, "a case")
    if not isinstance(at.value, dict):
        return None
    given = at.value
    if "else" in given:
        for other in ("when", "then"):
            if other in given:
                reading.wrong(given[other], "schema.conflict", f"an 'else' has no '{other}'", key=True)
        return CaseSpec(at, None, found.get("else", ()), found.get("label"))
    if "when" not in given:
        reading.wrong(
            at, "schema.missing", "a case needs 'when' and 'then', or 'else'", hint="{when: score > 3, then: node}"
        )
        return None
    if "then" not in given:
        reading.wrong(
            at, "schema.missing", "a case with 'when' needs 'then': the node that runs", hint="{when: …, then: node}"
        )
        return None
    return CaseSpec(at, found["when"], found.get("then", ()), found.get("label")) if "when" in found else None


def read_set(at: Located, reading: Reading, name: str) -> dict[str, Any] | None:
    """`set: {name: value}`."""
    if not isinstance(at.value, dict):
        reading.wrong(
            at,
            "type.mapping",
            f"'set' is a mapping from names to values, not {forms.kind_of(at)}",
            hint="set: {total: =a.x + b.x}",
        )
        return None
    return {"values": forms.VALUE.read(at, reading, name)}


def read_aggregate(at: Located, reading: Reading, name: str) -> dict[str, Any] | None:
    """`aggregate: KIND`; `by`, `start` and `step` stand beside it."""
    how = AGGREGATE_KIND.read(at, reading, name)
    return None if how is None else {"how": how}


def read_ask(at: Located, reading: Reading, name: str) -> dict[str, Any] | None:
    """`ask: TEXT` or its fields."""
    if isinstance(at.value, dict):
        return forms.read_fields(at, reading, ASK, "'ask'", ["prompt"])
    prompt = forms.TEMPLATE.read(at, reading, name)
    return None if prompt is None else {"prompt": prompt}


def read_wait(at: Located, reading: Reading, name: str) -> dict[str, Any] | None:
    """`wait: DURATION` or `{until: TIME}`."""
    if isinstance(at.value, dict):
        until = at.value.get("until")
        if until is not None and not (
            isinstance(until.value, str) and ("${{" in until.value or until.value[:1] == "=")
        ):
            durations.read_moment(until, reading.report)
        return forms.read_fields(at, reading, WAIT, "'wait'", ["until"])
    seconds = durations.read_duration(at, reading.report)
    return None if seconds is None else {"seconds": seconds}


def _event(fields: Fields) -> Any:
    def read(at: Located, reading: Reading, name: str) -> dict[str, Any] | None:
        if isinstance(at.value, dict):
            return forms.read_fields(at, reading, fields, f"'{name}'", ["event"])
        event = forms.TEXT.read(at, reading, name)
        return None if event is None else {"event": event}

    return read


read_emit = _event(EMIT)
read_listen = _event(LISTEN)


def split_version(text: str) -> tuple[str, str | None]:
    """``NAME@version`` in its parts."""
    name, mark, version = text.partition("@")
    return name, version if mark else None


def read_reference(at: Located, reading: Reading) -> dict[str, Any] | None:
    """`workflow: NAME[@version]`."""
    text = forms.TEXT.read(at, reading, "workflow")
    if text is None:
        return None
    name, version = split_version(text)
    if not WORKFLOW_NAME.match(name) or version == "":
        reading.wrong(
            at, "schema.name",
            f"'{text}' is not a workflow's name: lower-case letters, digits, _ and -, perhaps @version",
            hint="a file's workflow goes by its name, without .yaml" if "." in name or "/" in name else None,
        )  # fmt: skip
        return None
    return {"name": name, "version": version}


AGGREGATE_KIND: Form = forms.choice(*AGGREGATES)
