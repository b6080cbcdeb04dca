"""From linked bodies to the plan: edges counted, ranks, roots, and what each node does.

Nothing is checked here: a workflow with errors is not compiled.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from nbflow.plan import meaning
from nbflow.plan import plan as p
from nbflow.plan.link import DATA, ERROR_GATE, GATES, ORDER, Linked, link, work_label
from nbflow.plan.order import backwards
from nbflow.spec.chart import Chart
from nbflow.spec.document import Located
from nbflow.spec.expressions import Value, compile_value, literal
from nbflow.spec.nodes import NodeSpec
from nbflow.spec.policies import OnErrorSpec
from nbflow.spec.triggers import TriggerSpec
from nbflow.spec.workflow import WorkflowSpec

Inline = Callable[[WorkflowSpec], p.Plan]

_EMPTY: Mapping[str, Any] = {}


def compile_plan(spec: WorkflowSpec, root: Linked, *, name: str, source: str) -> p.Plan:
    """The plan of a workflow that has no errors."""
    machine = _machine_workflow(spec, root, name)
    body = Compiler(name).body(root) if machine is None else machine_body(machine)
    handler = root.bodies.get((-1, "on_error"))
    made = p.Plan(
        name=name,
        version="",
        hash="",
        source=source,
        body=body,
        inputs=spec.inputs,
        outputs=_outputs(spec),
        final=final(root) if spec.outputs is None else (),
        on_error=Compiler(f"{name}/on_error").body(handler) if handler is not None else None,
        timeout=spec.timeout,
        priority=spec.priority,
        pools=spec.pools,
        rates=spec.rates,
        budget=spec.budget,
        machine=machine,
        triggers=tuple(_trigger(trigger) for trigger in spec.triggers),
        tags=spec.tags,
        doc=spec.doc,
    )
    return meaning.pinned(made, spec.version)


def machine_body(machine: p.Machine) -> p.Body:
    """A machine workflow is a graph of one node, so that it runs, is stepped and is recovered as any other."""
    node = p.NodePlan(0, MACHINE, "machine", machine, effects="none")
    return p.Body((node,), {MACHINE: 0}, (0,), None, ((),))


MACHINE = "machine"  # the id of that node


def final(root: Linked) -> tuple[int, ...]:
    """Nodes that nothing reads or needs, and that choose nothing: their outputs are the workflow's."""
    used = bytearray(len(root.nodes))
    for sources in root.incoming:
        for source, draft in sources.items():
            if draft.kinds & ~ERROR_GATE:
                used[source] = 1
    return tuple(index for index in range(len(root.nodes)) if not used[index])


def _outputs(spec: WorkflowSpec) -> tuple[tuple[str, Value], ...] | None:
    if spec.outputs is None:
        return None
    return tuple((name, value) for name, (_, value) in spec.outputs.items())


def _trigger(trigger: TriggerSpec) -> Mapping[str, Any]:
    return {"kind": trigger.kind, **trigger.fields}


def _machine_workflow(spec: WorkflowSpec, root: Linked, name: str) -> p.Machine | None:
    if spec.chart is None:
        return None
    bodies = {label: below for (owner, label), below in root.bodies.items() if owner == -1}
    return p.Machine(spec.chart, None, _works(Compiler(name), spec.chart, bodies, ""))


def _works(compiler: Compiler, chart: Chart, bodies: Mapping[str, Linked], path: str) -> tuple[p.Body, ...]:
    return tuple(
        compiler.body(bodies[work_label(number, work.id)], None, path) for number, work in enumerate(chart.works)
    )


class Compiler:
    """Compiles bodies; `name` is the workflow's, for the names of rates."""

    def __init__(self, name: str):
        self.name = name

    def body(self, linked: Linked, result: Value | None = None, path: str = "") -> p.Body:
        """One body. `result` is what it gives; None: its outputs by id."""
        outgoing, counts, sources = _edges(linked)
        inner: dict[int, list[tuple[str, Linked]]] = {}
        for (owner, label), below in linked.bodies.items():
            inner.setdefault(owner, []).append((label, below))
        nodes: list[p.NodePlan | None] = [None] * len(linked.nodes)
        ranks = [0] * len(linked.nodes)
        for index in backwards(linked.incoming):
            spec = linked.nodes[index]
            here = f"{path}.{spec.id}" if path else spec.id
            bodies = dict(inner.get(index, ()))
            work = self._work(spec, bodies, here)
            ranks[index] = _weight(work) + max((ranks[edge.target] for edge in outgoing[index]), default=0)
            nodes[index] = self._node(spec, index, work, bodies, outgoing[index], counts[index], ranks[index], here)
        made = tuple(node for node in nodes if node is not None)
        roots = tuple(index for index, found in enumerate(sources) if not found)
        return p.Body(made, linked.index, roots, result, tuple(sources))

    def _node(
        self, spec: NodeSpec, index: int, work: p.Work, bodies: Mapping[str, Linked], out: tuple[p.Edge, ...],
        counts: tuple[int, int], rank: int, path: str,
    ) -> p.NodePlan:  # fmt: skip
        fields = spec.fields
        undo = bodies.get("compensate")
        join = fields.get("join")
        policies = self._policies(fields, path) if fields else _NONE
        schema, transform = fields.get("output"), fields.get("transform")
        return p.NodePlan(
            index=index,
            id=spec.id,
            kind=spec.kind,
            work=work,
            out=out,
            activating=counts[0],
            delaying=counts[1],
            join=p.Join(join.mode, join.count) if join is not None else _ALL,
            condition=fields.get("if"),
            policies=policies,
            effects=fields.get("effects"),
            schema=schema,
            transform=transform,
            compensate=self.body(undo, path=f"{path}.compensate") if undo is not None else None,
            mock=fields.get("mock"),
            breakpoint=fields.get("breakpoint", False),
            rank=rank,
            line=spec.at.key_line,
            column=spec.at.key_column,
            doc=fields.get("doc"),
            tags=fields.get("tags", ()),
            meaning=meaning.of_node(spec.kind, work, schema, transform, policies.on_error),
        )

    def _policies(self, fields: Mapping[str, Any], path: str) -> p.Policies:
        if _POLICIES.isdisjoint(fields):
            return _NONE
        rate = fields.get("rate")
        return p.Policies(
            retry=p.Retry(**fields["retry"]) if "retry" in fields else _NO_RETRY,
            timeout=fields.get("timeout"),
            deadline=fields.get("deadline"),
            on_error=tuple(_on_error(rule) for rule in fields.get("on_error", ())),
            cache=fields.get("cache", False),
            priority=fields.get("priority", 0),
            pool=fields.get("pool", ()),
            rate=(rate[0] or f"{self.name}/{path}", rate[1]) if rate else None,
            breaker=fields.get("breaker"),
            where=fields.get("where"),
        )

    def _work(self, spec: NodeSpec, bodies: Mapping[str, Linked], path: str) -> p.Work:
        maker = _MAKERS.get(spec.kind, _plugin)
        return maker(self, spec, bodies, path)


_ALL = p.Join()
_NONE = p.Policies()
_NO_RETRY = p.Retry()
_POLICIES = frozenset(
    ("retry", "timeout", "deadline", "on_error", "cache", "priority", "pool", "rate", "breaker", "where")
)


def _edges(linked: Linked) -> tuple[list[tuple[p.Edge, ...]], list[tuple[int, int]], list[tuple[int, ...]]]:
    """Edges by source in the order of targets, (activating, delaying) and sources by target."""
    outgoing: list[list[p.Edge]] = [[] for _ in linked.nodes]
    counts: list[tuple[int, int]] = []
    sources: list[tuple[int, ...]] = []
    for target, incoming in enumerate(linked.incoming):
        ordered = any(draft.kinds & ~DATA for draft in incoming.values())
        activating = 0
        for source, draft in incoming.items():
            active = not ordered or bool(draft.kinds & ~DATA)
            activating += active
            outgoing[source].append(_edge(target, draft.kinds, active, " / ".join(draft.labels) or None))
        counts.append((activating, len(incoming) - activating))
        sources.append(tuple(sorted(incoming)))
    return [tuple(edges) for edges in outgoing], counts, sources


def _edge(target: int, kinds: int, active: bool, label: str | None) -> p.Edge:
    if kinds == DATA:
        return p.Edge(target, active)
    if kinds == ORDER:
        return p.Edge(target, True, False, ("order",))
    names = [name for name, bit in (("data", DATA), ("order", ORDER), ("gate", GATES)) if kinds & bit]
    return p.Edge(target, True, bool(kinds & GATES), tuple(names), label)


def _weight(work: p.Work) -> int:
    """How long a node is on the critical path: one, and the longest way through its bodies."""
    match work:
        case p.Loop() | p.ForEach():
            inner: tuple[p.Body, ...] = (work.body,)
        case p.Branches():
            inner = tuple(body for _, body in work.bodies)
        case p.SubWorkflow(plan=p.Plan() as plan):
            inner = (plan.body,)
        case _:
            return 1
    return 1 + max((node.rank for body in inner for node in body.nodes), default=0)


def _on_error(rule: OnErrorSpec) -> p.OnError:
    then = None if rule.then is None else str(rule.then.value)
    return p.OnError(rule.action, rule.value, then, rule.on)  # type: ignore[arg-type]


# --- what a node does, by kind -------------------------------------------------------------------------------


def _arguments(spec: NodeSpec) -> Value:
    found: Value | None = spec.fields.get("with")
    return found if found is not None else literal({})


def _tool(compiler: Compiler, spec: NodeSpec, bodies: Mapping[str, Linked], path: str) -> p.Work:
    return p.ToolCall(spec.verb["name"], _arguments(spec))


def _agent(compiler: Compiler, spec: NodeSpec, bodies: Mapping[str, Linked], path: str) -> p.Work:
    given = dict(spec.verb)
    prompt = given.pop("prompt", None)
    if "tools" in given:
        given["tools"] = tuple(str(tool.value) for tool in given["tools"])
    return p.AgentCall(prompt, **given, arguments=spec.fields.get("with"))


def _switch(compiler: Compiler, spec: NodeSpec, bodies: Mapping[str, Linked], path: str) -> p.Work:
    return p.Switch(
        tuple(
            p.Case(case.when, tuple(str(then.value) for then in case.then), case.label) for case in spec.verb["cases"]
        )
    )


def _aggregate(compiler: Compiler, spec: NodeSpec, bodies: Mapping[str, Linked], path: str) -> p.Work:
    fields = spec.fields
    return p.Aggregate(spec.verb["how"], _arguments(spec), fields.get("by"), fields.get("start"), fields.get("step"))


def _set(compiler: Compiler, spec: NodeSpec, bodies: Mapping[str, Linked], path: str) -> p.Work:
    return p.Assign(spec.verb["values"])


def _loop(compiler: Compiler, spec: NodeSpec, bodies: Mapping[str, Linked], path: str) -> p.Work:
    verb = spec.verb
    return p.Loop(
        compiler.body(bodies[""], spec.fields.get("result"), path), verb.get("max"), verb.get("until"),
        verb.get("while"), verb.get("start"), verb.get("next"), verb.get("collect"),
    )  # fmt: skip


def _parallel(compiler: Compiler, spec: NodeSpec, bodies: Mapping[str, Linked], path: str) -> p.Work:
    verb = spec.verb
    if "branches" not in verb:
        body = compiler.body(bodies[""], spec.fields.get("result"), path)
        return p.ForEach(body, verb["for_each"], verb.get("max"), verb.get("collect"), verb.get("on_fail", "fail"))
    made = []
    for branch in verb["branches"]:
        result = _reading(branch.name, branch.at) if branch.single else branch.result
        made.append((branch.name, compiler.body(bodies[branch.name], result, f"{path}.{branch.name}")))
    return p.Branches(tuple(made), verb.get("max"), verb.get("on_fail", "fail"))


def _reading(id: str, at: Located) -> Value:
    """A template that gives a node's output."""
    text = Located(f"={id}", at.line, at.column, at.key_line, at.key_column, "plain", at.source)
    return compile_value(text, lambda finding: None)


def _workflow(compiler: Compiler, spec: NodeSpec, bodies: Mapping[str, Linked], path: str) -> p.Work:
    verb = spec.verb
    inline: WorkflowSpec | None = verb.get("inline")
    plan = None
    name = verb["name"]
    if inline is not None:
        name = name or f"{compiler.name}_{spec.id}"
        plan = compile_plan(inline, link(inline), name=name, source=json.dumps(inline.at.plain(), ensure_ascii=False))
    return p.SubWorkflow(name, verb.get("version"), _arguments(spec), plan)


def _ask(compiler: Compiler, spec: NodeSpec, bodies: Mapping[str, Linked], path: str) -> p.Work:
    verb = spec.verb
    default = verb.get("default")
    schema = verb.get("output", spec.fields.get("output"))
    return p.Ask(verb["prompt"], schema, verb.get("to"), verb.get("timeout"), default, default is not None)


def _wait(compiler: Compiler, spec: NodeSpec, bodies: Mapping[str, Linked], path: str) -> p.Work:
    return p.Wait(spec.verb.get("seconds"), spec.verb.get("until"))


def _emit(compiler: Compiler, spec: NodeSpec, bodies: Mapping[str, Linked], path: str) -> p.Work:
    return p.Emit(spec.verb["event"], spec.verb.get("key"), _arguments(spec))


def _listen(compiler: Compiler, spec: NodeSpec, bodies: Mapping[str, Linked], path: str) -> p.Work:
    return p.Listen(spec.verb["event"], spec.verb.get("if"), spec.verb.get("timeout"))


def _machine(compiler: Compiler, spec: NodeSpec, bodies: Mapping[str, Linked], path: str) -> p.Work:
    chart = spec.verb["chart"]
    return p.Machine(chart, spec.fields.get("with"), _works(compiler, chart, bodies, path))


def _plugin(compiler: Compiler, spec: NodeSpec, bodies: Mapping[str, Linked], path: str) -> p.Work:
    return p.PluginCall(spec.verb.get("parameters", literal(None)), _arguments(spec))


_MAKERS: Mapping[str, Callable[[Compiler, NodeSpec, Mapping[str, Linked], str], p.Work]] = {
    "tool": _tool, "agent": _agent, "switch": _switch, "aggregate": _aggregate, "set": _set, "loop": _loop,
    "parallel": _parallel, "workflow": _workflow, "ask": _ask, "wait": _wait, "emit": _emit, "listen": _listen,
    "machine": _machine,
}  # fmt: skip
