"""Durations and rates."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.errors import Diagnostic
from nbflow.plan.workflow import diagnose
from nbflow.spec.document import Located, load
from nbflow.spec.durations import format_duration, parse_duration, parse_rate, read_duration, read_rate


def field(written: str) -> Located:
    root = load(f"timeout: {written}\n").value
    assert isinstance(root, dict)
    return root["timeout"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20s", 20), ("10m", 600), ("2h", 7200), ("1d", 86400), ("500ms", 0.5), ("1h30m", 5400), ("1d2h3m4s5ms", 93784.005),
        ("1.5h", 5400), ("0.25s", 0.25), ("0s", 0), ("90m", 5400), (" 20s ", 20),
    ],
)  # fmt: skip
def test_a_duration_is_a_number_with_a_unit_or_several(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("30", "write 30s"), ("1.5", "write 1.5s"), ("30sec", "write 30s"), ("5 minutes", "write 5m"), ("2 Hours", "write 2h"),
        ("10min", "write 10m"), ("-5s", "negative"), ("- 5 s", "negative"), ("30m1h", "1h30m"), ("1h1h", "1h30m"),
        ("", "20s"), ("soon", "20s"), ("1e3s", "20s"), ("٣s", "20s"), ("1w", "ms, s, m, h and d"), ("s", "20s"), ("1h 30m", "1h30m"),
        ("999999999d", "hundred years"), ("1" * 400 + "s", "duration"), (".nan", "20s"), ("inf", "20s"), ("PT10M", "20s"),
    ],
)  # fmt: skip
def test_what_is_no_duration_is_answered_with_one(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"duration|years") as caught:
        parse_duration(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("30", "write 30s"), ("2.50", "write 2.50s"), ("-5s", "negative"), (".nan", "duration"), ("true", "duration"),
        ("[1]", "a list"), ("{a: 1}", "a mapping"), ("~", "nothing"), ("30sec", "write 30s"), ("''", "duration"),
    ],
)  # fmt: skip
def test_a_field_that_is_no_duration_is_found_at_its_place(written: str, said: str) -> None:
    found: list[Diagnostic] = []
    assert read_duration(field(written), found.append) is None
    assert [(one.code, one.line, one.column) for one in found] == [("type.duration", 1, 10)]
    assert said in f"{found[0].message} {found[0].hint}"


def test_zero_is_a_duration_where_it_makes_sense() -> None:
    found: list[Diagnostic] = []
    assert read_duration(field("0s"), found.append) == 0
    assert read_duration(field("0s"), found.append, zero=False) is None
    assert [one.code for one in found] == ["type.duration"]


@pytest.mark.parametrize(
    ("text", "rate"), [("60/min", 1), ("10/s", 10), ("1000/h", 1000 / 3600), ("5/d", 5 / 86400), ("1.5 / s", 1.5)]
)
def test_a_rate_is_starts_per_second(text: str, rate: float) -> None:
    assert parse_rate(text) == pytest.approx(rate)


@pytest.mark.parametrize("text", ["60", "0/s", "-1/s", "5/week", "/s", "5/", "a/s", "5/s/s", "٣/s"])
def test_what_is_no_rate_is_answered_with_one(text: str) -> None:
    with pytest.raises(ValueError, match="60/min"):
        parse_rate(text)
    found: list[Diagnostic] = []
    assert read_rate(field(f"'{text}'"), found.append) is None
    assert [one.code for one in found] == ["type.rate"]


def test_a_rate_that_is_a_bare_number_gets_its_unit() -> None:
    found: list[Diagnostic] = []
    assert read_rate(field("60"), found.append) is None
    assert "60/min" in (found[0].hint or "")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"), (20, "20s"), (90, "1m30s"), (5400, "1h30m"), (0.5, "500ms"), (1.5, "1.5s"), (61.25, "1m1.25s"), (86400, "1d"),
        (90061, "1d1h1m1s"), (0.0001, "0s"), (0.9999, "1s"), (59.9996, "1m"), (-3, "-3s"), (0.001, "1ms"),
    ],
)  # fmt: skip
def test_a_duration_is_written_as_short_as_it_is_exact(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(0, 10**9))
def test_what_is_written_is_read_back_to_the_millisecond(milliseconds: int) -> None:
    assert round(parse_duration(format_duration(milliseconds / 1000)) * 1000) == milliseconds


@given(st.text(alphabet="0123456789.smhd -+e", max_size=12))
def test_no_text_breaks_the_reading(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse_duration(text) >= 0


@pytest.mark.parametrize("value", ["5", "5.5", "true"])
def test_a_written_number_is_no_time_to_wait_until(value):
    (found,) = [each for each in diagnose(f"nodes: {{a: {{wait: {{until: {value}}}}}}}") if each.code == "type.time"]
    assert "for a duration, wait: 10m" in (found.hint or "")
