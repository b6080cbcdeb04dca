"""The expression language: a part of Python over JSON data, read once, evaluated within a budget, never `eval`."""

from nbflow.spec.expressions.conditions import compile_condition
from nbflow.spec.expressions.errors import EvaluationError, ExpressionError
from nbflow.spec.expressions.expression import Expression, compile_expression
from nbflow.spec.expressions.functions import FUNCTIONS
from nbflow.spec.expressions.methods import METHODS
from nbflow.spec.expressions.references import Reference
from nbflow.spec.expressions.values import Value, compile_value, literal

__all__ = [
    "FUNCTIONS",
    "METHODS",
    "EvaluationError",
    "Expression",
    "ExpressionError",
    "Reference",
    "Value",
    "compile_condition",
    "compile_expression",
    "compile_value",
    "literal",
]
