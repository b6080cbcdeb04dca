"""Finding executions in MongoDB: what the server can say is asked of it, the rest is looked at here."""

from __future__ import annotations

import json
from typing import Any

from nbflow.ports.executions import Listed, Page, Query
from nbflow.storage import tags
from nbflow.storage.finding import cut, fits, read_cursor
from nbflow.storage.mongo.documents import Fetch
from nbflow.storage.mongo.journal import lift
from nbflow.storage.mongo.server import Document, Server, meaning
from nbflow.storage.mongo.values import fetch_all

_AT_ONCE = 200


class MongoExecutions:
    """All executions of the database at `url`."""

    def __init__(self, url: str) -> None:
        self.server = Server(url)

    async def find(self, query: Query) -> Page:
        place = read_cursor(query.cursor)
        database = await self.server.database()
        found: list[Listed] = []
        with meaning(self.server.url):
            cursor = database.executions.find(_asked(query, place)).sort([("started", -1), ("_id", 1)])
            while len(found) <= query.limit:
                lines = await cursor.to_list(_AT_ONCE)
                if not lines:
                    break
                found += await self._fitting(database, lines, query)
            rows = found[: query.limit + 1]
            counted = await _nodes(database, [row.execution for row in rows])
        return cut([_with_nodes(row, counted) for row in rows], query.limit)

    async def close(self) -> None:
        await self.server.close()

    async def _fitting(self, database: Any, lines: list[Document], query: Query) -> list[Listed]:
        lines = [line for line in await lift(database, lines) if line["last"] > 0]
        texts = [(line.get(name) or "").encode() for line in lines for name in ("error", "labels")]
        fetch = await fetch_all(database, texts)
        rows = [(_listed(line, fetch), _plain(line.get("inputs"))) for line in lines]
        return [row for row, inputs in rows if fits(row, inputs, query)]


def _asked(query: Query, place: tuple[float, str] | None) -> Document:
    """What the server can decide of a query; phases and costs of open executions are in their chain."""
    asked: Document = {}
    if query.workflows is not None:
        asked["workflow"] = {"$in": query.workflows}
    if query.version is not None:
        asked["version"] = query.version
    started = {name: bound for name, bound in (("$gte", query.since), ("$lt", query.until)) if bound is not None}
    if started:
        asked["started"] = started
    if place is not None:
        asked["$or"] = [{"started": {"$lt": place[0]}}, {"started": place[0], "_id": {"$gt": place[1]}}]
    return asked


async def _nodes(database: Any, executions: list[str]) -> dict[str, int]:
    nodes: dict[str, set[str]] = {}
    for one in await database.batches.find({"execution": {"$in": executions}}, {"execution": 1, "nodes": 1}).to_list():
        nodes.setdefault(one["execution"], set()).update(one["nodes"])
    return {execution: len(names) for execution, names in nodes.items()}


def _listed(line: Document, fetch: Fetch) -> Listed:
    error, labels = line.get("error"), line.get("labels")
    return Listed(
        line["_id"], line.get("workflow") or "", line.get("version") or "", line["phase"], line["started"],
        line.get("ended"), tags.read(error, fetch) if error else None, line["last"],
        attempts=line.get("attempts", 0), calls=line.get("calls", 0), input_tokens=line.get("input_tokens"),
        output_tokens=line.get("output_tokens"), usd=line.get("usd"), labels=tags.read(labels, fetch) if labels else {},
    )  # fmt: skip


def _with_nodes(row: Listed, counted: dict[str, int]) -> Listed:
    values = {name: getattr(row, name) for name in Listed.__slots__}
    return Listed(**{**values, "nodes": counted.get(row.execution, 0)})


def _plain(text: str | None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text) if text else {}
    return found
