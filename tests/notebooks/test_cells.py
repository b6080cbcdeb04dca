"""`%%workflow` in a real kernel: it waits, binds, draws, fails in one line, and leaves the kernel alone."""

from __future__ import annotations

import pytest

from tests.notebooks.kernels import Kernel

HELLO = (
    "%%workflow hello {}\ninputs: {{n: {{type: integer, default: 2}}}}\nnodes:\n  a: {{set: {{v: =inputs.n * 2}}}}\n"
)
FAILING = "%%workflow failing {}\nnodes:\n  first: {{set: {{v: 1}}}}\n  a: {{tool: bad, needs: [first]}}\n"


def test_the_next_cell_waits_for_the_workflow(kernel):
    first = kernel.send("%%workflow waits\nnodes: {a: {tool: slow, with: {seconds: 0.4}}}")
    second = kernel.send("_.phase")
    assert kernel.finish(first).status == "ok"
    assert kernel.finish(second).result == "'completed'"


def test_the_execution_is_in_underscore_and_in_the_variable(kernel):
    assert kernel.run(HELLO.format("-i n=3 --as result")).status == "ok"
    assert kernel.run("_ is result, result.outputs").result == "(True, {'a': {'v': 6}})"


def test_the_picture_is_shown_once_and_ends_as_a_still_one(kernel):
    reply = kernel.run(HELLO.format(""))
    assert len(reply.displays) == 1
    assert reply.result is None
    final = reply.updates[-1]
    assert set(final) == {"text/html", "image/svg+xml", "text/plain"}
    assert "completed" in final["text/plain"]


def test_a_failed_execution_is_bound_and_then_fails_the_cell_in_one_line(kernel):
    reply = kernel.run(FAILING.format("--as wrong"))
    assert reply.status == "error"
    assert reply.error == "ExecutionFailed: failing: node a failed: ValueError: no way"
    assert "failed" in reply.updates[-1]["text/plain"]
    assert kernel.run("_ is wrong, wrong.phase, wrong.error['node']").result == "(True, 'failed', 'a')"


def test_run_all_stops_at_a_failed_workflow(kernel):
    first, second = kernel.send(FAILING.format("")), kernel.send("print('never')")
    assert kernel.finish(first).status == "error"
    assert kernel.client.get_shell_msg(timeout=10)["content"]["status"] == "aborted"
    kernel.drain()
    assert second


def test_an_assignment_receives_the_execution(kernel):
    kernel.run(HELLO.format("--no-run"))
    assert kernel.run("x = %workflow run hello -i n=5").status == "ok"
    assert kernel.run("x.outputs").result == "{'a': {'v': 10}}"


def test_an_input_is_taken_from_the_notebook_when_it_is_asked_for(kernel):
    kernel.run("amount = 21")
    kernel.run(HELLO.format("-i n=$amount"))
    assert kernel.run("_.outputs").result == "{'a': {'v': 42}}"


def test_no_run_draws_and_gives_the_workflow(kernel):
    reply = kernel.run(HELLO.format("--no-run"))
    assert ["image/svg+xml" in shown for shown in reply.displays] == [True]
    assert reply.result is None  # it is drawn once
    assert ["image/svg+xml" in shown for shown in kernel.run("_").displays] == [True]
    assert kernel.run("type(_).__name__, _.name").result == "('Workflow', 'hello')"


def test_mocks_stand_in_for_calls(kernel):
    cell = "%%workflow mocked --mock\nnodes: {a: {tool: bad, mock: {v: 7}}}"
    assert kernel.run(cell).status == "ok"
    assert kernel.run("_.outputs").result == "{'a': {'v': 7}}"


def test_warnings_are_told_before_it_runs(kernel):
    reply = kernel.run("%%workflow warned\nnodes:\n  a: {set: {v: '{{ x }}'}}\n")
    assert "warning" in reply.streams
    assert "cell line 3" in reply.streams


def test_background_returns_at_once_and_two_of_one_name_are_two(kernel):
    cell = "%%workflow aside --background --as {}\nnodes: {{a: {{tool: slow, with: {{seconds: 0.5}}}}}}"
    assert kernel.run(cell.format("one")).status == "ok"
    assert kernel.run(cell.format("two")).status == "ok"
    assert kernel.run("one.ended, two.ended, one.id != two.id").result == "(False, False, True)"
    assert kernel.run("(await one).phase, (await two).phase").result == "('completed', 'completed')"


def test_help_is_a_page(kernel):
    reply = kernel.run("%%workflow --help")
    assert "--no-run" in reply.streams
    assert "--debug and --background return at once" in reply.streams
    assert reply.status == "ok"


def test_the_question_mark_shows_the_same_page(kernel):
    kernel.client.execute("%%workflow?", allow_stdin=False)
    while True:
        answer = kernel.client.get_shell_msg(timeout=20)
        if "payload" in answer["content"] and answer["content"]["payload"]:
            break
    assert "--background" in answer["content"]["payload"][0]["data"]["text/plain"]
    kernel.drain()


def test_loading_twice_is_the_same_as_once(kernel):
    assert kernel.run("%reload_ext nbflow").status == "ok"
    assert kernel.run(HELLO.format("--as again")).status == "ok"
    counts = kernel.run(
        "ip = get_ipython(); [sum(type(t).__name__ == 'AwaitMagics' for t in ip.input_transformers_post), "
        "len(ip.events.callbacks['pre_run_cell'])]"
    )
    assert counts.result.startswith("[1, ")


def test_unloading_takes_everything_back(kernel):
    assert kernel.run("%unload_ext nbflow").status == "ok"
    left = kernel.run(
        "ip = get_ipython(); [type(t).__module__ for t in [*ip.input_transformers_post, *ip.input_transformers_cleanup]"
        " if type(t).__module__.startswith('nbflow')]"
    )
    assert left.result == "[]"
    assert kernel.run("%load_ext nbflow").status == "ok"


def test_with_autoawait_off_one_line_says_what_to_do(kernel):
    kernel.run("%autoawait off")
    reply = kernel.run(HELLO.format(""))
    kernel.run("%autoawait on")
    assert "%autoawait asyncio" in reply.error
    assert kernel.run(HELLO.format("")).status == "ok"


@pytest.mark.parametrize("outer", ["%%time", "%%capture out", "%%timeit -n1 -r1"])
def test_inside_another_cell_magic_one_line_says_what_to_do(kernel, outer):
    reply = kernel.run(f"{outer}\n{HELLO.format('')}")
    assert reply.status == "error"
    assert "magic.nested" in reply.error
    assert len(reply.error.splitlines()) == 2
    assert kernel.run("'out' in globals()").result == "False"


def test_a_workflow_in_a_function_gives_something_to_await(kernel):
    kernel.run(HELLO.format("--no-run"))
    kernel.run("def later():\n    x = %workflow run hello\n    return x\nwork = later()")
    assert "does not run yet" in kernel.run("work").result
    assert kernel.run("(await work).phase").result == "'completed'"


def test_an_old_execution_is_drawn_again(kernel):
    kernel.run(HELLO.format("--as drawn"))
    reply = kernel.run("drawn")
    assert "completed" in reply.displays[0]["text/plain"]
    assert "image/svg+xml" in kernel.run("%workflow show hello").displays[0]


def test_a_node_comes_into_a_new_cell(kernel):
    kernel.run("%%workflow played\nnodes: {a: {tool: blocking, with: {seconds: 0.01}}}")
    kernel.client.execute("%workflow node a played", allow_stdin=False)
    while True:
        answer = kernel.client.get_shell_msg(timeout=20)
        if answer["content"].get("payload"):
            break
    text = answer["content"]["payload"][0]["text"]
    assert "blocking(**inputs)" in text
    assert "'seconds': 0.01" in text
    kernel.drain()


def test_reuse_keeps_what_did_not_change_and_says_so(kernel):
    cell = "%%workflow reused {}\nnodes:\n  a: {{tool: slow, with: {{seconds: 0.05}}}}\n  b: {{tool: blocking, with: {{seconds: {}}}, needs: [a]}}\n"
    kernel.run("calls.clear()")
    kernel.run(cell.format("", 0.01))
    reply = kernel.run(cell.format("--reuse", 0.02))
    assert reply.status == "ok"
    assert kernel.run("calls").result == "['slow']"
    assert "a" in reply.streams
    assert "kept" in reply.streams


def test_the_first_run_with_reuse_says_that_there_is_nothing_yet(kernel):
    reply = kernel.run(
        "%%workflow firstly --reuse\nnodes: {a: {tool: blocking, with: {seconds: 0}}, b: {set: {v: =a}}}"
    )
    assert reply.status == "ok"
    assert "nothing to reuse" in reply.streams
    again = kernel.run(
        "%%workflow firstly --reuse\nnodes: {a: {tool: blocking, with: {seconds: 0}}, b: {set: {v: =a}}}"
    )
    assert "a  kept" in again.streams
    assert "b  calls nothing" in again.streams


def test_a_debugged_execution_that_is_shown_again_keeps_its_controls(kernel):
    kernel.run(HELLO.format("--debug --break a --as shown"))
    reply = kernel.run(
        "view = get_ipython().magics_manager.registry['WorkflowMagics'].session.views; await shown.hold()"
    )
    kernel.run("%workflow show {shown}")
    assert kernel.run("'cancel' in [tool[0] for tool in view[shown.id].commands.tools()]").result == "True"
    kernel.run("shown.resume(); await shown")
    assert reply.status == "ok"


def test_nobody_is_waited_for_at_a_breakpoint_where_nobody_is(kernel):
    cell = "%%workflow unattended --break b\nnodes: {a: {set: {v: 1}}, b: {set: {v: =a.v}}}"
    reply = kernel.finish(kernel.send(cell, attended=False), timeout=20)
    assert reply.status == "ok"
    assert "breakpoints are passed: b" in reply.streams


def test_a_front_end_that_does_not_answer_is_not_waited_for(kernel):
    reply = kernel.run("%%workflow silent --break b\nnodes: {a: {set: {v: 1}}, b: {set: {v: =a.v}}}")
    assert reply.status == "ok"
    assert "breakpoints are passed: b" in reply.streams
    assert kernel.run("_.phase").result == "'completed'"


@pytest.mark.timeout(90)
@pytest.mark.parametrize("how", ["--debug", "--background --break b", "--debug --break b:after"])
def test_what_no_cell_waits_for_is_not_held_where_no_view_was_ever_answered(fresh_kernel, how):
    kernel = fresh_kernel()
    cell = "%%workflow alone @ --as x\nnodes: {a: {set: {v: 1}}, b: {set: {v: =a.v}}, c: {tool: bad, needs: b}}"
    assert kernel.run(cell.replace("@", how)).status == "ok"
    reply = kernel.run("await asyncio.wait_for(x.until('failed'), 25); x.phase")
    assert reply.result == "'failed'"


@pytest.mark.timeout(90)
def test_what_is_debugged_stays_held_where_a_view_was_answered_before(fresh_kernel):
    kernel = fresh_kernel()
    session = "get_ipython().magics_manager.registry['WorkflowMagics'].session"
    kernel.run(HELLO.format("--debug --break a --as one"))
    kernel.run(f"{session}.views[one.id]._do({{'cmd': 'hello'}}); await one.hold(); one.resume(); await one")
    kernel.run(HELLO.format("--debug --as two"))
    assert (
        kernel.run(
            "await two.hold(); await asyncio.wait({asyncio.ensure_future(two.until('completed'))}, timeout=12); two.held"
        ).result
        == "('a',)"
    )


PROMPTED = (
    "%%workflow prompted {}\nnodes:\n  ask: {{tool: echo, with: {{prompt: {}, times: 2}}}}\n"
    "  shout: {{tool: echo, with: {{prompt: '=ask.prompt', times: 1}}}}\n  still: {{set: {{v: 1}}}}\n"
)
ECHO = "def echo(prompt: str, times: int): return {'prompt': prompt * times}"


def test_two_executions_are_compared_on_one_graph(kernel):
    kernel.run(ECHO)
    kernel.run(PROMPTED.format("--as one", "a"))
    kernel.run(PROMPTED.format("--as two", "b"))
    reply = kernel.run("ids = one.id, two.id\nawait get_ipython().run_line_magic('workflow', 'diff %s %s' % ids)")
    bundle = reply.displays[0]
    assert "2 nodes differ" in bundle["text/plain"]
    assert "ask: inputs" in bundle["text/plain"]
    assert "p-changed" in bundle["image/svg+xml"]
    assert "p-same" in bundle["image/svg+xml"]


def test_a_fork_goes_on_with_other_inputs_and_keeps_the_rest(kernel):
    kernel.run(ECHO)
    kernel.run(PROMPTED.format("--as base", "a"))
    assert kernel.run("%workflow fork prompted --at ask -i prompt=z").status == "ok"
    assert kernel.run("_.outputs['shout'], _.id != base.id, _.nodes['ask'].inputs").result == (
        "({'prompt': 'zz'}, True, {'prompt': 'z', 'times': 2})"
    )


def test_a_fork_over_variants_gives_one_table(kernel):
    kernel.run(ECHO)
    kernel.run(PROMPTED.format("", "a"))
    kernel.run("prompts = ['x', 'y', {'times': 3}]")
    reply = kernel.run("table = %workflow fork prompted --at ask --over $prompts")
    assert reply.status == "ok"
    found = kernel.run("[out['shout']['prompt'] for out in table['outputs']], list(table['phase'])").result
    assert found == "(['xx', 'yy', 'aaa'], ['completed', 'completed', 'completed'])"


def test_one_bad_variant_is_named_before_any_runs_and_one_that_fails_has_its_error_in_the_table(kernel):
    kernel.run("import nbflow\n" + ECHO + "\ncount = lambda: len(nbflow.executions())")
    kernel.run(PROMPTED.format("", "a"))
    kernel.run("before = count()")
    for bad, says in (("['x', {'zzz': 1}]", "variant 2"), ("['x', None]", "variant 2 is null")):
        kernel.run(f"prompts = {bad}")
        assert says in kernel.run("table = %workflow fork prompted --at ask --over $prompts").error
        assert kernel.run("count() == before").result == "True"
    kernel.run("def echo(prompt: str, times: int):\n    assert prompt != 'y', 'no y'\n    return {'prompt': prompt}")
    kernel.run("prompts = ['x', 'y']")
    assert kernel.run("table = %workflow fork prompted --at ask --over $prompts").status == "ok"
    assert kernel.run("list(table['phase']), list(table['error'])[1]").result == "(['completed', 'failed'], 'no y')"
    assert kernel.run("all(table['seconds'] < 5)").result == "True"


def test_a_fork_from_a_record_takes_inputs_of_the_execution(kernel):
    kernel.run(HELLO.format("--as base"))
    assert kernel.run("%workflow fork hello --at 1 -i n=77").status == "ok"
    assert kernel.run("_.outputs, _.inputs").result == "({'a': {'v': 154}}, {'n': 77})"
    for line, says in (("--at 1 -i n=x", "input.type"), ("--at 1 -i zzz=1", "zzz"), ("--at 99", "records 1 to")):
        error = kernel.run(f"%workflow fork hello {line}").error
        assert says in error
        assert "Traceback" not in error


def test_explain_says_why(kernel):
    kernel.run("%%workflow why\nnodes:\n  a: {set: {v: 1}, if: 1 > 2}\n  b: {needs: [a], set: {v: 1}}\n")
    assert "a" in kernel.run("%workflow explain why b").streams


def test_the_verbs_act_on_what_runs_in_the_background(kernel):
    cell = "%%workflow verbs --background --as verbs\nnodes:\n  a: {wait: 60s}\n  yes: {ask: 'Well?', output: boolean}\n  news: {listen: news}\n  end: {set: {v: =yes}}\n"
    assert kernel.run(cell).status == "ok"
    kernel.run("await verbs.until('yes')")
    assert kernel.run("%workflow pause verbs").status == "ok"
    kernel.run("await verbs.until('paused')")
    assert kernel.run("%workflow resume verbs").status == "ok"
    assert kernel.run("%workflow answer verbs yes true").status == "ok"
    assert kernel.run("%workflow signal verbs news -i x=1").status == "ok"
    assert kernel.run("%workflow skip verbs a 7").status == "ok"
    assert kernel.run("(await verbs).outputs").result == "{'a': 7, 'news': {'x': 1}, 'end': {'v': True}}"
    assert "nothing to cancel" in kernel.run("%workflow cancel verbs").error


def test_a_verb_with_a_wrong_node_names_a_near_one(kernel):
    kernel.run("%%workflow near --background --as near\nnodes: {answer: {wait: 60s}}")
    assert "answer" in kernel.run("%workflow skip near anser 1").error
    kernel.run("near.cancel(); await near.until('cancelled')")


def test_config_lists_the_preferences_and_they_hold(kernel):
    assert "NBFlow.store" in kernel.run("%config NBFlow").streams
    kernel.run("%config NBFlow.store = 'memory:'")
    kernel.run(HELLO.format("--as kept"))
    kernel.run("%config NBFlow.store = ''")
    assert "no execution" in kernel.run("await get_ipython().run_line_magic('workflow', 'show ' + kept.id)").error
    kernel.run("%config NBFlow.live = False")
    reply = kernel.run(HELLO.format(""))
    kernel.run("%config NBFlow.live = True")
    assert "application/vnd.jupyter.widget-view+json" not in reply.displays[0]
    assert "image/svg+xml" in reply.updates[-1]


def test_a_saved_version_is_found_again_by_another_kernel(kernel):
    assert (
        "in the catalog" in kernel.run('%%workflow shelved --save\nversion: "1.0"\nnodes: {a: {set: {v: 1}}}').streams
    )
    kernel.run('%%workflow shelved --no-run\nversion: "2.0"\nnodes: {a: {set: {v: 2}}}')
    assert "number 2" in kernel.run("%workflow save shelved").streams
    other = Kernel(kernel.folder)
    try:
        other.run("%load_ext nbflow", timeout=60)
        assert other.run("%workflow run shelved").status == "ok"
        assert other.run("_.outputs").result == "{'a': {'v': 2}}"
        assert other.run("%workflow run shelved@1.0").status == "ok"
        assert other.run("_.outputs").result == "{'a': {'v': 1}}"
        assert other.run("table = %workflow workflows").status == "ok"
        assert other.run("list(table['workflow']), list(table['versions'])").result == "(['shelved'], [2])"
        assert "there is no workflow 'nope'" in other.run("%workflow run nope").error
    finally:
        other.close()


def test_tools_are_listed_and_one_is_shown_with_its_arguments(kernel):
    assert kernel.run("def stir(bowl: str, times: int = 3):\n    'Stir a bowl.'").status == "ok"
    assert kernel.run("table = %workflow tools").status == "ok"
    assert kernel.run("dict(zip(table['tool'], table['what it does']))['stir']").result == "'Stir a bowl.'"
    shown = kernel.run("%workflow tools stir").streams
    assert shown.split() == "stir (idempotent) Stir a bowl. bowl string, required times integer, default 3".split()
    assert "did you mean 'http.get'?" in kernel.run("%workflow tools http.gett").all


def test_again_lets_the_next_cell_keep_what_did_not_change_and_no_other(kernel):
    cell = "%%workflow repeated\nnodes:\n  a: {{tool: slow, with: {{seconds: 0.05}}}}\n  b: {{tool: blocking, with: {{seconds: {}}}, needs: [a]}}\n"
    kernel.run("calls.clear()")
    kernel.run(cell.format(0.01))
    kernel.run("%workflow again")
    reply = kernel.run(cell.format(0.02))
    assert reply.status == "ok"
    assert "kept" in reply.streams
    assert kernel.run("calls").result == "['slow']"
    kernel.run(cell.format(0.03))
    assert kernel.run("calls").result == "['slow', 'slow']"


def test_again_before_there_is_anything_to_keep_runs_all(kernel):
    reply = kernel.run("%workflow again")
    assert reply.status == "ok"
    reply = kernel.run("%%workflow never_before\nnodes: {a: {set: {v: 1}}}")
    assert reply.status == "ok"
    assert "kept" not in reply.streams


def test_again_stops_what_still_runs_and_goes_on_from_it(kernel):
    cell = "%%workflow overtaken --background --as {}\nnodes:\n  a: {{tool: slow, with: {{seconds: 0.05}}}}\n  b: {{tool: slow, with: {{seconds: {}}}, needs: [a]}}\n"
    kernel.run("calls.clear()")
    kernel.run(cell.format("first", 600))
    kernel.run("await first.until('a')")
    kernel.run("%workflow again")
    kernel.run(cell.format("second", 0.01))
    kernel.run("await second")
    assert kernel.run("first.phase, second.phase").result == "('suspended', 'completed')"
    assert kernel.run("second.nodes['a'].taken['execution'] == first.id").result == "True"
    kernel.run("first.cancel(); await first.until('cancelled')")


def test_again_goes_on_from_the_one_in_the_view_wherever_it_is_kept(kernel):
    cell = "%%workflow kept_aside --background --store memory: --as {}\nnodes:\n  a: {{tool: slow, with: {{seconds: 0.01}}}}\n  b: {{ask: 'sure?', needs: [a]}}\n"
    kernel.run("calls.clear()")
    for name in ("first", "second"):
        kernel.run(cell.format(name))
        kernel.run(f"await {name}.until('waiting')")
    kernel.run("%workflow again {first.id}")
    kernel.run(cell.format("third"))
    kernel.run("await third.until('waiting')")
    assert kernel.run("calls, third.nodes['a'].taken['execution'] == first.id").result == "(['slow', 'slow'], True)"
    kernel.run("for each in (first, second, third): each.cancel()")


@pytest.mark.parametrize("way", ["def", "async def"])
def test_a_function_that_yields_is_no_tool_and_the_cell_says_where(kernel, way):
    kernel.run(f"{way} numbers():\n    yield 1\n")
    reply = kernel.run("%%workflow yields\nnodes:\n  a: {tool: numbers}\n")
    assert reply.status == "error"
    assert "tool 'numbers' yields; a tool returns its result" in reply.error
    assert "at cell line 3, column 13" in reply.error
    assert "^" in reply.error
    assert "Traceback" not in reply.error


def completed(kernel, text: str) -> list[str]:
    """What Tab offers at ‖."""
    before, _, after = text.partition("‖")
    kernel.client.complete(before + after, len(before))
    while True:
        answer = kernel.client.get_shell_msg(timeout=20)
        if answer["msg_type"] == "complete_reply":
            return answer["content"]["matches"]


def test_a_pinned_node_is_not_called_again(kernel):
    kernel.run("dear_calls = []\ndef dear(n: int) -> int:\n    dear_calls.append(n)\n    return n")
    cell = "%%workflow pins -i n={}\ninputs: {{n: integer}}\nnodes: {{a: {{tool: dear, with: {{n: =inputs.n}}}}}}"
    kernel.run(cell.format(1))
    assert "pinned" in kernel.run("%workflow pin pins a").streams
    assert kernel.run(cell.format(2)).status == "ok"
    assert kernel.run("_.outputs, dear_calls").result == "({'a': 1}, [1])"
    assert "no longer" in kernel.run("%workflow pin pins a").streams
    kernel.run(cell.format(3))
    assert kernel.run("_.outputs, dear_calls").result == "({'a': 3}, [1, 3])"


def test_tab_completes_in_a_real_kernel_and_leaves_python_alone(kernel):
    kernel.run("zebra_crossing = 1")
    kernel.run("%%workflow tabbed\nnodes: {first: {set: {v: 1}}, second: {set: {v: =first}}}\n")
    assert completed(kernel, "zebra_cr‖") == ["zebra_crossing"]
    assert completed(kernel, "%%workflow --ba‖") == ["--background"]
    assert completed(kernel, "%workflow edit_o‖") == ["edit_output"]
    assert completed(kernel, "%workflow break tabbed sec‖") == ["second"]
    assert completed(kernel, "%workflow fork tabbed --at fi‖") == ["first"]
    assert completed(kernel, "%workflow fork tabbed --effects m‖") == ["mock"]
    assert kernel.run("_.id").result.strip("'") in completed(kernel, "%workflow show 2‖")
    assert completed(kernel, "%%workflow x\nnodes:\n  abc: {set: {v: 1}}\n  b: {needs: a‖") == ["abc"]
    assert completed(kernel, "%%workflow x\nnodes:\n  a: {to‖") == ["tool:"]
    assert completed(kernel, "%%workflow x\nnodes:\n  a: {aggregate: su‖") == ["sum"]
    assert completed(kernel, "%%workflow x\nnodes:\n  a:\n    effects: ‖") == ["idempotent", "none", "once"]
    assert completed(kernel, '%%workflow x\nnodes:\n  a: {set: {v: 1}}\n  b: {set: {w: "=a.‖"}}') == ["a.v"]
    for nothing in ("%%workflow x --break ‖", "%%workflow x\ndoc: pr‖", "%%workflow x\nnodes:\n  ‖"):
        assert completed(kernel, nothing) == [], "no word of Python and no magic"


def test_a_function_that_autoreload_changed_is_another_one(kernel, tmp_path):
    """It changes the very same function object, so that its identity says nothing."""
    module = tmp_path / "growing.py"
    module.write_text(
        "import nbflow\n\ndef grow(n: int) -> int:\n    return n + 1\n\n@nbflow.tool\ndef shrink(n: int) -> int:\n    return n - 1\n"
    )
    kernel.run(f"%load_ext autoreload\n%autoreload 2\nimport sys; sys.path.insert(0, {str(tmp_path)!r})")
    kernel.run("from growing import grow, shrink\nbefore = grow")
    cell = "%%workflow reloaded {}\nnodes: {{a: {{tool: grow, with: {{n: 1}}}}, b: {{tool: shrink, with: {{n: 1}}}}}}"
    assert kernel.run(cell.format("")).status == "ok"
    module.write_text(module.read_text().replace("n + 1", "n + 100").replace("n - 1", "n - 100"))
    kernel.run("import os; os.utime(sys.modules['growing'].__file__, (2e9, 2e9))")
    assert kernel.run("grow(1), grow is before").result == "(101, True)"
    reply = kernel.run(cell.format("--reuse"))
    assert reply.streams.count("its meaning changed") == 2
    assert kernel.run("_.outputs").result == "{'a': 101, 'b': -99}"
    kernel.run("%autoreload 0")


def test_a_default_model_and_aliases_are_preferences(kernel):
    kernel.run("import nbflow\n@nbflow.agent('echo')\ndef echo(prompt: str): return f'heard {prompt}'")
    cell = "%%workflow says\nnodes: {a: {agent: hi}, b: {agent: {prompt: ho, model: quick}}}"
    assert "agent.unknown" in kernel.run(cell).all
    assert kernel.run("%config NBFlow.agent_model = 'echo'").status == "ok"
    assert kernel.run("%config NBFlow.aliases = {'quick': 'echo'}").status == "ok"
    assert kernel.run(cell).status == "ok"
    assert kernel.run("_.outputs").result == "{'a': 'heard hi', 'b': 'heard ho'}"
    kernel.run("%config NBFlow.agent_model = ''")


def test_executions_and_workflows_are_found_from_a_cell(kernel):
    name = "found_by_words"
    text = f"name: {name}\nversion: '1'\ntags: [nightly]\ninputs: {{n: {{type: integer}}}}\nnodes: {{a: {{set: {{v: 1}}}}}}"
    for number in (1, 2):
        assert kernel.run(f"%%workflow {name} -i n={number} --save\n{text}").status == "ok"

    def said(line):
        reply = kernel.run(f"f = %workflow {line}\n(list(f.workflow), f.attrs.get('next') is None)")
        assert reply.status == "ok", reply.all
        return reply.result

    assert said(f"list {name}") == f"(['{name}', '{name}'], True)"
    assert said("list --tag nightly --phase completed --since 1h --version 1 -i n=2 --usd 0") == f"(['{name}'], True)"
    assert said(f"list {name} --limit 1") == f"(['{name}'], False)"
    first = kernel.run(f"first = %workflow list {name} --limit 1")
    cursor = first.streams.partition("--cursor ")[2].strip()
    rest = kernel.run(f"rest = %workflow list {name} --cursor {cursor}\nset(rest.execution) & set(first.execution)")
    assert rest.result == "set()" and kernel.run("len(rest)").result == "1"
    assert said("list --error nothing-like-it") == said("list --label by=nobody-like-it") == "([], True)"
    assert "no phase" in kernel.run("%workflow list --phase fine").error

    assert said(f"workflows {name} --tag nightly --kind set --phase completed --since 1d") == f"(['{name}'], True)"
    assert said(f"workflows {name} --phase failed") == said(f"workflows {name} --tool nothing") == "([], True)"
    assert said(f"workflows {name} --model nothing") == said(f"workflows {name} --by nobody-like-it") == "([], True)"
    assert said(f"workflows {name} --run-by nobody-like-it") == said(f"workflows {name} --error x") == "([], True)"
    assert "no time" in kernel.run("%workflow workflows --since soon").error


def test_an_expression_is_watched_and_a_cell_that_waits_is_given_back_by_magic(kernel):
    kernel.run("import asyncio\nasync def slowly(): await asyncio.sleep(30)")
    kernel.run(
        "async def leave():\n    await asyncio.sleep(1)\n"
        "    await get_ipython().run_line_magic('workflow', 'detach given')\nleaving = asyncio.create_task(leave())"
    )
    assert kernel.run("%%workflow given\nnodes: {a: {set: {v: [1, 2]}}, b: {tool: slowly, needs: [a]}}").status == "ok"
    assert kernel.run("_.phase").result == "'running'"
    assert "a.v[0] + 1 = 2" in kernel.run("%workflow watch given a.v[0] + 1").streams
    assert "no cell waits" in kernel.run("%workflow detach given").error
    kernel.run("%workflow cancel given")


VIEWS = (
    "import gc\nfrom ipywidgets.widgets import widget as W\n"
    "def views():\n    gc.collect()\n    return len(W._instances) // 2"
)


def test_one_slider_and_one_live_picture_an_execution_and_none_after_a_reload(kernel):
    kernel.run(VIEWS)
    kernel.run("import asyncio\nasync def slowly(): await asyncio.sleep(60)")
    kernel.run("%%workflow past\nnodes: {a: {set: {v: 1}}}\n")
    before = int(kernel.run("views()").result)
    for _ in range(5):
        kernel.run("%workflow time past")
    assert kernel.run("views()").result == str(before + 1)
    kernel.run("%%workflow moving --background --as moving\nnodes: {a: {tool: slowly}}\n")
    for _ in range(5):
        shown = kernel.run("%workflow show moving")
        assert shown.status == "ok"
    assert kernel.run("views()").result == str(before + 2)
    assert any("text/html" in update for update in shown.updates), "the earlier one stands still"
    assert kernel.run("%reload_ext nbflow").status == "ok"
    assert kernel.run("views()").result == str(before)
    assert kernel.run("moving.phase").result == "'running'"
    kernel.run("moving.cancel()")
