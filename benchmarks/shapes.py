"""The graphs that are measured: for each node, the earlier nodes it waits for. And the same as a workflow's text."""

from __future__ import annotations

import random

Graph = list[list[int]]


def chain(size: int) -> Graph:
    """Each node waits for the one before."""
    return [[index - 1] if index else [] for index in range(size)]


def fan(size: int) -> Graph:
    """One node, `size - 2` that wait for it, one that waits for all of those."""
    return [[], *([0] for _ in range(size - 2)), list(range(1, size - 1))]


def layered(size: int, width: int = 100, reach: int = 2, seed: int = 7) -> Graph:
    """Layers of `width`; a node waits for `reach` nodes of the layer before, drawn by `seed`."""
    draw = random.Random(seed)
    graph: Graph = []
    for index in range(size):
        start = (index // width - 1) * width
        graph.append([] if start < 0 else sorted(draw.sample(range(start, start + width), reach)))
    return graph


def text(graph: Graph, tool: str = "noop") -> str:
    """The workflow of this graph: a tool that does nothing, and order edges."""
    lines = ["name: measured", "nodes:"]
    for index, sources in enumerate(graph):
        needs = f", needs: [{', '.join(f'n{source}' for source in sources)}]" if sources else ""
        lines.append(f"  n{index}: {{tool: {tool}{needs}}}")
    lines += ["outputs:", f"  last: =n{len(graph) - 1}", ""]
    return "\n".join(lines)


def realistic(size: int) -> str:
    """A workflow as people write it, `size` nodes: inputs, data, schemas, policies, conditions and switches."""
    lines = [
        "name: measured",
        'version: "1.0.0"',
        "inputs:",
        "  url: {type: string, default: https://example.com}",
        "  threshold: {type: number, default: 0.8, minimum: 0, maximum: 1}",
        "nodes:",
    ]
    for index in range(0, size, 5):
        before = f"merge{index - 5}.text" if index else "inputs.url"
        lines += [
            f"  fetch{index}:",
            "    tool: work",
            f"    with: {{url: ={before}, tries: 3}}",
            "    retry: {max: 3, delay: 2s, factor: 2, jitter: true}",
            "    timeout: 20s",
            f"  score{index}:",
            "    tool: work",
            f'    with: {{text: "Score this: ${{{{ fetch{index}.body }}}}", level: =inputs.threshold * 2}}',
            "    output: {score: number, reasons: [string]}",
            f"  good{index}:",
            "    switch:",
            f"      - {{when: score{index}.score >= inputs.threshold and len(score{index}.reasons) > 0,"
            f" then: keep{index}}}",
            f"      - {{else: merge{index}}}",
            f"  keep{index}:",
            f"    set: {{best: '=score{index}.reasons[0]', at: =score{index}.score}}",
            f"  merge{index}:",
            "    aggregate: object",
            f"    needs: [keep{index}]",
            "    join: active",
            f"    with: {{text: '=keep{index}.best if keep{index} is not None else fetch{index}.body'}}",
        ]
    lines += ["outputs:", f"  text: =merge{index}.text", ""]
    return "\n".join(lines)
