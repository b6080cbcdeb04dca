"""Texts that nobody would write: the corpus and the language's own samples, cut, doubled, joined and spoilt."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests import corpus

SAMPLES = [
    b"name: w\nversion: '1.0'\ninputs:\n  url: {type: string, format: uri}\nnodes:\n  a:\n    tool: http.get\n    with: {url: =inputs.url}\n"
    b"  b:\n    agent: |\n      Summarise\n        ${{ a.body }}\n      ${{ 'x' if a is not None else \"}}\" }}\n    output: {s: number, c?: [string]}\n",
    b"a: &a [1, 2.5, .nan, 'x', \"\\u00e9\\n\"]\nb: [*a, *a]\nc: !!str 1\n? d\n: e\n--- \n",
    '\ufeffé: "日本\u2028"\r\nx: >-\r\n  a\r\n\r\n  b\r\n'.encode(),
    b'{"a": [1, {"b": "c"}], "d": null}',
]
EXPRESSIONS = [
    "score > 0.8 and len(items) < 3", "[x.y for x, (a, b) in zip(xs, ys) if x is not None]", "f'{a!r:>{w}} {{b}}'", "a.b['c'][0:-1:2]",
    "{'a': {b: 1}, **c}", "not -x ** 2 // 3 % 4", "max(a, b, default=None) if t else {1, 2}", "'it''s' \"x\" r'\\d'", "lambda x: x", "(a := 1)",
]  # fmt: skip
TOKENS = [
    b"${{", b"}}", b"{{", b"=", b"'", b'"', b"[", b"]", b"{", b"}", b"(", b")", b": ", b":", b"- ", b"? ", b"&a ", b"*a", b"!!str ", b"!x ",
    b"|\n", b">\n", b"|2-\n", b"#", b" #", b"\t", b"\n", b"\r", b"\r\n", b"\x00", b"\xff", b"\xc3", b"\xc2\xa0", b"\xe2\x80\xa8", b"\xf0\x9f\x98\x80",
    b"---\n", b"...\n", b"%YAML 1.2\n", b"<<: ", b"\\", b"\\u12", b"$", b",", b".", b"__class__", b" if ", b" else ", b" for x in ", b" in ",
    b"lambda: ", b"9" * 50, b"1e999", b".inf", b"~", b"null", b"true", b"**", b"//", b"f'{", b"not ", b"await ", b"*", b"@", b"`", b"\xef\xbb\xbf",
]  # fmt: skip


def seeds() -> list[bytes]:
    """What mutations begin with."""
    groups = ("yaml_syntax", "yaml_bombs", "yaml_types", "schema", "graph", "expression", "cron")
    cases = corpus.cases(*groups, kinds=("dsl", "expression"))
    texts = [text if isinstance(text, bytes) else text.encode() for text in map(corpus.text_of, cases)]
    return [*(text for text in texts if len(text) < 5_000), *SAMPLES, *(text.encode() for text in EXPRESSIONS)]


class Mutator:
    """Endless, the same for the same seed."""

    def __init__(self, seed: int):
        self._random = random.Random(f"mutations {seed}")
        self._seeds = seeds()

    def __iter__(self) -> Iterator[bytes]:
        while True:
            content = self._random.choice(self._seeds)
            for _ in range(self._random.choice((1, 1, 2, 3, 5, 9))):
                content = self._mutated(content)
            yield content[:20_000]

    def _mutated(self, content: bytes) -> bytes:
        pick = self._random
        start = pick.randrange(len(content) + 1)
        end = min(len(content), start + pick.choice((0, 1, 1, 2, 5, 20)))
        match pick.randrange(9):
            case 0:
                return content[:start] + content[end:]
            case 1 | 2 | 3:
                return content[:start] + pick.choice(TOKENS) * pick.choice((1, 1, 1, 2, 30)) + content[start:]
            case 4:
                return content[:start] + content[start:end] * pick.choice((2, 3, 50)) + content[end:]
            case 5:
                return content[:start] + bytes([pick.randrange(256)]) + content[end:]
            case 6:
                other = pick.choice(self._seeds)
                return content[:start] + other[pick.randrange(len(other) + 1) :]
            case 7:
                lines = content.split(b"\n")
                pick.shuffle(lines)
                return b"\n".join(lines)
            case _:
                line = content.count(b"\n", 0, start)
                lines = content.split(b"\n")
                lines[min(line, len(lines) - 1)] = b" " * pick.randrange(5) + lines[min(line, len(lines) - 1)].lstrip()
                return b"\n".join(lines)
