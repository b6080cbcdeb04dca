"""The search for garbage under load: when it is put off, and that its end costs one thread and no more."""

import gc
import threading
from collections.abc import Iterator

import pytest

from nbflow.runtime.garbage import LARGE, MIDDLE, RARELY, YOUNG, Shelter


def waiting() -> list[threading.Timer]:
    return [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    usual, others = gc.get_threshold(), waiting()
    yield
    for timer in waiting():
        if timer not in others:
            timer.cancel()
    gc.set_threshold(*usual)


def test_a_large_load_puts_the_full_search_off() -> None:
    gc.set_threshold(700, 10, 10)
    shelter = Shelter()
    shelter.enter(LARGE - 1)
    assert gc.get_threshold() == (700, 10, 10)
    shelter.enter(1)
    assert gc.get_threshold() == (YOUNG, MIDDLE, RARELY)


def test_executions_that_end_after_the_load_start_no_thread_of_their_own() -> None:
    shelter, before = Shelter(), len(waiting())
    for _ in range(40):
        shelter.enter(LARGE // 20)
    for _ in range(20):
        shelter.leave(LARGE // 20)
    assert len(waiting()) == before, "still a thousand nodes"
    for _ in range(20):
        shelter.leave(LARGE // 20)
    assert len(waiting()) == before + 1
