"""A reply's body as a file: while it comes, whole or not at all, and below the working directory only."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import tracemalloc

import pytest

from nbflow.integrations.tools.http.saving import checked_file
from tests.integrations.tools.http.server import Server, reply
from tests.integrations.tools.http.test_http import Tools, fails


@pytest.fixture
async def http(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tools = Tools("127.0.0.1")
    yield tools
    await tools.connections.close()


def left(folder) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def test_a_large_body_goes_to_its_file_and_takes_no_memory(http, tmp_path):
    piece, count = bytes(range(256)) * 400, 300  # 30 MB in all

    async def send(request, writer):
        writer.write(
            f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(piece) * count}\r\n\r\n".encode()
        )
        for _ in range(count):
            writer.write(piece)
            await writer.drain()

    async with Server(big=send) as server:
        tracemalloc.start()
        result = await http("get", server.url + "/big", save="data/big.bin")
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    content = piece * count
    assert result["body"] == {
        "file": "data/big.bin", "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(),
    }  # fmt: skip
    assert (tmp_path / "data/big.bin").read_bytes() == content
    assert most < 10_000_000
    assert left(tmp_path) == ["data/big.bin"]


async def test_it_is_unpacked_and_counted_unpacked(http, tmp_path):
    packed = reply(gzip.compress(b"a" * 100_000), content_encoding="gzip")
    async with Server(x=packed) as server:
        assert (await http("get", server.url + "/x", save="x"))["body"]["bytes"] == 100_000
        await fails(http("get", server.url + "/x", save="x", max_bytes=50_000), "http.too_large")
    assert (tmp_path / "x").read_bytes() == b"a" * 100_000


async def test_what_does_not_come_whole_leaves_what_was_there(http, tmp_path):
    (tmp_path / "x").write_text("before")
    cut = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\nconnection: close\r\n\r\nhalf"

    async def stop(request, writer):
        writer.write(cut)
        await writer.drain()
        await asyncio.Event().wait()

    async with Server(cut=cut, missing=reply(b"no", status="404 Not Found"), slow=stop) as server:
        await fails(http("get", server.url + "/cut", save="x"), "http.truncated")
        await fails(http("get", server.url + "/slow", save="x", timeout="100ms"), "http.timeout")
        await fails(http("get", server.url + "/missing", save="x"), "http.status_404")
        answer = await http("get", server.url + "/missing", save="x", accept=[404])
        assert answer["body"] == "no"
    assert left(tmp_path) == ["x"]
    assert (tmp_path / "x").read_text() == "before"


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x", "a/../../x", "", " ", ".", "a/", ".nbflow/history.duckdb", "link/x", "x\0y", "folder"],
)
async def test_a_file_elsewhere_is_refused_before_anything_is_asked(http, tmp_path, path):
    (tmp_path / "link").symlink_to(tmp_path.parent)
    (tmp_path / "folder").mkdir()
    async with Server(x=reply(b"x")) as server:
        await fails(http("get", server.url + "/x", save=path), "http.file", "InvalidInput")
        assert server.asked == []


async def test_a_file_that_cannot_be_written_says_why(http, tmp_path):
    (tmp_path / "file").write_text("x")
    async with Server(x=reply(b"x")) as server:
        failure = await fails(http("get", server.url + "/x", save="file/x"), "http.file")
    assert "cannot write x" in str(failure)


async def test_there_is_nothing_to_parse(http):
    async with Server(x=reply(b"x")) as server:
        await fails(http("get", server.url + "/x", save="x", parse="json"), "http.request")


def test_a_plain_name_is_a_file_here(tmp_path):
    assert checked_file("a/./b.csv", tmp_path) == (tmp_path.resolve() / "a/b.csv", "a/b.csv")
