"""What a person gives is copied and checked before it is told."""

from __future__ import annotations

import pytest

from nbflow.errors import InputError, NodeError
from tests.runtime.conftest import House


async def test_what_a_person_gives_is_copied_and_checked(house: House) -> None:
    execution = house.start("nodes: {q: {ask: which?}, r: {ask: and?}}\noutputs: {q: =q, r: =r}")
    await execution.until("r")
    mine = {"a": [1]}
    execution.answer("q", mine)
    execution.skip("r", mine)
    mine["a"].append(2)
    await execution
    assert execution.outputs == {"q": {"a": [1]}, "r": {"a": [1]}}


async def test_what_cannot_be_kept_is_refused_at_once(house: House) -> None:
    with pytest.raises(InputError, match="the input x is a object, which cannot be kept"):
        house.start("inputs: [x]\nnodes: {a: {set: {v: 1}}}", {"x": object()})
    execution = house.start("nodes: {q: {ask: which?}}")
    await execution.until("q")
    for verb in (execution.answer, execution.skip, execution.signal):
        with pytest.raises(NodeError, match="cannot be kept"):
            verb("q", {"deep": object()})
    assert execution.phase == "waiting"
