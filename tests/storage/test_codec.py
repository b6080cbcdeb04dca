from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from nbflow.errors import StorageError
from nbflow.execution import events as e
from nbflow.storage import codec, tags
from nbflow.storage.memory.values import MemoryValues
from tests.storage.records import NASTY, START, events, record, same, values

LIMIT = tags.LARGE


def round_trip(value: Any, store: MemoryValues | None = None) -> Any:
    store = store or MemoryValues()
    line = codec.encode("x", e.Record(1, START, e.NodeCompleted("n", 1, value)), store.put)
    event = codec.decode(line, store.get)[1].event
    assert isinstance(event, e.NodeCompleted)
    return event.output


def refuse(digest: str) -> tuple[bytes, str]:
    raise AssertionError("nothing was kept by its hash")


@pytest.mark.parametrize("value", NASTY, ids=ascii)
def test_any_json_value_comes_back_as_it_was(value: Any) -> None:
    assert same(round_trip(value), value)
    assert same(round_trip([value, {"k": value}]), [value, {"k": value}])


@settings(max_examples=300, deadline=None)
@given(values)
def test_generated_values_come_back_as_they_were(value: Any) -> None:
    assert same(round_trip(value), value)


@settings(max_examples=300, deadline=None)
@given(events)
def test_every_event_comes_back_as_it_was(event: e.Event) -> None:
    store = MemoryValues()
    line = codec.encode("an execution", e.Record(7, START, event), store.put)
    assert line.endswith(b"\n") and b"\n" not in line[:-1]
    execution, again = codec.decode(line, store.get)
    assert execution == "an execution" and same(again, e.Record(7, START, event))
    name, content = codec.encode_event(event, store.put)
    assert same(codec.decode_event(codec.FORMAT, name, content, store.get), event)


@settings(max_examples=200, deadline=None)
@given(events)
def test_a_line_is_json_that_every_store_reads(event: e.Event) -> None:
    line = codec.encode("x", e.Record(1, START, event), MemoryValues().put).decode()
    parts = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))

    def check(value: Any) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                check(key), check(item)
        elif isinstance(value, list):
            list(map(check, value))
        elif isinstance(value, str):
            assert "\0" not in value and value.encode().decode() == value
        elif isinstance(value, int):
            assert -(2**63) <= value < 2**63

    check(parts)


def test_all_events_have_a_shape() -> None:
    assert set(codec.SHAPES) == {kind.__name__ for kind in get_args(e.Event)}


@pytest.mark.parametrize("execution", ["plain", 'quo"te', "back\\slash", "ünï", "\u2028", "tab\t", ""])
def test_any_id_comes_back(execution: str) -> None:
    line = codec.encode(execution, record(1), MemoryValues().put)
    assert codec.decode(line, refuse) == (execution, record(1))


@pytest.mark.parametrize("execution", ["\0", "a\ud800"])
def test_an_id_that_stores_cannot_hold_is_refused(execution: str) -> None:
    with pytest.raises(StorageError, match="cannot name an execution"):
        codec.encode(execution, record(1), MemoryValues().put)


def test_a_flipped_bit_is_seen_anywhere() -> None:
    line = codec.encode("x", record(3), MemoryValues().put)
    for place in range(len(line) - 1):
        for bit in range(8):
            damaged = bytearray(line)
            damaged[place] ^= 1 << bit
            assert not codec.intact(bytes(damaged)), (place, bit)
    with pytest.raises(StorageError, match=r"damaged.*store\.corrupt"):
        codec.decode(line.replace(b'"n3"', b'"n4"'), refuse)


def test_a_torn_line_is_seen_at_any_length() -> None:
    line = codec.encode("x", record(3), MemoryValues().put)
    assert not any(codec.intact(line[:length]) for length in range(len(line) - 1))
    assert codec.intact(line) and codec.intact(line[:-1])


def test_a_large_value_is_kept_by_its_hash_and_only_the_part_that_is_large() -> None:
    store = MemoryValues()
    text = "x" * (LIMIT + 1)
    value = {"title": "t", "pages": [{"n": 1, "text": text}, {"n": 2, "text": "short"}]}
    line = codec.encode("x", e.Record(1, START, e.NodeCompleted("n", 1, value)), store.put)
    assert len(line) < 600
    output = json.loads(line)["fields"]["output"]
    kept = output["pages"][0]["text"]["$value"]
    assert kept == {"kind": "json", "sha256": sha256(f'"{text}"'.encode()).hexdigest(), "size": LIMIT + 3}
    assert output["title"] == "t" and output["pages"][1] == {"n": 2, "text": "short"}
    assert round_trip(value) == value


@pytest.mark.parametrize(
    "value",
    [
        [{"row": row, "text": "some text"} for row in range(10_000)],
        {f"key {row}": row for row in range(10_000)},
        {"$map": "x" * (LIMIT + 1)},
        "\ud800" * (LIMIT + 1),
        ["x" * (LIMIT - 10), "y" * (LIMIT - 10), float("nan")],
        {"a" * (LIMIT + 5): 1},
        10 ** (LIMIT // 2),
    ],
    ids=["rows", "keys", "tag", "surrogates", "two", "key", "integer"],
)
def test_large_values_come_back(value: Any) -> None:
    assert same(round_trip(value), value)


def test_the_same_large_value_is_kept_once() -> None:
    kept: list[str] = []

    def keep(content: bytes, kind: str) -> str:
        kept.append(sha256(content).hexdigest())
        return kept[-1]

    text = "x" * (LIMIT * 2)
    for value in (text, {"deep": [text]}, [{"other": 1, "text": text}]):
        codec.encode("x", e.Record(1, START, e.NodeCompleted("n", 1, value)), keep)
    assert len(set(kept)) == 1


def test_frames_arrays_and_bytes_come_back() -> None:
    frame = pd.DataFrame(
        {
            "a": [1, 2],
            "b": ["x", None],
            "when": pd.to_datetime(["2026-01-01", None], utc=True),
            "kind": pd.Categorical(["p", "q"]),
        },
        index=pd.Index(["r", "s"], name="key"),
    )
    pd.testing.assert_frame_equal(round_trip({"table": [frame]})["table"][0], frame)
    series = pd.Series([1.5, None], name="s")
    pd.testing.assert_series_equal(round_trip(series), series)
    pd.testing.assert_series_equal(round_trip(pd.Series([1, 2])), pd.Series([1, 2]))
    array = np.arange(6, dtype="int16").reshape(2, 3)
    again = round_trip(array)
    assert again.dtype == array.dtype and (again == array).all()
    assert round_trip([b"", b"\0\xff" * 10]) == [b"", b"\0\xff" * 10]


def test_bytes_and_json_of_the_same_content_do_not_mix() -> None:
    text = "y" * (LIMIT + 1)
    assert round_trip([f'"{text}"'.encode(), text]) == [f'"{text}"'.encode(), text]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (object(), "object"),
        ({1: 2}, "the key 1"),
        ({"a": {None: 2}}, "the key None"),
        (np.array([object()]), "array"),
        (pd.DataFrame({"a": [object()]}), "DataFrame"),
    ],
    ids=["object", "key", "none", "array", "frame"],
)
def test_what_cannot_be_stored_is_refused(value: Any, words: str) -> None:
    with pytest.raises(StorageError, match=words) as caught:
        round_trip(value)
    assert caught.value.code == "store.not_json"


def test_a_value_that_contains_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(StorageError, match="contains itself"):
        round_trip(value)


def test_deep_values_come_back() -> None:
    value: Any = 1
    for _ in range(300):
        value = [value]
    assert round_trip(value) == value


@pytest.mark.parametrize("more", [[], ["[" * 400 + "]" * 400], ['{"$float":"inf"}', '{"$text":"\\\\u0000"}']])
def test_many_texts_are_looked_at_as_each_of_them_is(more: list[str]) -> None:
    kept = '{"$value":{"kind":"arrow","sha256":"0","size":1234}}'
    plain = [json.dumps(value) for value in (None, 1, -0.5, True, "a,b]", {"a": [1, {"b": "x"}]}, [], 2**70)]
    texts = [*plain, None, *more] * 3
    expected = [None if text is None else tags.outline(text) for text in texts]
    assert repr(tags.outlines(texts)) == repr(expected)
    assert tags.outlines([kept, None]) == ["<arrow, 1,234 bytes>", None]
    assert tags.outlines([]) == []


def test_tuples_are_written_as_lists() -> None:
    assert round_trip((1, ("a",))) == [1, ["a"]]


def test_a_newer_format_is_refused_clearly() -> None:
    line = codec.encode("x", record(1), MemoryValues().put)
    newer = _sealed(line, b'{"v":1', b'{"v":2')
    with pytest.raises(StorageError, match="format 2; this nbflow reads up to 1") as caught:
        codec.decode(newer, refuse)
    assert caught.value.code == "store.version" and "upgrade" in (caught.value.hint or "")


def test_an_unknown_event_is_refused_and_an_unknown_field_is_left_out() -> None:
    line = codec.encode("x", record(1), MemoryValues().put)
    with pytest.raises(StorageError, match="unknown event 'NodeDreamt'"):
        codec.decode(_sealed(line, b"NodeStarted", b"NodeDreamt"), refuse)
    assert codec.decode(_sealed(line, b'"node":', b'"mood":"good","node":'), refuse)[1] == record(1)


def test_an_unknown_tag_is_refused() -> None:
    line = codec.encode("x", e.Record(1, START, e.NodeCompleted("n", 1, {"p": 1})), MemoryValues().put)
    with pytest.raises(StorageError, match=r"\$pickle"):
        codec.decode(_sealed(line, b'{"p":1}', b'{"$pickle":"gASV"}'), refuse)


def test_old_forms_are_lifted_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True, slots=True)
    class NodeBegun:
        node: str
        tries: int = 1
        paths: e.Paths = field(default=())

    monkeypatch.setattr(codec, "FORMAT", 3)
    monkeypatch.setitem(codec.SHAPES, "NodeBegun", codec.Shape(NodeBegun))
    monkeypatch.setitem(codec.UPCASTERS, 1, lambda name, given: ("NodeBegun" if name == "NodeStarted" else name, given))
    monkeypatch.setitem(
        codec.UPCASTERS,
        2,
        lambda name, given: (name, {"node": given["node"], "tries": given["attempt"], "paths": ["p"]}),
    )
    event = codec.decode_event(1, "NodeStarted", '{"node":"n","attempt":4}', refuse)
    assert event == NodeBegun("n", 4, ("p",))


def _sealed(line: bytes, old: bytes, new: bytes) -> bytes:
    """The line with a change and the checksum that belongs to it: as another version would have written it."""
    from zlib import crc32

    assert old in line
    body = line[: line.index(b',"crc"')].replace(old, new)
    return b'%b,"crc":"%08x"}\n' % (body, crc32(body))
