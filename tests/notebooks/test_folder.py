"""Three kernels and a shell on one folder: all run, all see everything, and what one leaves another finishes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.notebooks.kernels import Kernel

pytestmark = pytest.mark.timeout(120)

TEXT = (
    "name: w\nnodes:\n  each:\n    parallel: {for_each: 'range(40)', max: 1}\n"
    "    nodes: {s: {tool: slow, with: {n: =item}}}\n  sure: {ask: go?, needs: [each]}\n"
)
TOOLS = (
    "import asyncio, nbflow\n@nbflow.tool\nasync def slow(n: int) -> int:\n    await asyncio.sleep({})\n    return n\n"
)


@pytest.fixture
def kernels(tmp_path):
    made = [Kernel(tmp_path) for _ in range(3)]
    for kernel in made:
        assert kernel.run("%load_ext nbflow\n" + TOOLS.format(0.05), timeout=60).status == "ok"
    yield made
    for kernel in made:
        kernel.close()


def test_kernels_and_a_shell_share_a_folder(kernels, tmp_path):
    (tmp_path / "tools.py").write_text(TOOLS.format(0))

    def shell(*words):
        command = [sys.executable, "-m", "nbflow.access", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def asked(kernel, code):
        reply = kernel.run(code)
        assert reply.status == "ok", reply.all
        return reply.result

    ids = [asked(kernel, f"mine = nbflow.start({TEXT!r})\nmine.id").strip("'") for kernel in kernels]
    count = "nbflow.sql(\"select count(*) as n from events where execution = '{}'\").n[0] >= {}"
    rounds = 0
    while rounds < 3 or asked(kernels[2], "mine.phase") == "'running'":  # what one has committed, all see at once
        for writer, id in zip(kernels, ids, strict=True):
            written = asked(writer, "len(mine.events)")
            assert asked(kernels[(rounds + 1) % 3], count.format(id, written)) == "np.True_"
        assert asked(kernels[rounds % 3], f"set(nbflow.executions().execution) == {set(ids)}") == "True"
        rounds += 1
    assert {row["execution"] for row in json.loads(shell("executions", "list", "--json"))} == set(ids)

    # what one kernel suspends, a shell finishes, and the kernel sees the end
    first = kernels[0]
    asked(first, "mine.suspend(); (await mine.until('suspended')).phase")
    waits = first.send("(await mine).phase, mine.outputs")
    shell("executions", "recover", ids[0], "--tools", "tools.py", "--detach")
    shell("executions", "answer", ids[0], "sure", "1", "--tools", "tools.py")
    assert first.finish(waits).result == "('completed', {'sure': 1})"
    assert "nothing to resume" in first.run(f"%workflow resume {ids[0]}").error

    # a person's own connection in a kernel keeps nobody from anything
    asked(kernels[1], "import duckdb\nown = duckdb.connect('.nbflow/history.duckdb')")
    assert len(json.loads(shell("executions", "list", "--json"))) == 3
    shell("store", "check")
    for kernel, id in zip(kernels[1:], ids[1:], strict=True):
        shell("executions", "answer", id, "sure", "2")
        assert asked(kernel, "(await mine).outputs") == "{'sure': 2}"
    assert asked(kernels[1], "own.execute('select count(distinct execution) from records').fetchall()") == "[(3,)]"
    asked(kernels[1], "own.close()")
    for kernel in kernels:
        kernel.close()  # killed: what it wrote last is in its segment, and is taken in by whoever asks
    shell("executions", "list")

    # and when nothing runs, so does one in another process
    code = "import duckdb; print(duckdb.connect('.nbflow/history.duckdb').execute('from summaries').fetchall())"
    own = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert own.returncode == 0 and own.stdout.count("'completed'") == 3
