"""Whole executions with keys that must appear nowhere: not in the store, not in a view, not in an error."""

from __future__ import annotations

import base64
import json
import logging
import os
from urllib.parse import quote

import pytest

from nbflow import assembly
from nbflow.errors import ExecutionFailed
from tests.integrations.tools.http.server import Server, reply
from tests.services.canary import canary, found_below, found_in

pytestmark = pytest.mark.services

NAMES = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "SHOP_TOKEN", "SHOP_PASSWORD"]
SECRETS = [canary(name) for name in NAMES]

TEXT = """
name: leaky
nodes:
  ask: {agent: {model: openai/gpt-5-mini, prompt: say hello}}
  ask_too: {agent: {model: anthropic/claude-sonnet-4-6, prompt: say hello}}
  own_key: {agent: {model: openai/gpt-5-mini, prompt: say hello, auth: =secrets.SHOP_TOKEN, headers: {X-Key: =secrets.SHOP_TOKEN}}}
  wrong: {agent: {model: openai/gpt-5-mini, prompt: wrong key}, on_error: continue}
  shop:
    tool: http.post
    with:
      url: URL/echo
      allow_hosts: [127.0.0.1]
      auth: {bearer: =secrets.SHOP_TOKEN}
      headers: {X-Token: "Token ${{ secrets.SHOP_TOKEN }}"}
      params: {t: =secrets.SHOP_TOKEN}
      json: {password: =secrets.SHOP_PASSWORD}
  denied: {tool: http.get, with: {url: URL/denied, allow_hosts: [127.0.0.1], params: {key: =secrets.SHOP_TOKEN}}, on_error: continue}
  leak: {tool: leak, with: {token: =secrets.SHOP_TOKEN}}
  fail: {tool: fail, with: {token: =secrets.SHOP_TOKEN}, on_error: continue}
  slow: {agent: {model: slow, prompt: x}}
outputs:
  all: =[shop, denied, leak, fail, ask, slow]
"""


async def echo(request, writer):
    """A server that answers with all it was told, in several forms."""
    told = f"{request.target} {request.headers} {request.body.decode()}"
    packed = base64.b64encode(b"xy" + SECRETS[2].encode() + b"z").decode()
    writer.write(
        reply(json.dumps({"told": told, "packed": packed}).encode(), media="application/json", X_Back=SECRETS[2])
    )
    await writer.drain()


async def denied(request, writer):
    writer.write(reply(f"no: {request.target}".encode(), status="403 Forbidden"))
    await writer.drain()


@pytest.fixture
def keys(monkeypatch, models):
    for name, secret in zip(NAMES, SECRETS, strict=True):
        monkeypatch.setenv(name, secret)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{models.url}/v1")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", models.url)


async def test_no_key_is_left_anywhere(keys, tmp_path, monkeypatch, capsys, caplog):
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.INFO)
    said: list[str] = []

    @assembly.tool(name="leak")
    def leak(token: str) -> dict:
        print("printed", token)
        return {"raw": token, token: 1, "inside": [f"Bearer {token}"], "bytes": token.encode()}

    @assembly.tool(name="fail")
    def fail(token: str) -> None:
        raise ValueError(f"cannot use {token}")

    @assembly.agent("slow")
    async def slow():
        token = os.environ["SHOP_TOKEN"]
        for start in range(0, len(token), 3):
            yield token[start : start + 3]

    try:
        async with Server(echo=echo, denied=denied) as server:
            execution = assembly.start(TEXT.replace("URL", server.url))
            execution.texts(lambda path, text: said.append(text))
            await execution
            (posted,) = [request for request in server.asked if request.method == "POST"]
            assert posted.headers["authorization"] == f"Bearer {SECRETS[2]}"
            assert SECRETS[3] in json.loads(posted.body)["password"]
    except ExecutionFailed as problem:
        raise AssertionError(f"{problem} {problem.execution.error}") from None
    finally:
        await assembly.agents.close()
        await assembly.tools.close()
        await assembly.engine().close()
    shown = [repr(execution.outputs), repr(execution.state.nodes["fail"].error), repr(execution.events), "".join(said)]
    shown += [str(node.calls) + str(node.inputs) for node in execution.state.nodes.values()]
    out = capsys.readouterr()
    for text in (*shown, out.out, out.err, caplog.text):
        assert found_in(text.encode(), SECRETS) == []
    assert "[secret SHOP_TOKEN]" in shown[0]
    assert "".join(said).count("[secret SHOP_TOKEN]") >= 2
    assert found_below(tmp_path, SECRETS) == []
    assert any(tmp_path.rglob("*.jsonl")) or any(tmp_path.rglob("*.duckdb"))


def test_the_search_itself_finds_what_is_there(tmp_path):
    planted = canary("PLANTED")
    for number, text in enumerate(
        [planted, base64.b64encode(f"a{planted}b".encode()).decode(), quote(planted, safe="")]
    ):
        (tmp_path / f"{number}.txt").write_text(text)
    assert len(found_below(tmp_path, [planted])) == 3
