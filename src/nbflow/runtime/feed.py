"""Committed records, and streamed text, for whoever looks: views, handles, the API, metrics.

A subscriber is called on the loop with a list of records that are on disk, in order and without gaps; one
that raises is dropped, and the execution goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from nbflow.execution.events import Record

Subscriber = Callable[[Sequence[Record]], None]
Listener = Callable[[str, str], None]
log = logging.getLogger(__name__)


class Feed:
    """The committed records of one execution, from the first on."""

    def __init__(self, records: Sequence[Record] = ()) -> None:
        self.records: list[Record] = list(records)
        self._subscribers: list[Subscriber] = []
        self._listeners: list[Listener] = []
        self._watchers: list[Callable[[], None]] = []

    def publish(self, records: Sequence[Record]) -> None:
        self.records.extend(records)
        for subscriber in tuple(self._subscribers):
            try:
                subscriber(records)
            except Exception:
                log.exception("a subscriber of the feed failed and is dropped")
                self._drop(subscriber)

        self.stir()

    def stir(self) -> None:
        """Tell those who wait for a phase to look again."""
        for watcher in tuple(self._watchers):
            watcher()

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call it after every batch, and when a child comes to wait or goes on; returns how to stop."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call it with the records committed so far, then with every batch; returns how to stop."""
        self._subscribers.append(subscriber)
        if self.records:
            subscriber(tuple(self.records))
        return lambda: self._drop(subscriber)

    def _drop(self, subscriber: Subscriber) -> None:
        if subscriber in self._subscribers:
            self._subscribers.remove(subscriber)

    def say(self, path: str, text: str) -> None:
        """Streamed text of a node: shown live, never kept."""
        for listener in tuple(self._listeners):
            listener(path, text)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call it with (path, text) of what nodes stream; returns how to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None
