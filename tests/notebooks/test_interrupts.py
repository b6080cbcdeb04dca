"""■ suspends; twice stops what did not listen; three times gives the cell back. The kernel stays usable."""

from __future__ import annotations

import pytest

TOLD = "await asyncio.gather(*(t for t in asyncio.all_tasks() if t.get_name() == 'nbflow-interrupted'))"


def running(kernel, cell):
    """Start a cell; it is running when its picture is there."""
    id = kernel.send(cell)
    kernel.wait_for(id, lambda message: message["msg_type"] == "display_data")
    return id


def started(kernel, node="a"):
    """Wait, by messages of the widget, until a node runs."""
    while True:
        message = kernel.client.get_iopub_msg(timeout=20)
        if message["msg_type"] != "comm_msg":
            continue
        looks = message["content"]["data"].get("content", {}).get("d", {})
        if any(look[0] in ("running", "waiting") for look in looks.values()):
            return


def test_the_first_interrupt_suspends_and_nothing_is_lost(kernel):
    id = running(
        kernel,
        "%%workflow stopped\nnodes:\n  first: {set: {v: 1}}\n  a: {tool: slow, needs: [first]}\n  b: {wait: 60s}\n",
    )
    started(kernel)
    kernel.interrupt()
    reply = kernel.finish(id)
    assert reply.status == "error"
    assert reply.error.startswith("Suspended: stopped ")
    assert "%workflow resume" in reply.error
    assert len(reply.error.splitlines()) == 1
    assert "suspended" in reply.updates[-1]["text/plain"]
    assert kernel.run("_.phase, _.nodes['first'].output, 1 + 1").result == "('suspended', {'v': 1}, 2)"
    assert kernel.run("[t.get_name() for t in asyncio.all_tasks() if 'nbflow' in t.get_name()]").result == "[]"


def test_resume_goes_on_where_it_was(kernel):
    kernel.run("calls.clear()")
    id = running(
        kernel, "%%workflow again\nnodes:\n  a: {tool: slow, with: {seconds: 0.1}}\n  b: {wait: 1s, needs: [a]}\n"
    )
    kernel.wait_for(id, waits)
    kernel.interrupt()
    assert kernel.finish(id).status == "error"
    reply = kernel.run("%workflow resume again")
    assert reply.status == "ok"
    assert kernel.run("_.phase, calls").result == "('completed', ['slow'])"


def waits(message):
    looks = (
        message["content"].get("data", {}).get("content", {}).get("d", {}) if message["msg_type"] == "comm_msg" else {}
    )
    return any(look[0] == "waiting" for look in looks.values())


def test_a_plain_function_does_not_hold_the_interrupt_up(kernel):
    id = running(kernel, "%%workflow threaded\nnodes: {a: {tool: blocking, with: {seconds: 3}}}")
    started(kernel)
    kernel.interrupt()
    assert "Suspended" in kernel.finish(id, timeout=2).error


def test_three_interrupts_give_the_cell_back_whatever_a_node_does(kernel):
    kernel.run("calls.clear()")
    id = running(kernel, "%%workflow deaf\nnodes: {a: {tool: stubborn}}")
    started(kernel)
    for heard in (1, 2):
        kernel.interrupt()
        seen(kernel, heard)
    kernel.interrupt()
    reply = kernel.finish(id)
    assert "left running" in reply.error
    assert kernel.run("1 + 1").result == "2"


def seen(kernel, count):
    """The view tells of every interrupt."""
    words = ("stopping what runs", "stopping once more")[count - 1]
    while True:
        message = kernel.client.get_iopub_msg(timeout=20)
        note = (
            message["content"].get("data", {}).get("content", {}).get("n", {})
            if message["msg_type"] == "comm_msg"
            else {}
        )
        if words in note.get("text", ""):
            return


def test_an_interrupt_while_nothing_waits_leaves_the_background_alone(kernel):
    kernel.run("%%workflow quiet --background --as quiet\nnodes: {a: {tool: slow, with: {seconds: 0.5}}}")
    kernel.interrupt()
    assert kernel.run("(await quiet).phase").result == "'completed'"


def test_an_interrupt_suspends_what_a_cell_awaits_in_python_and_leaves_other_tasks_alone(kernel):
    kernel.run("%%workflow awaited --background --as awaited\nnodes: {a: {tool: slow}}")
    id = kernel.send("print('here'); await awaited")
    kernel.wait_for(id, lambda message: message["msg_type"] == "stream")
    kernel.interrupt()
    reply = kernel.finish(id)
    assert reply.error.startswith("Suspended: awaited ")
    assert len(reply.error.splitlines()) == 1
    assert kernel.run("awaited.phase").result == "'suspended'"
    kernel.run("%workflow resume awaited --background")
    kernel.run("await asyncio.wait({asyncio.ensure_future(awaited.until('completed'))}, timeout=0.1)")
    assert "TimeoutError" in kernel.run("await asyncio.wait_for(awaited, 0.2)").error
    assert kernel.run("awaited.phase").result == "'running'"
    assert kernel.run("awaited.cancel(); (await awaited).phase").result == "'cancelled'"


def test_a_suspended_execution_can_be_cancelled(kernel):
    id = running(kernel, "%%workflow dropped --as dropped\nnodes: {a: {wait: 60s}}")
    kernel.wait_for(id, waits)
    kernel.interrupt()
    kernel.finish(id)
    assert kernel.run("%workflow cancel dropped").status == "ok"
    assert kernel.run("await dropped.until('cancelled'); dropped.phase").result == "'cancelled'"
    assert "nothing to resume" in kernel.run("%workflow resume dropped").error


@pytest.mark.timeout(90)
def test_a_killed_kernel_loses_nothing_and_load_ext_names_what_can_be_recovered(fresh_kernel):
    first = fresh_kernel()
    id = running(
        first, "%%workflow killed\nnodes:\n  a: {tool: slow, with: {seconds: 0.1}}\n  b: {wait: 2s, needs: [a]}\n"
    )
    first.wait_for(id, waits)
    first.manager.shutdown_kernel(now=True)
    second = fresh_kernel()
    told = second.run(f"%reload_ext nbflow\n{TOLD}").streams
    assert "interrupted" in told
    assert "%workflow recover" in told
    reply = second.run("found = %workflow recover")
    assert reply.status == "ok"
    assert second.run("(await found[0]).phase, found[0].outputs, calls").result.startswith("('completed'")
    assert second.run("calls").result == "[]"


STEPS = "%%workflow steps {}\nnodes:\n  a: {{tool: slow, with: {{seconds: 0.01}}}}\n  b: {{tool: slow, needs: [a], with: {{seconds: 0.01}}}}\n  c: {{set: {{v: 1}}, needs: [b]}}\n"
HELD = "[await asyncio.wait_for(y.hold(), 10) for y in {}]"
GREET = "[view._do({'cmd': 'hello'}) for view in get_ipython().magics_manager.registry['WorkflowMagics'].session.views.values()]"


@pytest.mark.timeout(90)
def test_breakpoints_hold_again_after_a_restart_and_debugging_goes_on(fresh_kernel):
    first = fresh_kernel()
    assert first.run(STEPS.format("--debug --break b --as x")).status == "ok"
    first.run(f"{GREET}; await x.hold()")
    first.manager.shutdown_kernel(now=True)
    second = fresh_kernel()
    second.run(f"found = %workflow recover steps\n{GREET}")
    assert second.run(HELD.format("found")).result == "[('b',)]"
    second.run("found[0].step()")
    assert second.run("await asyncio.wait_for(found[0].hold(), 10), calls").result == "(('c',), ['slow'])"
    second.run("found[0].suspend(); await found[0].until('suspended')")
    second.manager.shutdown_kernel(now=True)
    third = fresh_kernel()
    third.run(f"z = %workflow resume steps\n{GREET}")
    assert third.run(HELD.format("[z]")).result == "[('c',)]"
    third.run("z.resume(); await z")
    assert (
        third.run("get_ipython().magics_manager.registry['WorkflowMagics'].session.stops.debugged(z)").result == "False"
    )


@pytest.mark.timeout(90)
def test_what_is_resumed_with_debug_is_held(fresh_kernel):
    first = fresh_kernel()
    assert (
        first.run(STEPS.replace("steps", "plain").replace("0.01", "60", 1).format("--background --as x")).status == "ok"
    )
    first.run("await asyncio.sleep(0.5)")
    first.manager.shutdown_kernel(now=True)
    second = fresh_kernel()
    second.run(f"async def slow(seconds): return 1\nz = %workflow resume plain --debug\n{GREET}")
    assert second.run(HELD.format("[z]")).result == "[('a',)]"


@pytest.mark.timeout(90)
def test_nothing_is_recovered_before_the_cells_that_define_its_tools_have_run(fresh_kernel):
    first = fresh_kernel()
    first.run("async def mine(): await asyncio.sleep(60)")
    running(first, "%%workflow lacks\nnodes:\n  a: {set: {v: 1}}\n  b: {tool: mine, needs: [a]}\n")
    started(first, "b")
    first.manager.shutdown_kernel(now=True)
    second = fresh_kernel()
    told = second.run("%workflow recover").streams
    assert "there is no tool 'mine'" in told
    assert "run the cell that defines it" in told
    assert "there is no tool 'mine'" in second.run("%workflow resume lacks").error
    second.run("async def mine(): return 7")
    assert second.run("found = %workflow recover").status == "ok"
    assert second.run("(await found[0]).outputs").result == "{'b': 7}"


@pytest.mark.timeout(90)
def test_a_kernel_that_recovers_what_another_one_runs_is_told_so(fresh_kernel):
    first, second = fresh_kernel(), fresh_kernel()
    id = running(first, "%%workflow owned\nnodes:\n  a: {tool: slow, with: {seconds: 60}}\n")
    started(first)
    reply = second.run("found = %workflow recover\nawait asyncio.sleep(1.5)")
    assert "is left alone" in reply.all
    first.interrupt()
    assert "nothing is lost" in first.finish(id).error


@pytest.mark.timeout(90)
def test_load_ext_tells_of_loss(fresh_kernel, tmp_path):
    first = fresh_kernel()
    first.run("%%workflow torn --background\nnodes:\n  a: {wait: 60s}\n")
    first.run("await _.until('waiting')")
    first.manager.shutdown_kernel(now=True)
    written = max((tmp_path / ".nbflow" / "segments").glob("*.jsonl"), key=lambda path: path.stat().st_size)
    written.write_bytes(written.read_bytes()[:-9])
    told = fresh_kernel().run(f"%reload_ext nbflow\n{TOLD}").streams
    assert "nbflow: loss: " in told
    assert written.name in told
