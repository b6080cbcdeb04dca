"""Whether arguments fit what a tool says it takes: names first, then what is missing, then every value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbflow.errors import NodeError
from nbflow.spec.names import did_you_mean, listed
from nbflow.spec.schema import check


def check_arguments(arguments: Mapping[str, Any], schema: Mapping[str, Any], what: str) -> None:
    """Raises `NodeError` (`InvalidInput`, ``tool.arguments``) saying which argument is wrong and what came."""
    properties = schema.get("properties", {})
    if not arguments and not schema.get("required"):
        return
    if schema.get("additionalProperties") is False:
        for name in arguments:
            if name not in properties:
                hint = did_you_mean(name, properties) or f"arguments: {listed(properties) or 'none'}"
                raise wrong_arguments(f"'{name}' is not an argument of {what}", hint)
    for name in schema.get("required", ()):
        if name not in arguments:
            raise wrong_arguments(f"{what} needs '{name}'", properties.get(name, {}).get("description"))
    problems = check(arguments if type(arguments) is dict else dict(arguments), schema)
    if problems:
        raise wrong_arguments("; ".join(f"{what}: {problem.message}" for problem in problems), problems[0].hint)


def wrong_arguments(message: str, hint: str | None = None) -> NodeError:
    """The error of a call with arguments that its tool does not take."""
    return NodeError("InvalidInput", message, code="tool.arguments", hint=hint)
