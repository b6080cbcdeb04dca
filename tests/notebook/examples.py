"""Workflows that the tests of this folder draw and run."""

from __future__ import annotations

from nbflow import assembly
from nbflow.notebook.render.extract import picture
from nbflow.notebook.render.watch import Watch
from nbflow.plan.workflow import parse

GRAPH = """
name: review
inputs: {threshold: {type: number, default: 0.8}}
nodes:
  fetch: {set: {body: text}}
  analyst: {set: {summary: =fetch.body}}
  critic: {set: {score: 0.5}}
  good_enough:
    needs: [analyst]
    switch:
      - {when: critic.score >= inputs.threshold, then: merge}
      - {else: refine}
  refine:
    loop: {max: 3, until: loop.index >= 1}
    nodes:
      rewrite: {set: {text: =analyst.summary}}
      scored: {set: {of: =rewrite.text}}
  merge: {aggregate: object, needs: [refine], join: active, with: {text: =analyst.summary}}
on_error: {set: {text: =error.message}}
"""
ITEMS = """
name: items
inputs: {rows: [integer]}
nodes:
  each:
    parallel: {for_each: inputs.rows, max: 2}
    nodes:
      double: {set: {value: =item * 2}}
      again: {set: {value: =double.value}}
  both:
    parallel:
      branches:
        left: {set: {side: left}}
        right: {nodes: {r1: {set: {side: right}}}}
  out: {aggregate: object, with: {each: =each, both: =both}}
"""
MACHINE = """
name: lights
machine:
  initial: red
  context: {round: 0}
  states:
    red: {events: {go: green}, after: {10m: failed}}
    green:
      initial: steady
      states:
        steady: {events: {soon: blinking}}
        blinking: {}
      events: {stop: {to: red, if: ctx.round < 3, assign: {round: =ctx.round + 1}}}
    failed: {type: final}
"""


def drawn(text: str):
    return picture(parse(text).plan)


def watched(text: str, inputs=None) -> Watch:
    """The watch of an execution that has run to its end."""
    execution = assembly.run(assembly.parse(text), inputs, store="memory:")
    watch = Watch(execution.plan, picture(execution.plan))
    watch.fold(execution.events)
    return watch


def chain(count: int) -> str:
    nodes = "".join(f"  n{number}: {{set: {{v: =n{number - 1}.v}}}}\n" for number in range(1, count))
    return f"name: chain\nnodes:\n  n0: {{set: {{v: 1}}}}\n{nodes}"


def wide(count: int) -> str:
    nodes = "".join(f"  n{number}: {{set: {{v: =n{(number - 1) // 3}.v}}}}\n" for number in range(1, count))
    return f"name: wide\nnodes:\n  n0: {{set: {{v: 1}}}}\n{nodes}"
