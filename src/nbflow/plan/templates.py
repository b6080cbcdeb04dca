"""What the checks ask of expressions and templates beyond evaluating them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from nbflow.spec.document.delimiters import OPEN, template_end
from nbflow.spec.expressions import Expression, Value

Template = Expression | Value

_PLAIN = re.compile(r"\s*[a-z_]\w*(\.\w+|\[\d+\])*\s*\Z")


def constants_of(template: Template) -> Sequence[Expression]:
    """The expressions in a template that read nothing, so that their value is known."""
    if isinstance(template, Expression):
        return (template,) if template.constant else ()
    return template.constants


def is_plain(expression: Expression) -> bool:
    """Whether it is one reference and nothing else, so that its type is that of what it reads."""
    return len(expression.references) == 1 and _PLAIN.match(expression.text) is not None


def written(value: Value) -> Any:
    """A template as JSON data, expressions as their text after ``=``, however they were written."""
    return _normal(value.plain())


def _normal(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _normal(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_normal(inner) for inner in value]
    if not isinstance(value, str):
        return value
    if value.startswith("="):
        return "=" + value[1:].strip()
    bare = value.strip()
    if bare.startswith(OPEN) and template_end(bare, 0) == len(bare):
        return "=" + bare[len(OPEN) : -2].strip()
    return value
