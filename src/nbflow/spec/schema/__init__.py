"""Schemas of inputs, outputs and answers: read from the language's shorthand, checked strictly."""

from nbflow.spec.schema.checking import NO_INPUTS, apply_inputs, check
from nbflow.spec.schema.problems import Problem
from nbflow.spec.schema.reading import read_inputs, read_schema

__all__ = ["NO_INPUTS", "Problem", "apply_inputs", "check", "read_inputs", "read_schema"]
