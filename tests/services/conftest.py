"""Real servers, each started once a test process and skipped by name where it cannot be had."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services.fixtures import FIXTURES
from tests.services.model_server import ModelServer, Unavailable, served
from tests.services.postgres import started


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    try:
        with served(FIXTURES, tmp_path_factory.mktemp("models")) as server:
            yield server
    except Unavailable as problem:
        pytest.skip(f"aimock: {problem}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    try:
        with started() as url:
            yield url
    except Unavailable as problem:
        pytest.skip(f"PostgreSQL: {problem}")
