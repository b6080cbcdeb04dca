"""The journal in MongoDB: an append is one document, and its name says after which record it stands.

Documents of an execution make a chain: ``execution:after`` can be written once, so of two writers at one place one is
refused, with single-document steps only; and the second is, as long as the first lives (see `owning`). The line in
`executions` follows; where it lags after a crash, the chain is what counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pymongo.errors import DuplicateKeyError

from nbflow.errors import JournalConflict, StorageError
from nbflow.execution.events import NodeCompleted, Record
from nbflow.ports.clock import Clock, SystemClock
from nbflow.ports.journal import Found, Gap, Summary
from nbflow.storage import tags
from nbflow.storage.mongo import documents
from nbflow.storage.mongo.documents import Fetch, Kept
from nbflow.storage.mongo.owning import Owner
from nbflow.storage.mongo.server import Document, Server, meaning
from nbflow.storage.mongo.values import MongoValues, fetch_all, put_all
from nbflow.storage.table import attach_lines
from nbflow.storage.waiting import PATIENCE, Answers, Batch, Waiting

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_LIGHT = {"lines": 0, "lines_in": 0, "keys": 0, "nodes": 0}  # a batch without its records
_OPEN = {"$nin": ["completed", "failed", "cancelled"]}

Content = tuple[Document, list[Kept]]


class MongoJournal:
    """The journal of the database at `url`, as one of its writers.

    An execution belongs to the journal that appended to it first, until it ends, is suspended, or the journal closes.
    """

    def __init__(self, url: str, clock: Clock | None = None, *, patience: float = PATIENCE) -> None:
        self.server = Server(url, wait=min(10.0, patience))
        self.values = MongoValues(url)
        self._writer = (clock or SystemClock()).new_id()
        self._waiting: Waiting[Content] = Waiting(self._commit, patience)
        self._last: dict[str, int] = {}  # of what it owns
        self._owner = Owner(self._writer)

    async def append(self, execution: str, records: Sequence[Record], *, after: int) -> None:
        self._waiting.check()
        if records:
            content = await documents.batch(execution, records, after, self._writer)
            await self._waiting.put(execution, after, len(records), content)

    async def read(self, execution: str, *, after: int = 0) -> list[Record]:
        database = await self.server.database()
        with meaning(self.server.url):
            asked = {"execution": execution, "last": {"$gt": after}}
            found = await database.batches.find(asked).sort("after", 1).to_list()
            fetch = await _fetch(database, found)
        return [record for one in found for record in documents.records_of(one, fetch) if record.sequence > after]

    async def executions(self) -> list[Summary]:
        database = await self.server.database()
        with meaning(self.server.url):
            lines = await database.executions.find({}).to_list()
            lines = [line for line in await lift(database, lines) if line["last"] > 0]
            fetch = await fetch_all(database, [(line.get("error") or "").encode() for line in lines])
        summaries = [_summary(line, fetch) for line in lines]
        return sorted(summaries, key=lambda summary: (-summary.started, summary.execution))

    def peek(self, execution: str) -> list[Record]:
        with self.server.at_once() as database:
            found = list(database.batches.find({"execution": execution}).sort("after", 1))
            return [record for one in found for record in documents.records_of(one, self.values.get)]

    def summaries(self) -> list[Summary]:
        with self.server.at_once() as database:
            lines = list(database.executions.find({}))
            open = [line["_id"] for line in lines if line.get("phase") not in ("completed", "failed", "cancelled")]
            light = list(database.batches.find({"execution": {"$in": open}}, _LIGHT).sort("after", 1))
            lines = [line for line in _lifted(lines, light) if line["last"] > 0]
            summaries = [_summary(line, self.values.get) for line in lines]
        return sorted(summaries, key=lambda summary: (-summary.started, summary.execution))

    async def find_result(self, key: str) -> Found | None:
        database = await self.server.database()
        with meaning(self.server.url):
            found = await database.batches.find({"keys": key}).sort("stamp", -1).limit(1).to_list()
            fetch = await _fetch(database, found)
        for record in reversed(documents.records_of(found[0], fetch) if found else []):
            if isinstance(record.event, NodeCompleted) and record.event.key == key:
                return Found(found[0]["execution"], record.event.node, record.at, record.event.output)
        return None

    async def gaps(self) -> list[Gap]:
        try:
            database = await self.server.database()
            with meaning(self.server.url):
                chain = await database.batches.find({}, {"execution": 1, "after": 1, "last": 1}).to_list()
                lines = await database.executions.find({}, {"last": 1}).to_list()
        except StorageError as error:
            return [Gap(None, 0, None, str(error))]
        return _holes(chain, {line["_id"]: line["last"] for line in lines})

    def attach(self, connection: DuckDBPyConnection, name: str) -> None:
        """Give a DuckDB connection all records as ``name.records``, for analytics."""
        with self.server.at_once() as database:
            found = database.batches.find({})
            attach_lines(connection, name, (
                self.values.get(one["lines_in"])[0] if "lines_in" in one else bytes(one["lines"]) for one in found
            ))  # fmt: skip

    async def close(self) -> None:
        await self._waiting.close()
        if self._owner.lives:
            with suppress(StorageError):
                await self._owner.leave(await self.server.database())
        await self.server.close()

    async def _commit(self, group: list[Batch[Content]], again: bool) -> Answers[Content]:
        database = await self.server.database()
        with meaning(self.server.url):
            await self._owner.live(database)
            answers: Answers[Content] = []
            admitted = []
            ours = set(self._last)
            refused = await self._claim(database, group, fresh=again)
            for batch in group:
                last = self._last.get(batch.execution)
                if last is None:
                    answers.append((batch, refused[batch.execution]))
                elif last == batch.after:
                    self._last[batch.execution] = batch.last
                    admitted.append(batch)
                elif again and last >= batch.last and await self._is_ours(database, batch):
                    answers.append((batch, None))
                else:
                    answers.append((batch, _conflict(batch, last)))
            answers += await self._insert(database, admitted)
            await self._let_go(database, answers, ours)
            return answers

    async def _claim(self, database: Any, group: list[Batch[Content]], *, fresh: bool) -> dict[str, JournalConflict]:
        """Own the executions of a group and know their last record; why those are refused that others own."""
        refused: dict[str, JournalConflict] = {}
        first = {batch.execution: batch.after for batch in reversed(group)}
        for execution, after in first.items():
            if execution in self._last and not fresh:
                continue
            holder = await self._owner.claim(database, execution, new=after == 0)
            if holder is not None:
                self._last.pop(execution, None)
                refused[execution] = JournalConflict(f"{execution} is being written by {holder}")
            else:
                self._last[execution] = await _last_of(database, execution)
        return refused

    async def _let_go(self, database: Any, answers: Answers[Content], ours: set[str]) -> None:
        """Own no more what has ended, nor what was taken only to be refused: it is not ours to keep from others."""
        written = {batch.execution for batch, refusal in answers if refusal is None}
        over = {batch.execution for batch, refusal in answers if refusal is None and batch.content[0]["releases"]}
        for execution in dict.fromkeys(batch.execution for batch, _ in answers):
            if execution in over or execution not in written | ours:
                if self._last.pop(execution, None) is not None:
                    await self._owner.release(database, execution)
            elif any(refusal and batch.execution == execution for batch, refusal in answers):
                self._last.pop(execution, None)  # look again before the next

    async def _insert(self, database: Any, batches: list[Batch[Content]]) -> Answers[Content]:
        if not batches:
            return []
        await put_all(database, [value for batch in batches for value in batch.content[1]])
        refused = await self._insert_chain(database, batches)
        for batch in batches:
            if batch.execution not in refused:
                await _advance(database, batch)
        return [(batch, refused.get(batch.execution)) for batch in batches]

    async def _insert_chain(self, database: Any, batches: list[Batch[Content]]) -> dict[str, JournalConflict]:
        """Write the documents in their order; which executions were refused from which place on."""
        refused: dict[str, JournalConflict] = {}
        for batch in batches:
            if batch.execution in refused:
                continue
            try:
                await database.batches.insert_one(batch.content[0])
            except DuplicateKeyError:
                refused[batch.execution] = _conflict(batch, None)
        return refused

    async def _is_ours(self, database: Any, batch: Batch[Content]) -> bool:
        found = await database.batches.find_one({"_id": batch.content[0]["_id"]}, {"writer": 1, "last": 1})
        return found is not None and (found["writer"], found["last"]) == (self._writer, batch.last)


async def _last_of(database: Any, execution: str) -> int:
    chain = database.batches.find({"execution": execution}, {"last": 1})
    found = await chain.sort("after", -1).limit(1).to_list()
    return int(found[0]["last"]) if found else 0


async def _advance(database: Any, batch: Batch[Content]) -> None:
    """Bring the line of an execution up to its new batch."""
    document = batch.content[0]
    change: Document = {"$set": {**document["sets"], "last": batch.last}}
    if document["adds"]:
        change["$inc"] = document["adds"]
    await database.executions.update_one({"_id": batch.execution, "last": batch.after}, change)


async def lift(database: Any, lines: list[Document]) -> list[Document]:
    """Lines with what the chain says of those that have not ended: a line may lag, and says nothing of waiting."""
    open = [line["_id"] for line in lines if line.get("phase") not in _OPEN["$nin"]]
    light = await database.batches.find({"execution": {"$in": open}}, _LIGHT).sort("after", 1).to_list() if open else []
    return _lifted(lines, light)


def _lifted(lines: list[Document], light: list[Document]) -> list[Document]:
    chains: dict[str, list[Document]] = {}
    for one in light:
        chains.setdefault(one["execution"], []).append(one)
    lifted = []
    for line in lines:
        chain = chains.get(line["_id"])
        if chain:
            line = {**line, **documents.standing(chain)}
            if line.get("phase") == "running" and documents.waits(chain):
                line["phase"] = "waiting"
        lifted.append(line)
    return lifted


async def _fetch(database: Any, batches: list[Document]) -> Fetch:
    contents = [bytes(one["lines"]) for one in batches if "lines" in one]
    return await fetch_all(database, contents, [one["lines_in"] for one in batches if "lines_in" in one])


def _summary(line: Document, fetch: Fetch) -> Summary:
    error = line.get("error")
    return Summary(
        line["_id"], line.get("workflow") or "", line.get("version") or "", line["phase"], line["started"],
        line.get("ended"), tags.read(error, fetch) if error else None, line["last"],
    )  # fmt: skip


def _conflict(batch: Batch[Content], last: int | None) -> JournalConflict:
    has = "has" if last is None else f"has {last} records, not {batch.after}:"
    return JournalConflict(f"{batch.execution} {has} another writer has appended to it")


def _holes(chain: list[Document], lines: dict[str, int]) -> list[Gap]:
    """Places where a document of a chain is missing."""
    by_execution: dict[str, list[tuple[int, int]]] = {}
    for one in chain:
        by_execution.setdefault(one["execution"], []).append((one["after"], one["last"]))
    gaps = []
    for execution in sorted({*by_execution, *(name for name, last in lines.items() if last)}):
        at = 0
        for after, last in [*sorted(by_execution.get(execution, [])), (lines.get(execution, 0), 0)]:
            if after > at:
                gaps.append(Gap(execution, at + 1, after, f"records {at + 1} to {after} of {execution} are missing"))
            at = max(at, after, last)
    return gaps
