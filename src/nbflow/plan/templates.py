"""What the checks ask of expressions and templates beyond evaluating them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from nbflow.spec.expressions import Expression, Value

Template = Expression | Value

_PLAIN = re.compile(r"\s*[a-z_]\w*(\.\w+|\[\d+\])*\s*\Z")


def expressions_of(template: Template) -> Sequence[Expression]:
    """The expressions in a template, in the order written."""
    return (template,) if isinstance(template, Expression) else template.expressions


def has_constants(template: Template) -> bool:
    """Whether an expression in it reads nothing."""
    return any(expression.constant for expression in expressions_of(template))


def is_plain(expression: Expression) -> bool:
    """Whether it is one reference and nothing else, so that its type is that of what it reads."""
    return len(expression.references) == 1 and _PLAIN.match(expression.text) is not None


def written(value: Value) -> Any:
    """A template as JSON data, expressions as their text."""
    return value.plain
