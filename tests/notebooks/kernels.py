"""A real kernel, spoken to with messages as every front end does."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from queue import Empty
from typing import Any

from jupyter_client.manager import start_new_kernel

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Reply:
    """What one cell gave."""

    status: str = ""
    error: str = ""
    streams: str = ""
    result: str | None = None
    displays: list[dict[str, Any]] = field(default_factory=list)
    updates: list[dict[str, Any]] = field(default_factory=list)

    @property
    def all(self) -> str:
        """Everything that a person can read."""
        shown = "\n".join(str(value) for bundle in (*self.displays, *self.updates) for value in bundle.values())
        return "\n".join((self.error, self.streams, self.result or "", shown))


class Kernel:
    """One kernel in a folder of its own."""

    def __init__(self, folder, **environment: str) -> None:
        self.folder = folder
        env = {**os.environ, **environment}
        self.manager, self.client = start_new_kernel(kernel_name="python3", cwd=str(folder), env=env)

    def send(self, code: str, *, attended: bool = True) -> str:
        """Start a cell; `finish` waits for it. Front ends with a person say that input can be asked for."""
        return self.client.execute(code, allow_stdin=attended)

    def run(self, code: str, timeout: float = 30) -> Reply:
        return self.finish(self.send(code), timeout)

    def finish(self, id: str, timeout: float = 30) -> Reply:
        reply = Reply()
        while True:
            message = self.client.get_iopub_msg(timeout=timeout)
            if message["parent_header"].get("msg_id") != id:
                continue
            if self._take(reply, message):
                break
        while True:
            answer = self.client.get_shell_msg(timeout=timeout)
            if answer["parent_header"].get("msg_id") == id:
                reply.status = answer["content"]["status"]
                return reply

    def _take(self, reply: Reply, message: dict[str, Any]) -> bool:
        content, kind = message["content"], message["msg_type"]
        if kind == "stream":
            reply.streams += content["text"]
        elif kind == "display_data":
            reply.displays.append(content["data"])
        elif kind == "update_display_data":
            reply.updates.append(content["data"])
        elif kind == "execute_result":
            reply.result = content["data"]["text/plain"]
        elif kind == "error":
            reply.error = ANSI.sub("", "\n".join(content["traceback"]))
        return kind == "status" and content["execution_state"] == "idle"

    def wait_for(self, id: str, holds, timeout: float = 30):
        """The first message of a cell for which it holds."""
        while True:
            message = self.client.get_iopub_msg(timeout=timeout)
            if message["parent_header"].get("msg_id") == id and holds(message):
                return message

    def say(self, comm: str, content: dict[str, Any]) -> None:
        """What a widget's control sends, without the header of a subshell: as front ends other than JupyterLab do."""
        message = self.client.session.msg(
            "comm_msg", {"comm_id": comm, "data": {"method": "custom", "content": content}}
        )
        self.client.shell_channel.send(message)

    def drain(self) -> None:
        while True:
            try:
                self.client.get_iopub_msg(timeout=0.05)
            except Empty:
                return

    def interrupt(self) -> None:
        self.manager.interrupt_kernel()

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
