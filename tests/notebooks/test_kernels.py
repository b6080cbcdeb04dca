"""Older kernels: cells wait, ■ suspends, and a button is heard, in time or at the cell's end. With raw messages."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.notebooks.conftest import TOOLS
from tests.notebooks.kernels import Kernel

OLD = ["6.29.5", "7.0.1", "7.3.0"]
FLOW = "%%workflow {} {}\nnodes:\n  a: {{tool: slow, with: {{seconds: 0.8}}}}\n  b: {{tool: slow, with: {{seconds: 0.1}}, needs: [a]}}\n"


@pytest.fixture(scope="module", params=["here", *OLD])
def some_kernel(request, tmp_path_factory):
    """A kernel of this version: the installed one, or one put in front of it."""
    environment = {}
    if request.param != "here":
        place = tmp_path_factory.mktemp(f"ipykernel-{request.param}")
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--no-deps",
            "--target",
            str(place),
            f"ipykernel=={request.param}",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode:
            pytest.skip(f"ipykernel {request.param} cannot be had here")
        environment["PYTHONPATH"] = str(place)
    kernel = Kernel(tmp_path_factory.mktemp("folder"), **environment)
    kernel.version = kernel.run("import ipykernel; ipykernel.__version__", timeout=60).result.strip("'")
    assert request.param in ("here", kernel.version)
    kernel.run("%load_ext nbflow", timeout=60)
    kernel.run(TOOLS)
    yield kernel
    kernel.close()


pytestmark = pytest.mark.nightly


def opened(kernel, cell):
    """Start a cell; its id, and the comm of its view."""
    id = kernel.send(cell)
    shown = kernel.wait_for(id, lambda message: message["msg_type"] == "display_data")
    return id, shown["content"]["data"]["application/vnd.jupyter.widget-view+json"]["model_id"]


def test_the_next_cell_waits(some_kernel):
    first = some_kernel.send(FLOW.format("waits", ""))
    second = some_kernel.send("_.phase")
    assert some_kernel.finish(first).status == "ok"
    assert some_kernel.finish(second).result == "'completed'"


def test_an_interrupt_suspends(some_kernel):
    id, _ = opened(some_kernel, FLOW.format("stops", "").replace("0.8", "60"))
    some_kernel.wait_for(id, lambda message: message["msg_type"] == "comm_msg")
    some_kernel.interrupt()
    assert "Suspended" in some_kernel.finish(id).error
    assert some_kernel.run("1 + 1").result == "2"


def test_a_button_in_a_waiting_cell_is_heard_in_time_or_is_said_to_be_late(some_kernel):
    id, comm = opened(some_kernel, FLOW.format("pressed", "--as pressed"))
    some_kernel.say(comm, {"cmd": "hello"})
    some_kernel.say(comm, {"cmd": "suspend"})
    reply = some_kernel.finish(id)
    if tuple(map(int, some_kernel.version.split(".")[:2])) >= (7, 4):
        assert "Suspended" in reply.error
    else:
        assert some_kernel.run("pressed.phase in ('completed', 'suspended')").result == "True"


def test_a_button_of_a_background_view_is_heard_at_once(some_kernel):
    _, comm = opened(some_kernel, FLOW.format("aside", "--background --as aside").replace("0.8", "60"))
    some_kernel.say(comm, {"cmd": "hello"})
    some_kernel.say(comm, {"cmd": "cancel"})
    assert some_kernel.run("await aside.until('cancelled'); aside.phase").result == "'cancelled'"
