"""Whatever is written, findings come back: never an exception, never a place outside the text."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from nbflow.errors import SpecError
from nbflow.plan.diagnostics import codes
from nbflow.plan.workflow import MOST_LISTED, diagnose, parse
from nbflow.spec.document import load
from tests import corpus

EVERYTHING = """
name: everything
version: "1.0"
doc: All verbs and fields
inputs: {n: {type: integer, default: 3, minimum: 0}, url: text, tags: [string]}
defaults:
  agent: {model: a/b, timeout: 60s, retry: {max: 2, delay: 1s, factor: 2, on: [Timeout]}}
triggers:
  - {cron: 0 7 * * 1-5, timezone: Europe/Berlin, inputs: {url: x, tags: []}}
  - {webhook: new, secret: =secrets.KEY, inputs: {url: =event.body.url, tags: =event.tags}}
pools: {gpu: 2}
rates: {openai: 60/min}
budget: {tokens: 100, usd: 2}
timeout: 1h
priority: 1
tags: [a]
nodes:
  fetch:
    tool: http.get
    with: {url: =inputs.url, headers: {Authorization: "Bearer ${{ secrets.KEY }}"}}
    retry: {max: 3, delay: 2s, factor: 2, max_delay: 1m, jitter: true}
    timeout: 20s
    deadline: 2m
    cache: 1h
    pool: {gpu: 1}
    rate: {name: openai, limit: 10/s}
    breaker: {failures: 5, reset: 30s}
    effects: idempotent
    breakpoint: inputs.n > 1
    mock: {body: x}
    transform: result.body
    on_error: [{on: [Timeout], value: {body: null}}, {then: instead}]
    compensate: [{tool: undo, with: {v: =fetch}}]
  instead: {set: {v: =error.message}}
  think:
    agent: {prompt: "Read ${{ fetch }}", system: Be brief, tools: [http.get], budget: {usd: 1}, fallback: [c/d], options: {top_p: 1}}
    output: {score: number, why: [string], "more?": {a: integer}}
  s: {switch: [{when: think.score > 1, then: [left], label: good}, {else: right}]}
  left: {wait: 10m}
  right: {wait: {until: 2030-01-31T09:00:00Z}}
  fan:
    parallel: {for_each: inputs.tags, max: 2, collect: =x.v, on_fail: {allow: 1}}
    needs: [left, right]
    join: active
    nodes: {x: {set: {v: "=item + str(index)"}}}
  both: {parallel: {branches: {l: {wait: 1s}, r: {nodes: {y: {set: {v: 1}}}, result: =y.v}}}}
  rounds:
    loop: {max: 3, until: z.v > 2, while: loop.index < 5, start: {v: 1}, next: {v: =loop.v + 1}}
    nodes: {z: {set: {v: =loop.v}}}
    result: {v: =z.v, full: =loop.max_reached}
  best: {aggregate: best, with: =fan, by: item}
  total: {aggregate: reduce, with: [1, 2], start: 0, step: acc + item}
  sub: {workflow: other@1.0, with: {v: =best}}
  inner: {workflow: {inputs: [v], nodes: {i: {set: {v: =inputs.v}}}, outputs: {v: =i.v}}, with: {v: 1}}
  ask: {ask: {prompt: Publish?, output: boolean, to: me, timeout: 1d, default: false}, if: inputs.n > 2}
  tell: {emit: {event: done, key: k}, with: {v: =total}}
  hear: {listen: {event: paid, if: event.id == 1, timeout: 1h}}
  chart:
    machine:
      initial: a
      context: {v: 1}
      states:
        a: {entry: {assign: {v: =ctx.v + 1}}, events: {go: {to: b, if: ctx.v > 1}}, after: {10m: b}, invoke: {wait: 1s, as: w}}
        b: {type: final}
on_error: {tool: note, with: {at: =error.node}}
outputs: {v: =total, s: =sub}
"""

VALUES: list[Any] = [
    None, True, 3, -1, 2.5, float("nan"), "", " ", "x", "=1 +", "=fetch.v", "=nothing", "${{ 1 }}", "${{", "{{ x }}", "30", "3s",
    [], {}, [1], [None], [[]], {"a": 1}, {"a": None}, [{"a": 1}], {"value": 1}, {"then": "left"}, {"nodes": {}}, "é\u202e",
]  # fmt: skip


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*path, index))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    if isinstance(value, dict):
        return {key: replaced(inner, path[1:], new) if key == path[0] else inner for key, inner in value.items()}
    return [replaced(inner, path[1:], new) if index == path[0] else inner for index, inner in enumerate(value)]


def holds(text: str | bytes) -> None:
    found = diagnose(text)
    lines = (text if isinstance(text, str) else text.decode("utf-8", "replace")).count("\n") + 2
    assert len(found) <= MOST_LISTED + 1
    assert all(1 <= each.line <= lines and each.column >= 1 and each.message and "." in each.code for each in found)
    assert [each.line for each in found] == sorted(each.line for each in found)
    if any(each.severity == "error" for each in found):
        with pytest.raises(SpecError):
            parse(text)
    else:
        assert parse(text).diagnostics == found


def test_the_text_of_everything_has_no_error() -> None:
    assert [each for each in diagnose(EVERYTHING) if each.severity == "error"] == []


DOCUMENT = load(EVERYTHING).plain()
PATHS = list(paths(DOCUMENT))


@pytest.mark.parametrize("block", range(8))
def test_any_value_in_any_place_is_read_or_explained(block: int) -> None:
    rng = random.Random(block)
    for path in PATHS[block::8]:
        for value in rng.sample(VALUES, 3):
            holds(
                yaml.dump(replaced(DOCUMENT, path, value), Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
            )


@pytest.mark.parametrize("block", range(4))
def test_any_field_in_any_place_is_read_or_explained(block: int) -> None:
    rng = random.Random(block)
    names = [path[-1] for path in PATHS if isinstance(path[-1], str)]
    mappings = [path for path in PATHS if isinstance(_at(path), dict)]
    for path in mappings[block::4]:
        here = {**_at(path), rng.choice(names): rng.choice(VALUES), rng.choice(names): _at(rng.choice(PATHS))}
        holds(yaml.dump(replaced(DOCUMENT, path, here), Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True))


def _at(path: tuple[Any, ...]) -> Any:
    value: Any = DOCUMENT
    for step in path:
        value = value[step]
    return value


TEXTS = [text for case in corpus.cases("schema", "graph", "yaml_syntax") if len(text := corpus.text_of(case)) < 5000]
TEXTS += [entry.bad for entry in codes().values() if entry.bad and len(entry.bad) < 5000]


@pytest.mark.parametrize("block", range(4))
def test_any_change_of_letters_is_read_or_explained(block: int) -> None:
    rng = random.Random(block)
    for _ in range(150):
        text = rng.choice(TEXTS)
        data = bytearray(text.encode() if isinstance(text, str) else text)
        for _ in range(rng.randrange(1, 6)):
            place = rng.randrange(len(data) + 1)
            data[place : place + rng.randrange(3)] = rng.choice(
                [b"", b"\n", b"  ", b":", b"{", b"]", b"'", b"=", b"\xff", b"\t"]
            )
        holds(bytes(data))
