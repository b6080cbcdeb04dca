"""What every store of values promises."""

from __future__ import annotations

from hashlib import sha256

import pytest

from nbflow.errors import StorageError
from nbflow.ports.values import Values
from tests.conformance.conftest import Store


@pytest.fixture
def values(store: Store) -> Values:
    return store.values()


@pytest.mark.parametrize("content", [b"", b"x", b"\0\xff" * 100_000])
def test_a_value_is_found_by_its_hash(values: Values, content: bytes) -> None:
    digest = values.put(content, "bytes")
    assert digest == sha256(content).hexdigest()
    assert values.get(digest) == (content, "bytes")


def test_a_value_may_be_put_again(values: Values) -> None:
    assert values.put(b"x", "bytes") == values.put(b"x", "bytes")
    assert values.get(sha256(b"x").hexdigest()) == (b"x", "bytes")


def test_a_value_that_is_not_there_is_named(values: Values) -> None:
    with pytest.raises(StorageError, match="a" * 64) as caught:
        values.get("a" * 64)
    assert caught.value.code == "store.missing_value"
