"""Kernels for the tests of this folder: one shared, and fresh ones where a test leaves its mark."""

from __future__ import annotations

import os

import pytest

from tests.notebooks.kernels import Kernel

TOOLS = """
import asyncio, time
calls = []
async def slow(seconds=60): await asyncio.sleep(seconds); calls.append("slow"); return {"seconds": seconds}
async def stubborn():
    while True:
        try: await asyncio.sleep(60)
        except asyncio.CancelledError: calls.append("heard")
def blocking(seconds=0.2): time.sleep(seconds); return seconds
async def hog(seconds=1.5): time.sleep(seconds); return seconds
def bad(): raise ValueError("no way")
"""


@pytest.fixture(autouse=True, scope="session")
def _own_ipython(tmp_path_factory):
    """A history and a profile of our own, so that a test never writes into a person's."""
    before = os.environ.get("IPYTHONDIR")
    os.environ["IPYTHONDIR"] = str(tmp_path_factory.mktemp("ipython"))
    yield
    if before is None:
        del os.environ["IPYTHONDIR"]
    else:
        os.environ["IPYTHONDIR"] = before


def prepared(folder) -> Kernel:
    kernel = Kernel(folder)
    assert kernel.run("%load_ext nbflow", timeout=60).status == "ok"
    assert kernel.run(TOOLS).status == "ok"
    return kernel


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """One kernel for the cells of a module."""
    kernel = prepared(tmp_path_factory.mktemp("kernel"))
    yield kernel
    kernel.close()


@pytest.fixture
def fresh_kernel(tmp_path):
    """Start kernels in one folder; they are killed at the end."""
    started = []

    def start():
        started.append(prepared(tmp_path))
        return started[-1]

    yield start
    for kernel in started:
        kernel.close()
