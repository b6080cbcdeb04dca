"""The kinds of nodes: the verbs of the language. Built-in ones are here; plug-ins add theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from pydantic import BaseModel

from nbflow.spec import bodies, forms, verbs
from nbflow.spec.document import Located
from nbflow.spec.forms import Fields, Reading
from nbflow.spec.models import model_fields, read_model

Effects = Literal["none", "idempotent", "once"]


@dataclass(frozen=True, slots=True)
class KindSpec:
    """A verb. `reader` reads its value; a plug-in gives a pydantic `model` instead.

    `effects` is what an attempt does to the world unless the node (or its tool) says otherwise, None when
    only they can say. `nests` kinds have a body under `nodes`. `fields` are the parameters in long form,
    `short` the JSON Schema of the short one, `beside` fields that stand at the node itself.
    """

    name: str
    model: type[BaseModel] | None = None
    effects: Effects | None = "none"
    nests: bool = False
    reader: Callable[[Located, Reading, str], Mapping[str, Any] | None] | None = None
    fields: Fields = field(default_factory=dict)
    beside: Fields = field(default_factory=dict)
    short: Mapping[str, Any] | None = None
    doc: str = ""
    example: str | None = None
    takes_arguments: bool = True
    nullable: bool = False

    @property
    def read(self) -> Callable[[Located, Reading, str], Mapping[str, Any] | None]:
        if self.reader is not None:
            return self.reader
        assert self.model is not None, f"kind {self.name} has neither a reader nor a model"
        return partial(read_model, self.model)

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema of the verb's value."""
        if self.model is not None:
            return model_fields(self.model)
        long = forms.object_schema(self.fields) if self.fields else None
        both = [form for form in (self.short, long) if form is not None]
        return both[0] if len(both) == 1 else {"anyOf": both}


_TEXT = {"type": "string", "minLength": 1}

_ALL = (
    KindSpec(
        "tool", reader=verbs.read_tool, effects=None, short=_TEXT, example="tool: http.get",
        doc="Calls a tool by name: a function, or a built-in as http.get. Arguments go under `with`.",
    ),
    KindSpec(
        "agent", reader=verbs.read_agent, effects="idempotent", fields=verbs.AGENT, short=_TEXT,
        example='agent: "Summarise: ${{ fetch.body }}"',
        doc="Asks a model, or a registered agent. A text is the prompt.",
    ),
    KindSpec(
        "switch", reader=verbs.read_switch, takes_arguments=False,
        example="switch: [{when: score > 3, then: a}, {else: b}]",
        short={"type": "array", "minItems": 1, "items": forms.object_schema(verbs.CASE)},
        doc="Chooses: the first case whose `when` holds.",
    ),
    KindSpec(
        "parallel", reader=bodies.read_parallel, nests=True, fields=bodies.PARALLEL, takes_arguments=False,
        example="parallel: {for_each: inputs.items}", doc="Runs its body for each item, or named branches, at once.",
    ),
    KindSpec(
        "loop", reader=bodies.read_loop, nests=True, fields=bodies.LOOP, takes_arguments=False,
        example="loop: {max: 3, until: scored.score > 0.8}", doc="Runs its body in rounds.",
    ),
    KindSpec(
        "aggregate", reader=verbs.read_aggregate, short={"enum": list(verbs.AGGREGATES)}, beside=verbs.AGGREGATE,
        example="aggregate: object", doc="Joins what is under `with` into one value.",
    ),
    KindSpec(
        "workflow", reader=bodies.read_workflow, short={"anyOf": [_TEXT, {"$ref": "#/$defs/workflow"}]},
        example="workflow: review_article", doc="Runs another workflow; `with` are its inputs.",
    ),
    KindSpec(
        "ask", reader=verbs.read_ask, fields=verbs.ASK, short=_TEXT, takes_arguments=False,
        example='ask: "Publish?"', doc="Asks a person and waits for the answer.",
    ),
    KindSpec(
        "wait", reader=verbs.read_wait, fields=verbs.WAIT, short=forms.DURATION.schema, takes_arguments=False,
        example="wait: 10m", doc="Waits for a time.",
    ),
    KindSpec(
        "emit", reader=verbs.read_emit, fields=verbs.EMIT, short=_TEXT, effects="idempotent",
        example="emit: order_placed", doc="Sends an event; `with` is its data.",
    ),
    KindSpec(
        "listen", reader=verbs.read_listen, fields=verbs.LISTEN, short=_TEXT, takes_arguments=False,
        example="listen: order_paid", doc="Waits for an event and gives its data.",
    ),
    KindSpec(
        "set", reader=verbs.read_set, short={"type": "object"}, takes_arguments=False,
        example="set: {total: =a.x + b.x}", doc="Gives values names.",
    ),
    KindSpec(
        "machine", reader=bodies.read_chart, short={"$ref": "#/$defs/machine"},
        example="machine: {initial: open, states: {…}}", doc="Runs a statechart.",
    ),
)  # fmt: skip

BUILT_IN: Mapping[str, KindSpec] = {kind.name: kind for kind in _ALL}
