"""A plan becomes a picture: nodes are boxes, bodies are frames around them, edges are wires.

Only what the plan says is read; nothing is looked up, imported or run.
"""

from __future__ import annotations

from functools import singledispatch

from nbflow.notebook.render.canvas import Canvas
from nbflow.notebook.render.charts import draw_chart
from nbflow.notebook.render.lettering import clean, seconds, shorten
from nbflow.notebook.render.picture import Picture, WireKind
from nbflow.plan.plan import (
    AgentCall,
    Aggregate,
    Ask,
    Body,
    Branches,
    Emit,
    ForEach,
    Join,
    Listen,
    Loop,
    Machine,
    NodePlan,
    Plan,
    SubWorkflow,
    Switch,
    ToolCall,
    Wait,
)

LARGEST = 1500  # boxes; above it bodies are drawn as one stacked box each
LABEL = 34  # characters of a condition on a wire


def picture(plan: Plan, *, largest: int = LARGEST) -> Picture:
    """The picture of a plan, with its bodies open as long as it stays under `largest` boxes."""
    return _Extraction(plan, open_bodies=_count(plan.body) <= largest).run()


def _count(body: Body) -> int:
    return sum(1 + sum(_count(inner) for _, inner in _bodies(node)) for node in body.nodes)


def _bodies(node: NodePlan) -> tuple[tuple[str, Body], ...]:
    """The bodies of a node by branch name; a single one has no name."""
    work = node.work
    if isinstance(work, Loop | ForEach):
        return (("", work.body),)
    if isinstance(work, Branches):
        return work.bodies
    return ()


class _Extraction:
    def __init__(self, plan: Plan, *, open_bodies: bool) -> None:
        self.plan, self.open_bodies = plan, open_bodies
        self.canvas = Canvas()
        self.places = self.canvas.places

    def run(self) -> Picture:
        canvas = self.canvas
        if self.plan.machine is not None:
            draw_chart(canvas, self.plan.machine.chart, self.plan.body.nodes[0].id, None)
        else:
            self.draw(self.plan.body, "", None)
        if self.plan.on_error is not None:
            frame = canvas.cluster("on_error", "on error", "on_error", node=False)
            self.draw(self.plan.on_error, "on_error", frame)
        return canvas.picture(self.plan.name, self.plan.version, collapsed=not self.open_bodies)

    def draw(self, body: Body, prefix: str, cluster: str | None) -> None:
        for node in body.nodes:
            self.node(node, f"{prefix}.{node.id}" if prefix else node.id, cluster)
        for node in body.nodes:
            source = self.places[f"{prefix}.{node.id}" if prefix else node.id]
            for edge in node.out:
                target = body.nodes[edge.target]
                path = f"{prefix}.{target.id}" if prefix else target.id
                label = _gate_label(node, target.id, edge.label) if edge.gate else ""
                key = self.canvas.wire(source, self.places[path], _kinds(edge.kinds, edge.gate), label)
                if edge.gate:
                    self.canvas.gates[source, target.id] = key

    def node(self, node: NodePlan, path: str, cluster: str | None) -> None:
        bodies, chart = _bodies(node), node.work.chart if isinstance(node.work, Machine) else None
        words = (node.id, node.kind, _with_join(detail(node.work), node.join), node.doc or "", cluster)
        if (bodies or chart is not None) and self.open_bodies:
            key = self.places[path] = self.canvas.cluster(path, *words, line=node.line)
            self.bodies(bodies, path, key)
            if chart is not None:
                draw_chart(self.canvas, chart, path, key)
        else:
            key = self.places[path] = self.canvas.box(path, *words, stacked=bool(bodies), line=node.line)
        if node.compensate is not None:
            self.undo(node.compensate, path, key, cluster)

    def bodies(self, bodies: tuple[tuple[str, Body], ...], path: str, key: str) -> None:
        for name, body in bodies:
            inner = f"{path}.{name}" if name else path
            branch = self.canvas.cluster(inner, name, "branch", parent=key, node=False) if name else key
            self.draw(body, inner, branch)

    def undo(self, body: Body, path: str, key: str, cluster: str | None) -> None:
        self.draw(body, f"{path}.compensate", cluster)
        for index in body.roots:
            self.canvas.wire(key, self.places[f"{path}.compensate.{body.nodes[index].id}"], ("undo",))


def _kinds(kinds: tuple[str, ...], gate: bool) -> tuple[WireKind, ...]:
    named: list[WireKind] = [kind for kind in ("data", "order", "gate") if kind in kinds]
    return (*named, "gate") if gate and "gate" not in named else tuple(named) or ("data",)


def _gate_label(node: NodePlan, target: str, label: str | None) -> str:
    if label:
        return shorten(label, LABEL)
    if not isinstance(node.work, Switch):
        return "on error"
    for case in node.work.cases:
        if target in case.then:
            words = case.label or ("else" if case.when is None else case.when.text)
            return shorten(words, LABEL)
    return ""


def _with_join(words: str, join: Join) -> str:
    if join.mode == "all":
        return words
    mode = {"active": "any live", "race": "race"}.get(join.mode) or (
        "first" if join.count == 1 else f"first {join.count}"
    )
    return f"{words} · {mode}" if words else mode


@singledispatch
def detail(work: object) -> str:
    """What the second line of a box says of the node's work."""
    return ""


@detail.register
def _(work: ToolCall) -> str:
    return clean(work.name)


@detail.register
def _(work: AgentCall) -> str:
    return clean((work.model or "").rpartition("/")[2])


@detail.register
def _(work: Switch) -> str:
    return "1 case" if len(work.cases) == 1 else f"{len(work.cases)} cases"


@detail.register
def _(work: Aggregate) -> str:
    return clean(work.how)


@detail.register
def _(work: Loop) -> str:
    words = [f"until {shorten(work.until.text, 60)}"] if work.until is not None else []
    words += [f"while {shorten(work.while_.text, 60)}"] if work.while_ is not None else []
    words += [f"at most {work.max}"] if work.max is not None else []
    return " · ".join(words)


@detail.register
def _(work: ForEach) -> str:
    words = [f"each of {shorten(work.items.text, 60)}"]
    words += [f"{work.max} at once"] if work.max is not None else []
    return " · ".join(words)


@detail.register
def _(work: Branches) -> str:
    return f"{len(work.bodies)} branches"


@detail.register
def _(work: SubWorkflow) -> str:
    return clean(f"{work.name}@{work.version}" if work.version else work.name)


@detail.register
def _(work: Ask) -> str:
    return "a person answers"


@detail.register
def _(work: Wait) -> str:
    return "until a time" if work.seconds is None else seconds(work.seconds)


@detail.register
def _(work: Emit) -> str:
    return clean(work.event)


@detail.register
def _(work: Listen) -> str:
    return clean(work.event)


@detail.register
def _(work: Machine) -> str:
    return "statechart"
