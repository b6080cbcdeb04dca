"""The calls inside one attempt: each is recorded when it ended, and what was recorded is not made again.

A call is known by a digest of its place in the conversation and of what it asks; so a changed question is a
new call, and a reply that did not fit (recorded with its error) is asked for again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from nbflow.ports.executors import Call


class Ledger:
    """What earlier lives of the node have, and where this one writes."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._past = {
            (past.kind, digest): past
            for past in call.recorded
            if isinstance(past.request, dict) and (digest := past.request.get("digest"))
        }
        self._number = 0

    def past(self, kind: str, digest: str) -> Any | None:
        """The last recorded call that answers this one, which may have failed, or None."""
        return self._past.get((kind, digest))

    async def note(
        self, kind: str, name: str, digest: str, request: Mapping[str, Any], *, begun: float, response: Any = None,
        error: dict[str, Any] | None = None, usage: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Record a call; returns when it is on disk. `begun` is the loop's time when it started."""
        self._number += 1
        seconds = round(asyncio.get_running_loop().time() - begun, 6)
        await self._call.record(
            self._number, kind, name, request={"digest": digest, **request}, response=response, error=error,
            seconds=seconds, usage=dict(usage or {}),
        )  # fmt: skip


def digest(*parts: Any) -> str:
    """A short hash of JSON data, the same in every process."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
