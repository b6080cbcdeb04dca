"""The graph as networkx sees it."""

from __future__ import annotations

import subprocess
import sys

import networkx as nx

from nbflow.plan.workflow import parse

TEXT = """
name: w
inputs: {n: integer}
nodes:
  fetch: {tool: http.get, with: {url: https://example.com}, doc: Reads the page, tags: [web]}
  s: {switch: [{when: inputs.n > 1, then: l, label: many}, {else: b}], needs: fetch}
  l: {loop: {max: 2}, nodes: {x: {set: {v: =fetch.body}}, y: {set: {v: =x.v}}}}
  b: {parallel: {branches: {left: {wait: 1s}, right: {nodes: {z: {wait: 1s}}}}}}
"""


def test_nodes_and_edges_carry_what_is_drawn() -> None:
    graph = parse(TEXT).graph
    assert list(graph.nodes) == ["fetch", "s", "l", "b"]
    assert graph.nodes["fetch"]["kind"] == "tool"
    assert graph.nodes["fetch"]["label"] == "tool: http.get"
    assert graph.nodes["fetch"]["doc"] == "Reads the page"
    assert graph.edges["s", "l"] == {"kinds": ("gate",), "activating": True, "gate": True, "label": "many"}
    assert graph.edges["fetch", "l"]["kinds"] == ("data",)
    assert graph.edges["fetch", "l"]["activating"] is False
    assert graph.graph["name"] == "w"
    assert nx.is_directed_acyclic_graph(graph)


def test_bodies_are_graphs_of_their_own() -> None:
    graph = parse(TEXT).graph
    assert list(graph.nodes["l"]["bodies"][""].edges) == [("x", "y")]
    assert list(graph.nodes["b"]["bodies"]) == ["left", "right"]
    assert "bodies" not in graph.nodes["s"]


def test_what_a_machine_runs_are_graphs_by_name() -> None:
    graph = parse("""
name: m
machine:
  initial: a
  states:
    a: {invoke: {tool: http.get, with: {url: https://a.example}, as: page}, events: {done.page: b}}
    b: {invoke: [{wait: 1s, as: page}, {loop: {max: 2}, nodes: {x: {wait: 1s}}, as: rounds}], events: {done.page: c}}
    c: final
""").graph
    bodies = graph.nodes["machine"]["bodies"]
    assert list(bodies) == ["page", "page#2", "rounds"]
    assert bodies["page"].nodes["page"]["label"] == "tool: http.get"
    assert list(bodies["rounds"].nodes["rounds"]["bodies"][""]) == ["x"]


def test_networkx_is_loaded_when_the_graph_is_asked_for() -> None:
    code = (
        "import sys; from nbflow.plan.workflow import parse; w = parse('nodes: {a: {wait: 1s}}'); "
        "assert 'networkx' not in sys.modules; w.graph; assert 'networkx' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
