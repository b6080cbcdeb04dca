"""``mcp.<server>.<tool>`` with a real server process over stdio, and over HTTP."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from pathlib import Path

import pytest

from nbflow.errors import ExecutorError, NodeError
from nbflow.integrations.agents.registry import AgentRegistry
from nbflow.integrations.tools.mcp.tools import McpFamily
from nbflow.integrations.tools.registry import ToolRegistry
from nbflow.nodes.agent import AgentExecutor
from nbflow.nodes.tool import ToolExecutor
from tests.nodes.calls import agent, attempted, tool
from tests.nodes.scripted import Scripted, wants

pytestmark = pytest.mark.services
pytest.importorskip("mcp", reason="mcp is not installed")

SHOP = str(Path(__file__).with_name("shop.py"))


@pytest.fixture
async def family():
    servers = {
        "shop": {"command": [sys.executable, SHOP], "env": {"SHOP_USER": "{USER_NAME}"}},
        "broken": {"command": [sys.executable, SHOP, "--broken"]},
        "nowhere": {"command": ["/no/such/program"]},
        "sure": {"command": [sys.executable, SHOP], "effects": {"order": "idempotent"}},
    }
    made = McpFamily(servers, {"USER_NAME": "ada"})
    yield made
    await made.close()


@pytest.fixture
def registry(family):
    registry = ToolRegistry()
    registry.add_family(family)
    return registry


async def perform(registry, name, **arguments):
    return await ToolExecutor(registry).perform(attempted(tool(name), arguments).call)


async def test_a_tool_of_a_server_is_called(registry):
    assert await perform(registry, "mcp.shop.price", item="pen") == {"item": "pen", "euros": 3.5}
    assert await perform(registry, "mcp.shop.order", item="pen", count=2) == "2 x pen for ada"
    assert set(registry.names()) == {"mcp.shop.price", "mcp.shop.order", "mcp.shop.crash"}


async def test_naming_a_tool_starts_nothing(registry, family):
    found = registry.find("mcp.shop.price")
    assert (found.name, found.effects(), found.parameters["type"]) == ("mcp.shop.price", "once", "object")
    assert "mcp.shop.anything" in registry.schemas()
    assert registry.find("mcp.other.price") is None
    assert family.servers["shop"]._open == {} or not list(family.servers["shop"]._open)


async def test_the_servers_schema_and_words_are_the_tools(registry):
    found = registry.find("mcp.shop.price")
    await found.prepare()
    assert found.description == "What an item costs."
    assert found.parameters["required"] == ["item"]
    assert found.effects() == "idempotent"
    assert registry.find("mcp.shop.order").effects() == "once"
    assert registry.find("mcp.sure.order").effects() == "idempotent"


@pytest.mark.parametrize(
    ("name", "arguments", "code", "words"),
    [
        ("mcp.shop.price", {"item": 3}, "tool.arguments", "item"),
        ("mcp.shop.price", {}, "tool.arguments", "needs 'item'"),
        ("mcp.shop.prise", {"item": "pen"}, "mcp.tool", "no tool 'prise'"),
        ("mcp.shop.price", {"item": "nothing"}, "mcp.failed", "price"),
        ("mcp.broken.price", {"item": "pen"}, "mcp.start", "closed today"),
        ("mcp.nowhere.price", {"item": "pen"}, "mcp.start", ""),
    ],
)
async def test_what_goes_wrong_has_a_code(registry, name, arguments, code, words):
    with pytest.raises(NodeError) as caught:
        await perform(registry, name, **arguments)
    assert caught.value.code == code
    assert words in str(caught.value)


async def test_calls_go_out_at_the_same_time_over_one_process(registry):
    results = await asyncio.gather(*(perform(registry, "mcp.shop.order", item=str(n)) for n in range(10)))
    assert results == [f"1 x {n} for ada" for n in range(10)]


async def test_a_server_that_died_is_started_again(registry):
    with pytest.raises(NodeError) as caught:
        async with asyncio.timeout(20):
            await perform(registry, "mcp.shop.crash")
    assert (caught.value.kind, caught.value.code) in {("Unavailable", "mcp.lost"), ("Refused", "mcp.error")}
    assert await perform(registry, "mcp.shop.order", item="pen") == "1 x pen for ada"


async def test_a_model_is_offered_the_servers_schema(registry):
    model, agents = Scripted(wants(("mcp_shop_price", '{"item": "pen"}')), "it costs 3.5"), AgentRegistry()
    agents.add(model)
    one = attempted(agent("scripted/m", tools=("mcp.shop.price",)), {"prompt": "x"})
    assert await AgentExecutor(agents, registry).perform(one.call) == "it costs 3.5"
    assert model.asked[0].tools[0].parameters["required"] == ["item"]
    assert one.of("tool")[0].response == {"item": "pen", "euros": 3.5}


async def test_a_server_is_reached_by_its_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c",
        f"import sys; sys.path.insert(0, {str(Path(SHOP).parent)!r}); import shop;"
        f" shop.server.run('streamable-http', host='127.0.0.1', port={port})",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    family = McpFamily(
        {"shop": {"url": f"http://127.0.0.1:{port}/mcp", "headers": {"Authorization": "Bearer {T}"}}}, {"T": "x"}
    )
    registry = ToolRegistry()
    registry.add_family(family)
    try:
        await _listens(port)
        assert await perform(registry, "mcp.shop.price", item="pen") == {"item": "pen", "euros": 3.5}
    finally:
        await family.close()
        process.kill()
        await process.wait()


async def _listens(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.wait([asyncio.create_task(asyncio.Event().wait())], timeout=0.05)
                continue
            writer.close()
            return


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"command": "sh -c x"},
        {"command": ["x"], "url": "http://x"},
        {"command": ["x"], "comand": []},
        {"command": []},
    ],
)
def test_what_cannot_be_a_server_is_refused_at_once(fields):
    with pytest.raises(ExecutorError):
        McpFamily({"shop": fields})


SILENT = [sys.executable, "-c", "import signal; signal.pause()"]
BABBLING = [sys.executable, "-c", "import sys; print('hello', '{', flush=True); [0 for _ in sys.stdin]"]


@pytest.fixture
async def complaints():
    """What the loop was told that nobody else was."""
    found: list[dict] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: found.append(context))
    yield found
    gc.collect()
    await asyncio.sleep(0)
    assert found == []


@pytest.mark.parametrize("command", [SILENT, BABBLING], ids=["silent", "babbling"])
async def test_a_server_that_says_nothing_is_left_at_once(command, complaints, capfd):
    family = McpFamily({"mute": {"command": command}})
    begun = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(family.find("mcp.mute.x").prepare(), 1.5)
    await family.close()
    assert asyncio.get_running_loop().time() - begun < 6
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task() and "_hold" in repr(task)] == []
    assert "Traceback" not in capfd.readouterr().err


async def test_a_list_of_tools_does_not_wait_long(monkeypatch, complaints):
    monkeypatch.setattr("nbflow.integrations.tools.mcp.tools.LISTING", 1.0)
    family = McpFamily(
        {"mute": {"command": SILENT}, "shop": {"command": [sys.executable, SHOP]}, "other": {"command": SILENT}}
    )
    problems = await family.learn_all()
    assert {problem.code for problem in problems} == {"mcp.start"}
    assert any("'mute' has not told its tools in 1 s" in str(problem) for problem in problems)
    await family.close()
