"""The page that ``%%workflow --help`` and ``%%workflow?`` show."""

from __future__ import annotations

from nbflow.notebook.options import FLAGS, OPTIONAL, VALUES

HEAD = """%%workflow [NAME] [OPTIONS]
YAML

Checks the workflow, draws it, runs it on the kernel's own loop and waits for its end. The execution is in `_`, and in
the variable of --as. A failed one is bound first and then fails the cell; ■ suspends it and loses nothing.
"""
TAIL = """
--debug and --background return at once, so that the next cells can look at the execution: %workflow step NAME,
%workflow show NAME. In a cell that waits, those would wait behind it.

    %%workflow hello
    nodes:
      greet: {set: {text: Hello}}

%workflow help lists the verbs of the line magic."""


def cell_page() -> str:
    """All options with what they do."""
    options = [(f"{name} {takes}", does) for name, (takes, does) in (VALUES | OPTIONAL).items()]
    options += list(FLAGS.items())
    lines = [f"  {name:<18}{does}" for name, does in options]
    return "\n".join([HEAD, *lines, TAIL])
