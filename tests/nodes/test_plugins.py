"""Kinds that plug-ins add: checked when registered, then as good as the built-in ones."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from nbflow import assembly
from nbflow.errors import ExecutorError, SpecError
from nbflow.nodes.performed import Performed
from nbflow.nodes.plugins import Plugins
from nbflow.plan.workflow import parse
from tests.runtime.conftest import House, house  # noqa: F401 - the fixture


class Shout(BaseModel):
    text: str
    times: int = 1


async def test_a_kind_runs_with_its_parameters_checked(house: House) -> None:  # noqa: F811
    plugins = Plugins()

    @plugins.kind("shout", effects="none")
    async def shout(given: Shout) -> str:
        """Says it louder."""
        return given.text.upper() * given.times

    house.engine = house.new_engine()
    house.engine.kinds["shout"] = Performed(plugins.kinds["shout"])  # type: ignore[index]
    house.engine.performed["shout"] = house.engine.kinds["shout"]  # type: ignore[assignment]
    text = "inputs: {t: string}\nnodes: {a: {shout: {text: =inputs.t, times: 2}}}"
    execution = house.engine.start(parse(text, name="w", kinds=plugins.specs).plan, {"t": "hi"})
    await execution
    assert execution.outputs == {"a": "HIHI"}
    assert execution.nodes["a"].effects == "none"
    with pytest.raises(SpecError, match="texx"):
        parse("name: w\nnodes: {a: {shout: {texx: hi}}}", kinds=plugins.specs)


@pytest.mark.parametrize(
    ("name", "effects", "why"),
    [
        ("tool", "none", "cannot be a kind"),
        ("needs", "none", "cannot be a kind"),
        ("Shout", "none", "cannot be a kind"),
        ("shout", None, "declare its effects"),
        ("shout", "sometimes", "declare its effects"),
    ],
)
def test_a_kind_that_breaks_the_contract_is_refused_at_registration(name: str, effects: str | None, why: str) -> None:
    async def shout(given: Shout) -> str:
        return given.text

    with pytest.raises(ExecutorError, match=why):
        Plugins().kind(name, effects=effects)(shout)  # type: ignore[arg-type]


def test_a_kind_without_a_model_is_refused() -> None:
    with pytest.raises(ExecutorError, match="pydantic model"):
        Plugins().kind("shout", effects="none")(lambda given: given)


def test_an_entry_point_that_cannot_be_loaded_is_set_aside_and_named() -> None:
    def missing() -> object:
        raise ImportError("no such module")

    def leaving() -> object:
        raise SystemExit(3)

    plugins = Plugins()
    told = plugins.load({"shout": missing, "leave": leaving, "yell": lambda: (shout, "none")})
    assert [str(problem) for problem in told] == [
        "the plug-in for shout cannot be loaded: ImportError: no such module",
        "the plug-in for leave cannot be loaded: SystemExit: 3",
    ]
    assert "yell" in plugins.specs
    assert "shout" not in plugins.specs


@pytest.mark.parametrize("verb", ["shout", "yell"])
def test_an_entry_point_may_lead_to_a_decorated_function(verb: str) -> None:
    plugins = Plugins()

    def load() -> object:
        @plugins.kind("shout", effects="idempotent")
        def shout(given: Shout) -> str:
            return given.text.upper()

        return shout

    plugins.load({verb: load})
    assert plugins.specs[verb].effects == "idempotent"
    assert parse(f"nodes: {{a: {{{verb}: {{text: hi}}}}}}", kinds=plugins.specs).diagnostics == ()


def test_an_entry_point_may_lead_to_a_function_and_its_effects() -> None:
    plugins = Plugins()

    def shout(given: Shout) -> str:
        return given.text.upper()

    plugins.load({"shout": lambda: (shout, "none")})
    assert plugins.specs["shout"].effects == "none"
    (problem,) = plugins.load({"yell": lambda: shout_undeclared})
    assert "declare its effects" in str(problem)


def shout(given: Shout) -> str:
    return given.text.upper()


def shout_undeclared(given: Shout) -> str:
    return given.text


async def test_a_kind_that_is_registered_or_changed_while_an_engine_runs_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(assembly.plugins, "kinds", dict(assembly.plugins.kinds))
    store = "memory:"
    engine = assembly.engine(store)
    for factor in (2, 3):

        @assembly.plugins.kind("times", effects="none")
        async def times(given: Shout) -> int:
            return given.times * factor

        try:
            execution = await assembly.start("name: k\nnodes: {a: {times: {text: x, times: 2}}}", store=store)
        finally:
            del assembly.plugins.specs["times"]
        assert execution.outputs == {"a": 2 * factor}
        assert assembly.engine(store) is engine
    await engine.close()
