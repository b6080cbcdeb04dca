"""Inputs that are secrets: real in the calls that read them, a mark in everything that is kept or shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nbflow.errors import InputError
from nbflow.integrations.secrets import Secrets
from nbflow.runtime.execution import Execution
from nbflow.runtime.readiness import Unready, recover
from nbflow.storage.duckdb.journal import DuckDBJournal
from tests.runtime.conftest import House

KEY = "sk-AAAAAAAAAAAAAAAAAAAAAAAA"
TEXT = """
inputs: {token: string, n: {type: integer, default: 1}}
nodes:
  call: {tool: call, with: {header: "Bearer ${{ inputs.token }}", n: =inputs.n}}
  sub:
    needs: call
    workflow: {inputs: {key: string}, nodes: {inner: {tool: call, with: {header: =inputs.key, n: 2}}}}
    with: {key: =inputs.token}
  q: {needs: sub, ask: go?}
  last: {needs: q, tool: call, with: {header: =inputs.token, n: 3}}
"""


@pytest.fixture
def secret(house: House) -> House:
    secrets = Secrets()
    house.seen: list[Any] = []  # type: ignore[attr-defined]

    @house.tool
    def call(header: str, n: int) -> str:
        house.seen.append(header)  # type: ignore[attr-defined]
        return f"called with {header}"

    house.more = {"conceal": secrets.conceal, "redact": secrets.redactor.clean}  # type: ignore[attr-defined]
    house.engine = house.new_engine(**house.more)  # type: ignore[attr-defined]
    return house


async def asked(house: House, **inputs: Any) -> Execution:
    return await house.start(TEXT, {"token": KEY, **inputs}).until("waiting")


async def test_calls_get_the_key_and_nothing_that_is_kept_has_it(secret: House, tmp_path: Path) -> None:
    secret.journal = DuckDBJournal(tmp_path / "h.duckdb")  # type: ignore[assignment]
    secret.engine = secret.new_engine(**secret.more)
    execution = await asked(secret)
    assert execution.inputs == {"token": "[secret token]", "n": 1}
    execution.answer("q", "yes")
    await execution
    assert secret.seen == [f"Bearer {KEY}", KEY, KEY]
    assert execution.nodes["call"].inputs == {"header": "Bearer [secret token]", "n": 1}
    assert execution.outputs == {"last": "called with [secret token]"}
    await secret.engine.close()
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert kept and not any(KEY.encode() in content for content in kept)


async def test_a_fork_and_a_rerun_in_the_same_process_have_it(secret: House) -> None:
    execution = await asked(secret)
    secret.seen.clear()
    fork = await execution.fork("call")
    await fork.until("waiting")
    again = await execution.rerun(from_node="call")
    await again.until("waiting")
    assert secret.seen == [f"Bearer {KEY}", KEY] * 2


async def test_another_process_waits_until_it_is_given_again(secret: House) -> None:
    execution = await asked(secret)
    for driver in list(secret.engine.drivers.values()):
        driver.break_off(RuntimeError("the process died"))
    engine = secret.new_engine(**secret.more)
    with pytest.raises(Unready, match="the input token is a secret, which is not kept; give it again"):
        await recover(engine, execution.id, "give it")
    with pytest.raises(InputError, match=r"the input token of .* is a secret, which is not kept"):
        await (await engine.open(execution.id)).rerun()
    engine.give(execution.id, {"token": KEY})
    again = await recover(engine, execution.id, "give it")
    await again.until("waiting")
    again.answer("q", "yes")
    await again
    assert secret.seen[-1] == KEY


async def test_a_mark_is_never_taken_for_the_key(secret: House) -> None:
    text = "inputs: [token]\nnodes: {a: {set: {v: =inputs.token}}, b: {tool: call, with: {header: =a.v, n: 1}}}"
    execution = await secret.run(text, {"token": KEY})
    assert execution.phase == "failed"
    assert "reached this call through another node" in execution.error["message"]  # type: ignore[index]
    assert secret.seen == []


async def test_ordinary_inputs_stay_as_they_are(secret: House) -> None:
    given = {"token": "plain", "n": 2}
    execution = await secret.start(TEXT, given).until("waiting")
    assert execution.inputs == given
    assert execution.state.concealed == ()
    execution.cancel()
