"""What a click on a node shows: plain data, all of it text; tables and images where a result is one."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from nbflow.errors import NbflowError
from nbflow.execution.state import ExecutionState, NodeState
from nbflow.execution.usage import tokens_of
from nbflow.notebook.render.lettering import clean, clean_block, seconds, shorten
from nbflow.notebook.render.summary import pretty
from nbflow.notebook.render.watch import Watch, error_line
from nbflow.notebook.verbs import BY_NAME
from nbflow.plan.plan import Ask
from nbflow.runtime.execution import Execution
from nbflow.runtime.explaining import ignored, source_of
from nbflow.runtime.pins import CALLS

LONG = 8000  # characters of a value
ROWS, COLUMNS, CELL = 30, 16, 60
IMAGES = {b"\x89PNG\r\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif"}
HEAVY = 2_000_000  # bytes of an image
INSTANCES = 200
FOREMOST = ("held", "failed", "waiting", "running")
UNSURE = ("in_doubt", "effect")  # waits for a person's word on an effect

Page = dict[str, Any]
Preview = Callable[[str], Any]
Editable = Callable[[str], tuple[str, ...]]


def page(
    watch: Watch, key: str, path: str | None, held: tuple[str, ...], preview: Preview = lambda path: None,
    editable: Editable = lambda path: (), failing: Preview = lambda path: None,
    pinned: Callable[[str], bool] | None = None,
) -> Page:  # fmt: skip
    """The page of a box; `path` chooses a round or item, else the one that needs a person most, or the latest.

    `preview` gives the inputs that a held node is about to get; `editable` what of a node can be changed now;
    `failing` the error on which it is held, which does not count yet; `pinned` whether its output is pinned.
    """
    paths = watch.paths(key) or watch.machines(key)
    item = next(item for item in watch.picture.items() if item.key == key)
    chosen = path if path in paths else _foremost(paths, watch, held)
    if chosen is None:
        facts = [("kind", item.kind), ("line", str(item.line)), *([("doc", item.doc)] if item.doc else [])]
        page = {"key": key, "path": item.path, "title": item.path, "phase": watch.look(key).phase, "facts": facts}
        return page | ({"acts": [BREAK, RUN_TO]} if watch.state.ended is None else {})
    node = watch.state.nodes[chosen]
    is_held, error = chosen in held, failing(chosen)
    return {
        "key": key,
        "path": chosen,
        "title": clean(chosen),
        "phase": "held" if is_held else node.phase if watch.paths(key) else watch.look(key).phase,
        "paths": _choice(paths, chosen, watch, held),
        "facts": _facts(node),
        "acts": _acts(node, is_held, error is not None) + _pin(node, pinned),
        "form": _form(node),
        "blocks": _held_blocks(node, preview, editable(chosen), error or node.error)
        if is_held
        else _blocks(node, editable(chosen)),
    }


def _phase(path: str, watch: Watch, held: tuple[str, ...]) -> str:
    return "held" if path in held else watch.state.nodes[path].phase


def _foremost(paths: Sequence[str], watch: Watch, held: tuple[str, ...]) -> str | None:
    """What is held, else what failed, waits or runs, else what came last."""
    by_phase = {_phase(path, watch, held): path for path in reversed(paths)}
    first = next((by_phase[phase] for phase in FOREMOST if phase in by_phase), None)
    return first or (paths[-1] if paths else None)


def _choice(paths: Sequence[str], chosen: str, watch: Watch, held: tuple[str, ...]) -> list[tuple[str, str]]:
    """The rounds or items, each with its phase: the latest, the one that is shown, and all that are held."""
    last = set(paths[-INSTANCES:])
    shown = [path for path in paths if path in last or path == chosen or path in held]
    return [(path, f"{path} · {_phase(path, watch, held)}") for path in shown]


def _facts(node: NodeState) -> list[tuple[str, str]]:
    facts = [("kind", clean(node.node.kind))]
    if node.attempt:
        most = node.node.policies.retry.max + 1
        facts.append(("attempts", f"{node.attempt} of at most {most}" if most > 1 else str(node.attempt)))
    if node.started is not None:
        facts.append(("began", datetime.fromtimestamp(node.started, UTC).astimezone().strftime("%H:%M:%S")))
    if node.started is not None and node.ended is not None:
        facts.append(("took", seconds(node.ended - node.started)))
    facts += [("effects", node.effects)] if node.effects != "none" else []
    facts += [("because", clean(node.reason))] if node.reason and node.snapshot is None else []
    facts += [("in", clean(" ".join(node.snapshot["configuration"])))] if node.snapshot is not None else []
    facts += [("ignored", clean(ignored(node)))] if node.unheard else []
    facts += [_source(node.taken)] if node.taken else []
    facts += [("doc", clean(node.node.doc))] if node.node.doc else []
    return facts + _usage(node)


def _source(taken: Mapping[str, Any]) -> tuple[str, str]:
    words = source_of(taken)
    return ("kept from", clean(taken["execution"])) if words.startswith("taken") else ("result", clean(words))


def _usage(node: NodeState) -> list[tuple[str, str]]:
    calls = node.calls or []
    models = [call for call in calls if call.kind == "model"]
    if not models:
        return []
    tokens = sum(tokens_of(call.usage) for call in models)
    cost = sum(float(call.usage.get("usd") or 0.0) for call in models)
    facts = [("model calls", f"{len(models)}"), ("tokens", f"{tokens:,}")]
    return facts + ([("cost", f"${cost:.4f}")] if cost else [])


BREAK = ("break", "Breakpoint", "hold here, or no longer (key b)")
RUN_TO = ("run_to", "Run to here", "go on and hold here")


def _acts(node: NodeState, held: bool, failing: bool = False) -> list[tuple[str, ...]]:
    acts: list[tuple[str, ...]] = []
    if failing:
        acts += [("retry", "Retry", "run it again, as it is now"), ("fail", "Let it fail", "take the error as it is")]
    elif held:
        acts.append(("step", "Let go", "run this node and hold what follows"))
    if node.phase == "waiting" and node.reason in (*UNSURE, "retry"):
        acts.append(("retry", "Retry now", "run it again now"))
    if node.phase == "waiting" and node.reason in UNSURE:
        acts.append(("fail", "Fail", "settle it as failed"))
    acts.append(BREAK)
    if node.phase == "pending":
        acts.append(RUN_TO)
    return acts


def _pin(node: NodeState, pinned: Callable[[str], bool] | None) -> list[tuple[str, ...]]:
    """The output of a call can be kept for later executions."""
    if pinned is None or node.phase != "completed" or node.handled or not isinstance(node.node.work, CALLS):
        return []
    if pinned(node.path):
        return [("pin", "Unpin", "later executions call it again")]
    return [("pin", "Pin", "later executions take this output instead of calling it")]


def whole(state: ExecutionState, phase: str, editable: tuple[str, ...], edit: Page | None = None) -> Page:
    """The page of the execution itself: what it was given, and what it gave. `edit` is what a change of it does."""
    given, facts = dict(state.inputs or {}), [("execution", clean(state.id))]
    blocks = (
        [_editable("inputs", given) | {"edit": edit or INPUTS}] if "inputs" in editable else [block("inputs", given)]
    )
    if state.error:
        blocks.insert(0, {"title": "error", "text": _error(state.error), "bad": True})
    return {"key": "", "path": "", "title": clean(state.workflow), "phase": phase, "facts": facts, "blocks": blocks}


def _held_blocks(node: NodeState, preview: Preview, changes: tuple[str, ...], error: Any) -> list[Page]:
    """What can be changed before the node goes on."""
    blocks: list[Page] = []
    if error:
        blocks.append({"title": "error", "text": _error(error), "bad": True})
    try:
        given = preview(node.path)
    except NbflowError as problem:
        blocks.append({"title": "inputs", "text": clean_block(problem), "bad": True})
    else:
        if given is not None:
            blocks.append(_editable("inputs", given) if "inputs" in changes else block("inputs", given))
    return [*blocks, _instead(mock=True)]


INPUTS = {"cmd": "edit_inputs", "label": "Apply to the execution"}
FORKED = {"cmd": "fork", "label": "Fork with these inputs"}
COMMANDS = {"inputs": "edit", "output": "edit_output", "context": "edit_context"}


def _editable(what: str, given: Any) -> Page:
    """A value as JSON that can be changed; what JSON cannot hold is only shown."""
    try:
        text = json.dumps(given, ensure_ascii=False, indent=2)
    except TypeError:
        return block(what, given)
    return {"title": what, "text": text, "edit": {"cmd": COMMANDS[what], "label": f"Apply to {what}"}}


def _instead(*, mock: bool = False) -> Page:
    edit: Page = {"cmd": "skip", "label": BY_NAME["skip"].button}
    also = [("mock", BY_NAME["mock"].button)] if mock else []
    return {"title": "output instead of running", "text": "null", "edit": edit | {"also": also}}


def _blocks(node: NodeState, changes: tuple[str, ...] = ()) -> list[Page]:
    blocks: list[Page] = []
    if node.error:
        blocks.append({"title": "error", "text": _error(node.error), "bad": True})
    if node.inputs is not None:
        shown = {"title": "inputs", "text": pretty(node.inputs, LONG)}
        blocks.append(_editable("inputs", node.inputs) if "inputs" in changes else shown)
    if node.phase == "completed":
        blocks.append(_editable("output", node.output) if "output" in changes else block("output", node.output))
    elif node.phase == "waiting" and node.reason in UNSURE:
        blocks.append(_instead())
    blocks += [
        {"title": clean(f"{call.kind} {call.name} · {seconds(call.seconds)}"), "text": _call(call)}
        for call in node.calls or ()
    ]
    if node.snapshot is not None and "context" in changes:
        blocks.append(_editable("context", node.snapshot["context"]))
    if node.snapshot is not None:
        blocks.append({"title": "chart", "text": pretty(node.snapshot, LONG)})
    return blocks


def _error(error: Mapping[str, Any]) -> str:
    lines = [error_line(error, LONG)] + ([f"hint: {clean(error['hint'])}"] if error.get("hint") else [])
    if error.get("detail") is not None:
        lines.append(pretty(error["detail"], LONG))
    return "\n".join(lines)


def _call(call: Any) -> str:
    parts = []
    if call.request is not None:
        parts.append(f"→ {pretty(call.request, LONG)}")
    if call.error:
        parts.append(f"✗ {error_line(call.error)}")
    elif call.response is not None:
        parts.append(f"← {pretty(call.response, LONG)}")
    return "\n".join(parts)


def block(title: str, value: Any) -> Page:
    """A value as text, as a table (a DataFrame), or as an image (PNG, JPEG, GIF bytes)."""
    if isinstance(value, bytes) and (kind := _image(value)):
        return {"title": title, "image": f"data:image/{kind};base64,{base64.b64encode(value).decode()}"}
    if hasattr(value, "columns") and hasattr(value, "itertuples"):
        return {"title": f"{title} · {len(value):,} × {len(value.columns)}", "table": _table(value)}
    return {"title": title, "text": value if isinstance(value, str) and not value else pretty(value, LONG)}


def _image(content: bytes) -> str | None:
    if len(content) > HEAVY:
        return None
    return next((kind for start, kind in IMAGES.items() if content.startswith(start)), None)


def _table(frame: Any) -> Page:
    part = frame.iloc[:ROWS, :COLUMNS]
    rows = [[shorten(cell, CELL) for cell in row] for row in part.itertuples(index=False)]
    return {"columns": [shorten(name, CELL) for name in part.columns], "rows": rows}


def evaluated(execution: Execution, text: str, node: str | None) -> tuple[str, str, bool]:
    """An expression of the watch list with its value, or with what is wrong with it."""
    try:
        return text, shorten(pretty(execution.evaluate(text, node)), 400), False
    except NbflowError as problem:
        return text, shorten(str(problem).partition("\n")[0], 200), True


# --- questions -----------------------------------------------------------------------------------------


def _form(node: NodeState) -> Page | None:
    """The form of a node that waits for a person."""
    if node.phase != "waiting" or node.reason not in ("ask", "approval"):
        return None
    detail = node.detail if isinstance(node.detail, Mapping) else {}
    prompt = clean_block(detail.get("prompt") or "an answer is needed")
    if detail.get("about") is not None:
        prompt += f"\n{pretty(detail['about'], LONG)}"
    schema = detail.get("schema") or (node.node.work.schema if isinstance(node.node.work, Ask) else None)
    properties = (schema or {}).get("properties")
    if not isinstance(properties, Mapping) or not properties:
        return {
            "prompt": prompt,
            "single": True,
            "fields": [_field("answer", schema or {"type": "string"}, required=True)],
        }
    required = (schema or {}).get("required", ())
    fields = [_field(name, inner, required=name in required) for name, inner in properties.items()]
    return {"prompt": prompt, "single": False, "fields": fields}


def _field(name: str, schema: Any, *, required: bool) -> Page:
    schema = schema if isinstance(schema, Mapping) else {}
    kind = schema.get("type")
    field: Page = {"name": name, "label": clean(name), "required": required}
    default = schema.get("default")
    if isinstance(schema.get("enum"), list | tuple):
        options = [(clean(word), json.dumps(word, ensure_ascii=False)) for word in schema["enum"]]
        return {**field, "options": options, "given": json.dumps(default, ensure_ascii=False)}
    kind = kind if kind in ("string", "number", "integer", "boolean") else "json"
    given = "" if default is None else default if kind == "string" else json.dumps(default, ensure_ascii=False)
    return {**field, "type": kind, "given": given}
