"""What `env.NAME` can see: what is allowed; in a notebook all but what looks like a secret."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nbflow import assembly


@pytest.fixture
def notebook() -> Iterator[None]:
    assembly.see_environment(all_names=True)
    yield
    assembly.see_environment(all_names=False)


def test_a_script_sees_only_what_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGION", "north")
    monkeypatch.setenv("CITY", "Kiel")
    assert assembly.seen_environment(("REGION",)) == {"REGION": "north"}


def test_a_notebook_sees_all_but_what_looks_like_a_secret(monkeypatch: pytest.MonkeyPatch, notebook: None) -> None:
    monkeypatch.setenv("REGION", "north")
    monkeypatch.setenv("SOME_API_KEY", "not for you")
    seen = assembly.seen_environment(())
    assert seen["REGION"] == "north"
    assert "SOME_API_KEY" not in seen
    assert assembly.seen_environment(("SOME_API_KEY",))["SOME_API_KEY"] == "not for you"
