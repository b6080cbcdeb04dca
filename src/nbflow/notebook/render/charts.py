"""A statechart as one draws it: states in states, a dot where one begins, transitions with event and guard."""

from __future__ import annotations

from nbflow.notebook.render.canvas import Canvas
from nbflow.notebook.render.lettering import seconds, shorten
from nbflow.spec.chart import ROOT, Chart, State, Transition

LABEL = 40  # characters of a transition


def draw_chart(canvas: Canvas, chart: Chart, path: str, cluster: str | None) -> None:
    """Put the states of a chart into a cluster (or on the bare canvas). `path` is the machine's node, or empty."""
    keys: dict[int, str] = {}
    for state in chart.states[ROOT + 1 :]:
        parent = keys[state.parent] if state.parent != ROOT else cluster
        keys[state.index] = _state(canvas, chart, state, path, parent)
    canvas.states[path] = {chart.states[index].id: key for index, key in keys.items()}
    for state in chart.states:
        if state.kind == "compound" or (state.index == ROOT and state.children):
            _initial(canvas, state, path, keys, keys.get(state.index, cluster))
    root = chart.states[ROOT]
    if any(transition.targets for transition in (*root.transitions, *root.always)):  # they hold in every state
        keys[ROOT] = canvas.box(f"{path}:*", "any state", "state", cluster=cluster)
    for transition in chart.transitions():
        _transition(canvas, chart, transition, keys)


def _state(canvas: Canvas, chart: Chart, state: State, path: str, parent: str | None) -> str:
    name, label, doc = f"{path}:{state.id}" if path else state.id, state.label or state.id, state.doc or ""
    if state.children or state.histories:
        kind = "parallel states" if state.kind == "parallel" else "state"
        return canvas.cluster(name, label, kind, _detail(chart, state), doc, parent, line=state.line)
    kind = {"final": "final", "shallow": "history", "deep": "history"}.get(state.kind, "state")
    return canvas.box(name, label, kind, _detail(chart, state), doc, parent, line=state.line)


def _detail(chart: Chart, state: State) -> str:
    words = [f"runs {chart.works[number].id}" for number in state.invokes]
    if state.kind in ("shallow", "deep"):
        words.append(f"{state.kind} history")
    return shorten(", ".join(words), 60)


def _initial(canvas: Canvas, state: State, path: str, keys: dict[int, str], cluster: str | None) -> None:
    targets = state.initial or state.children[:1]
    if not targets:
        return
    start = canvas.box(f"{path}:", "start", "initial", cluster=cluster)
    for target in targets:
        canvas.wire(start, keys[target], ("transition",))


def _transition(canvas: Canvas, chart: Chart, transition: Transition, keys: dict[int, str]) -> None:
    source = keys.get(transition.source)
    stays = () if transition.source == ROOT else (transition.source,)
    for target in transition.targets or stays:
        if source is not None and target in keys:
            canvas.wire(source, keys[target], ("transition",), _label(chart, transition))


def _label(chart: Chart, transition: Transition) -> str:
    if transition.label:
        return shorten(transition.label, LABEL)
    words = list(transition.events)
    if transition.timer is not None:
        timers = dict(chart.states[transition.source].timers)
        words.append(f"after {seconds(timers[transition.timer])}" if transition.timer in timers else "after a time")
    if transition.condition is not None:
        words.append(f"[{transition.condition.text}]")
    return shorten(" ".join(words), LABEL)
