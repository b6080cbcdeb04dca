"""Which tools there are and in which order they are looked for; what cannot be one is refused at once."""

from __future__ import annotations

import pytest

from nbflow.errors import ExecutorError
from nbflow.integrations.secrets import Secrets
from nbflow.integrations.tools.functions import FunctionTool
from nbflow.integrations.tools.registry import ToolRegistry


@pytest.fixture
def registry() -> ToolRegistry:
    return ToolRegistry()


def test_a_registered_function_stays_what_it_is(registry):
    @registry.tool(name="twice", effects="none")
    def double(x: int) -> int:
        return 2 * x

    assert double(2) == 4
    assert registry.find("double") is None
    assert registry.find("twice").effects() == "none"


def test_built_in_tools_come_before_registered_ones_and_those_before_the_namespace(registry):
    namespace = {"one": lambda: "namespace", "two": lambda: "namespace", "three": lambda: "namespace"}
    registry.use_namespace(lambda: namespace)
    registry.register(lambda: "registered", "one")
    registry.register(lambda: "registered", "two")
    registry.add(FunctionTool(lambda: "built in", "one", registry.threads))
    assert [registry.find(name).function() for name in ("one", "two", "three")] == [
        "built in",
        "registered",
        "namespace",
    ]
    assert registry.names() == ("one", "two", "three")


def test_a_cell_that_is_run_again_gives_the_new_function(registry):
    namespace = {}
    registry.use_namespace(lambda: namespace)
    assert registry.find("f") is None
    namespace["f"] = lambda: 1
    first = registry.find("f")
    assert registry.find("f") is first
    namespace["f"] = lambda: 2
    assert registry.find("f").function() == 2


def test_classes_private_names_and_values_of_the_namespace_are_no_tools(registry):
    def numbers():
        yield 1

    registry.use_namespace(lambda: {"Thing": dict, "_f": len, "x": 3, "numbers": numbers, "f": lambda: 1})
    assert [name for name in ("Thing", "_f", "x", "f") if registry.find(name)] == ["f"]
    assert registry.names() == ("f",)


def test_the_functions_of_a_module_keep_what_they_declared(registry):
    @registry.tool(effects="once", name="pay")
    def charge(): ...

    def look(): ...

    registry.register_all({"charge": charge, "look": look})
    assert registry.names() == ("pay", "look")
    assert registry.find("pay").effects() == "once"


@pytest.mark.parametrize("name", ["", "a b", "1a", "http.get", "mcp.x.y", "a..b", "=x", "a\n"])
def test_a_name_that_cannot_be_one_is_refused(registry, name):
    with pytest.raises(ExecutorError):
        registry.tool(name=name or "!")(lambda: None)


def test_what_cannot_be_a_tool_is_refused_at_registration(registry):
    def numbers():
        yield 1

    with pytest.raises(ExecutorError, match="yields"):
        registry.tool(numbers)
    with pytest.raises(ExecutorError, match="effects"):
        registry.register(lambda: None, "f", effects="sometimes")
    with pytest.raises(ExecutorError, match="not a function"):
        registry.register(3, "three")


def test_schemas_are_made_when_looked_at(registry):
    def greet(name: str, loud: bool = False) -> str:
        """Greet someone.

        Args:
            name: who it is,
                in full
            loud: in capitals

        Returns: a text
        """

    registry.register(greet)
    (schema,) = registry.schemas().values()
    assert schema == {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "who it is, in full"},
            "loud": {"type": "boolean", "default": False, "description": "in capitals"},
        },
        "required": ["name"],
        "additionalProperties": False,
    }
    assert registry.find("greet").description == "Greet someone."
    assert "gret" not in registry.schemas()
    assert registry.suggest("gret") == "greet"


def test_names_that_pydantic_keeps_for_itself_are_fine_as_arguments(registry):
    def odd(schema: str, model_config: int, json: list[int], copy=None, /, *, validate: bool, **more): ...

    registry.register(odd)
    schema = registry.find("odd").parameters
    assert list(schema["properties"]) == ["schema", "model_config", "json", "copy", "validate"]
    assert schema["required"] == ["schema", "model_config", "json", "validate"]
    assert "additionalProperties" not in schema


def test_a_default_that_is_no_json_stays_out_of_the_schema(registry):
    def odd(x=object, y=float("nan"), z=(1, 2)): ...

    registry.register(odd)
    properties = registry.find("odd").parameters["properties"]
    assert properties["x"] == {} and properties["y"] == {}
    assert registry.find("odd").parameters.get("required") is None


def test_built_in_functions_of_python_can_be_tools(registry):
    import math

    registry.register(math.hypot)
    registry.register(len, "length")
    assert registry.find("length").parameters["required"] == ["obj"]


def test_what_the_shell_brings_along_and_sources_of_secrets_are_no_tools(registry):
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.display import display

    secrets = Secrets()

    @secrets.use
    def vault(name: str) -> str:
        return "a secret"

    opened = InteractiveShell.instance().user_ns["open"]
    InteractiveShell.clear_instance()
    registry.never(secrets.is_source)
    registry.use_namespace(
        lambda: {"open": opened, "display": display, "vault": vault, "input": input, "mine": lambda: 1}
    )
    assert [name for name in registry.names() if registry.find(name)] == ["mine"]
    assert [registry.find(name) for name in ("open", "display", "vault", "input")] == [None] * 4
