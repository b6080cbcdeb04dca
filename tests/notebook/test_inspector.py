"""The page of a node: all that is known of it, as text; tables and images where a result is one."""

from __future__ import annotations

import asyncio

import pandas as pd
import pytest

from nbflow import assembly
from nbflow.errors import ExecutionFailed
from nbflow.notebook import inspector
from nbflow.notebook.render.extract import picture
from nbflow.notebook.render.summary import progress, row
from nbflow.notebook.render.watch import Watch

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


async def looked_at(text, node, inputs=None, path=None, **tools):
    assembly.tools.register_all(tools)
    execution = assembly.start(text, inputs, store="memory:")
    try:
        await execution
    except ExecutionFailed:
        assert execution.phase == "failed"
    watch = Watch(execution.plan, picture(execution.plan))
    watch.fold(execution.events)
    return inspector.page(watch, watch.picture.places[node], path, ())


def blocks(page):
    return {block["title"]: block for block in page["blocks"]}


async def test_inputs_output_attempts_and_times():
    page = await looked_at("nodes: {a: {tool: double_it, with: {x: 4}}}", "a", double_it=lambda x: x * 2)
    facts = dict(page["facts"])
    assert page["phase"] == "completed"
    assert facts["kind"] == "tool"
    assert facts["attempts"] == "1"
    assert {"began", "took"} <= set(facts)
    assert blocks(page)["inputs"]["text"] == '{\n  "x": 4\n}'
    assert blocks(page)["output"]["text"] == "8"


MACHINE = """
machine:
  initial: a
  states:
    a: {initial: b, states: {b: {events: {odd: {assign: {n: =1/0}}}}}, events: {go: z}}
    z: final
"""


async def machine(*signals):
    execution = assembly.start(MACHINE, store="memory:")
    await execution.until("waiting")
    for name in signals:
        execution.signal(name)
    while "machine" not in execution.nodes or execution.nodes["machine"].heard < len(signals):
        await asyncio.sleep(0)
    watch = Watch(execution.plan, picture(execution.plan))
    watch.fold(execution.events)
    return execution, watch


async def test_a_state_shows_its_machine_and_what_it_ignored():
    execution, watch = await machine("nonsense", "nonsense", "odd")
    states = watch.picture.states["machine"]
    page = inspector.page(watch, states["b"], None, ())
    facts = dict(page["facts"])
    assert (page["path"], page["phase"]) == ("machine", "running")
    assert facts["in"] == "a b"
    assert facts["ignored"] == "nonsense ×2, error.execution"
    assert '"configuration"' in blocks(page)["chart"]["text"]
    assert inspector.page(watch, states["z"], None, ())["phase"] == "pending"
    assert row(execution.nodes["machine"]).says == "in a b; ignored nonsense ×2, error.execution"
    assert watch._one(execution.nodes["machine"]).note.endswith("ignored nonsense ×2, error.execution")
    assert execution.explain("machine").endswith("ignored so far: nonsense ×2, error.execution")
    assert progress(watch) == "in a b; ignored nonsense ×2, error.execution"
    execution.cancel()
    await execution


async def test_an_error_with_its_hint():
    def wrong():
        raise ValueError("<b>no</b>")

    page = await looked_at("nodes: {a: {tool: wrong}}", "a", wrong=wrong)
    assert blocks(page)["error"]["text"].startswith("ValueError: <b>no</b>")
    assert blocks(page)["error"]["bad"]


async def test_a_frame_is_a_table_of_text():
    frame = pd.DataFrame({"name": ["<b>a</b>", "b"], "value": [1.5, 2.0]})
    page = await looked_at("nodes: {a: {tool: a_frame}}", "a", a_frame=lambda: frame)
    block = next(block for title, block in blocks(page).items() if title.startswith("output"))
    assert block["title"] == "output · 2 × 2"
    assert block["table"] == {"columns": ["name", "value"], "rows": [["<b>a</b>", "1.5"], ["b", "2.0"]]}


async def test_bytes_of_an_image_are_an_image_and_other_bytes_are_not():
    page = await looked_at(
        "nodes: {a: {tool: an_image}, b: {tool: some_bytes}}", "a", an_image=lambda: PNG, some_bytes=lambda: b"<svg>"
    )
    assert blocks(page)["output"]["image"].startswith("data:image/png;base64,")
    assert inspector.block("output", b"<svg onload=alert(1)>")["text"] == "<bytes 21>"


async def test_every_round_can_be_chosen():
    text = "nodes:\n  l:\n    loop: {max: 3}\n    nodes: {r: {set: {v: =loop.index}}}\n"
    latest = await looked_at(text, "l.r")
    assert [path for path, _ in latest["paths"]] == ["l[0].r", "l[1].r", "l[2].r"]
    assert latest["path"] == "l[2].r"
    first = await looked_at(text, "l.r", path="l[0].r")
    assert '"v": 0' in blocks(first)["output"]["text"]


PICK = """nodes:
  p:
    parallel: {for_each: "[1, 2, 3]"}
    nodes: {w: {tool: only_two, with: {i: =item}}}
"""


def only_two(i: int):
    if i == 2:
        raise ValueError("two")
    return i


async def test_of_many_items_the_one_that_is_held_is_shown():
    assembly.tools.register_all({"only_two": only_two})
    execution = assembly.start(PICK, store="memory:")
    execution.break_at("w", where="error")
    await execution.hold()
    watch = Watch(execution.plan, picture(execution.plan))
    watch.fold(execution.events)
    key = watch.picture.places["p.w"]
    page = inspector.page(watch, key, None, execution.held, execution.preview, execution.editable, execution.failing)
    assert (page["path"], page["phase"]) == ("p[1].w", "held")
    assert ("p[1].w", "p[1].w · held") in page["paths"]
    assert "ValueError: two" in blocks(page)["error"]["text"]
    assert blocks(page)["inputs"]["edit"]["cmd"] == "edit"
    assert "retry" in [act[0] for act in page["acts"]]
    execution.cancel()
    await execution.until("cancelled")


async def test_of_many_items_that_are_over_the_one_that_failed_is_shown():
    page = await looked_at(PICK, "p.w", only_two=only_two)
    assert (page["path"], page["phase"]) == ("p[1].w", "failed")


async def test_a_node_that_was_not_reached_says_what_it_is():
    page = await looked_at("nodes:\n  a: {set: {v: =1 / 0}}\n  b: {set: {v: =a.v}, doc: Later}\n", "b")
    assert ("doc", "Later") in page["facts"]
    assert "blocks" not in page or page["phase"] in ("pending", "cancelled", "skipped")


async def test_a_held_node_offers_its_inputs_to_change():
    assembly.tools.register_all({"double_it": lambda x: x * 2})
    execution = assembly.start("nodes: {a: {tool: double_it, with: {x: =2 + 2}}}", store="memory:")
    execution.break_at("a")
    await execution.until("running")
    await execution.hold()
    watch = Watch(execution.plan, picture(execution.plan))
    watch.fold(execution.events)
    page = inspector.page(watch, "n0", None, execution.held, execution.preview, execution.editable)
    assert page["phase"] == "held"
    assert blocks(page)["inputs"]["text"] == '{\n  "x": 4\n}'
    assert blocks(page)["inputs"]["edit"]["cmd"] == "edit"
    execution.edit("a", inputs={"x": 21})
    execution.step()
    await execution
    assert execution.outputs == {"a": 42}


@pytest.mark.parametrize(
    ("output", "fields"),
    [
        ("boolean", [("answer", "boolean")]),
        ("{ok: boolean, n: integer, why?: string}", [("ok", "boolean"), ("n", "integer"), ("why", "string")]),
        ("{type: string, enum: [yes, no]}", [("answer", None)]),
        ("[string]", [("answer", "json")]),
    ],
)
async def test_a_question_has_a_field_for_every_part_of_its_answer(output, fields):
    execution = assembly.start(f"nodes: {{a: {{ask: Well?, output: {output}}}}}", store="memory:")
    await execution.until("a")
    watch = Watch(execution.plan, picture(execution.plan))
    watch.fold(execution.events)
    form = inspector.page(watch, "n0", None, ())["form"]
    assert [(field["name"], field.get("type")) for field in form["fields"]] == fields
    execution.cancel()
    await execution.until("cancelled")


async def test_an_expression_is_evaluated_as_a_node_sees_it():
    execution = await assembly.start("nodes: {a: {set: {v: 3}}}", store="memory:")
    assert inspector.evaluated(execution, "a.v * 2", None) == ("a.v * 2", "6", False)
    _, says, bad = inspector.evaluated(execution, "a.nope", None)
    assert bad
    assert "nope" in says
    assert inspector.evaluated(execution, "__import__('os')", None)[2]


async def test_while_something_is_held_outputs_of_completed_nodes_can_be_changed():
    assembly.tools.register_all({"double_it": lambda x: x * 2})
    text = "nodes: {a: {tool: double_it, with: {x: 2}}, b: {tool: double_it, with: {x: =a}}}"
    execution = assembly.start(text, store="memory:", breakpoints=["b"])
    await execution.hold()
    watch = Watch(execution.plan, picture(execution.plan))
    watch.fold(execution.events)

    def output():
        return blocks(inspector.page(watch, "n0", None, execution.held, execution.preview, execution.editable))[
            "output"
        ]

    assert output()["edit"] == {"cmd": "edit_output", "label": "Apply to output"}
    assert output()["text"] == "4"
    execution.edit("a", output=5)
    execution.resume()
    await execution
    assert execution.outputs == {"b": 10}
    assert "edit" not in output()


async def test_a_node_held_on_its_error_shows_the_error_and_can_be_run_again():
    calls = []

    def once():
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("not yet")

    assembly.tools.register_all({"once": once})
    execution = assembly.start("nodes: {a: {tool: once}, b: {set: {v: 1}, needs: [a]}}", store="memory:")
    execution.break_at("a", where="error")
    await execution.hold()
    watch = Watch(execution.plan, picture(execution.plan))
    watch.fold(execution.events)
    page = inspector.page(watch, "n0", None, execution.held, execution.preview, execution.editable, execution.failing)
    assert blocks(page)["error"]["text"] == "ValueError: not yet"
    assert [act[0] for act in page["acts"]] == ["retry", "fail", "break"]
    later = inspector.page(watch, watch.picture.places["b"], None, execution.held)
    assert {"break", "run_to"} <= {act[0] for act in later["acts"]}
    execution.retry("a")
    await execution
    assert execution.phase == "completed"


async def test_a_long_error_is_there_to_its_end():
    def wrong():
        raise ValueError("row missing; " * 100 + "the last one")

    page = await looked_at("nodes: {a: {tool: wrong}}", "a", wrong=wrong)
    assert "the last one" in blocks(page)["error"]["text"]


async def test_the_page_of_the_execution_itself_shows_its_inputs_and_a_call_can_be_pinned():
    assembly.tools.register_all({"double_it": lambda x: x * 2})
    execution = assembly.start("inputs: {x: integer}\nnodes: {a: {tool: double_it, with: {x: =inputs.x}}}", {"x": 4}, store="memory:")  # fmt: skip
    await execution
    page = inspector.whole(execution.state, execution.phase, execution.editable())
    assert blocks(page)["inputs"]["text"] == '{\n  "x": 4\n}'
    watch = Watch(execution.plan, picture(execution.plan))
    watch.fold(execution.events)

    def act():
        acts = inspector.page(watch, watch.picture.places["a"], None, (), pinned=execution.pinned)["acts"]
        return next(label for name, label, _ in acts if name == "pin")

    assert act() == "Pin"
    execution.pin("a")
    assert act() == "Unpin"
    assert execution.unpin("a")


async def test_a_question_comes_with_what_its_schema_gives():
    output = "{d: {type: integer, default: 5}, s: {type: string, default: hm}, e: {enum: [1, low], default: low}}"
    execution = assembly.start(f"nodes: {{a: {{ask: Well?, output: {output}}}}}", store="memory:")
    await execution.until("a")
    watch = Watch(execution.plan, picture(execution.plan))
    watch.fold(execution.events)
    d, s, e = inspector.page(watch, "n0", None, ())["form"]["fields"]
    assert (d["given"], s["given"], e["given"]) == ("5", "hm", '"low"')
    assert e["options"] == [("1", "1"), ("low", '"low"')]
    execution.cancel()
    await execution.until("cancelled")
