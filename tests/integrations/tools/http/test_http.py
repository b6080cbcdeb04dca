"""The http tools against real servers on this machine, which a test has to list as any author has."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import tracemalloc
import zlib

import pytest

from nbflow.errors import NodeError
from nbflow.integrations.tools.http.bodies import Unpacker
from nbflow.integrations.tools.http.tools import Connections, http_tools
from tests.integrations.tools.http.server import Server, moved, reply
from tests.nodes.calls import agent, attempted, tool


class Tools:
    def __init__(self, *allow: str):
        self.connections = Connections(allow)
        self._tools = {made.name: made for made in http_tools(self.connections)}

    async def __call__(self, name: str, url: str, *, work=None, **arguments):
        made = self._tools[f"http.{name}"]
        return await made.call({"url": url, **arguments}, attempted(work or tool(f"http.{name}"), {}).call)

    def effects(self, name: str, **arguments):
        return self._tools[f"http.{name}"].effects(arguments)


@pytest.fixture
async def http():
    tools = Tools("127.0.0.1")
    yield tools
    await tools.connections.close()


@pytest.fixture
async def strict():
    tools = Tools()
    yield tools
    await tools.connections.close()


async def fails(awaitable, code: str, kind: str | None = None) -> NodeError:
    with pytest.raises(NodeError) as caught:
        await awaitable
    assert caught.value.code == code
    assert kind in (None, caught.value.kind)
    assert caught.value.__context__ is None
    return caught.value


# --- what goes out and comes back ------------------------------------------------------------------------


async def test_json_text_and_bytes_come_back_as_what_they_are(http):
    async with Server(
        json=reply(b'{"a": [1, 2.5, null]}', media="application/json"),
        text=reply("größer".encode()),
        latin=reply("größer".encode("latin-1"), media="text/html; charset=ISO-8859-1"),
        raw=reply(b"\x89PNG", media="image/png"),
        empty=reply(b"", media="application/json", status="204 No Content"),
    ) as server:
        result = await http("get", server.url + "/json")
        assert (result["status"], result["body"], result["url"]) == (200, {"a": [1, 2.5, None]}, server.url + "/json")
        assert result["headers"]["content-type"] == "application/json"
        assert "notes" not in result
        bodies = [(await http("get", f"{server.url}/{path}"))["body"] for path in ("text", "latin", "raw", "empty")]
        assert bodies == ["größer", "größer", b"\x89PNG", None]
        assert (await http("get", server.url + "/json", parse="text"))["body"].startswith('{"a"')
        assert (await http("get", server.url + "/text", parse="bytes"))["body"] == "größer".encode()


async def test_query_headers_auth_and_bodies_go_out(http):
    async with Server(x=reply(b"ok")) as server:
        url = server.url + "/x?a=1"
        await http(
            "get",
            url,
            params={"b": "ä &", "n": 2, "t": True, "none": None},
            headers={"X-One": "1"},
            auth={"bearer": "t0"},
        )
        await http("post", url, json={"a": "ü"}, auth={"basic": ["user", "pass"]})
        await http("put", url, form={"a": "1 2", "b": 3})
        await http("patch", url, body="raw", headers={"Content-Type": "text/csv"})
        await http(
            "post",
            url,
            form={"k": "v"},
            files=[{"name": "f", "filename": "a.txt", "content": b"\x00\x01", "media": "text/x"}],
        )
        await http("request", url, method="DELETE")
        await http("request", url, method="HEAD")
    get, post, put, patch, files, delete, head = server.asked
    assert get.target == "/x?a=1&b=%C3%A4%20%26&n=2&t=true" or get.target == "/x?a=1&b=%C3%A4+%26&n=2&t=true"
    assert (get.headers["x-one"], get.headers["authorization"], get.headers["user-agent"]) == (
        "1",
        "Bearer t0",
        "nbflow",
    )
    assert (json.loads(post.body), post.headers["content-type"]) == ({"a": "ü"}, "application/json")
    assert post.headers["authorization"] == "Basic dXNlcjpwYXNz"
    assert put.body == b"a=1+2&b=3"
    assert (patch.body, patch.headers["content-type"]) == (b"raw", "text/csv")
    assert b'filename="a.txt"' in files.body and b"\x00\x01" in files.body and b'name="k"' in files.body
    assert [request.method for request in (delete, head)] == ["DELETE", "HEAD"]
    assert all(request.headers["host"] == f"127.0.0.1:{server.port}" for request in server.asked)


async def test_connections_are_used_again_and_cookies_are_not(http):
    async with Server(x=reply(b"ok", Set_Cookie="session=1")) as server:
        for _ in range(3):
            await http("get", server.url + "/x")
        assert all("cookie" not in request.headers for request in server.asked)
        assert not server.closed.is_set()


@pytest.mark.parametrize(
    "arguments",
    [
        {"json": 1, "body": "x"}, {"json": 1, "files": []}, {"body": 3}, {"headers": {"X": "a\r\nB: c"}}, {"auth": {"basic": ["x"]}},
        {"timeout": "20"}, {"accept": "some"}, {"files": [{"name": "f", "content": 3}]}, {"unknown": 1}, {"max_bytes": 0},
    ],
)  # fmt: skip
async def test_a_request_that_cannot_be_made_is_refused_before_it_is_sent(http, arguments):
    async with Server(x=reply(b"ok")) as server:
        with pytest.raises(NodeError) as caught:
            await http("post", server.url + "/x", **arguments)
        assert caught.value.kind == "InvalidInput"
        assert server.asked == []


# --- statuses --------------------------------------------------------------------------------------------


async def test_a_status_from_400_on_fails_unless_it_is_accepted(http):
    async with Server(gone=reply(b'{"why": "gone"}', status="410 Gone", media="application/json")) as server:
        error = await fails(http("get", server.url + "/gone"), "http.status_410", "Refused")
        assert error.detail == {"status": 410, "body": '{"why": "gone"}'}
        for accept in ([410], 410, "any"):
            assert (await http("get", server.url + "/gone", accept=accept))["body"] == {"why": "gone"}


async def test_a_rate_limit_says_how_long_to_wait(http):
    date = {"Date": "Tue, 24 Nov 2026 10:00:00 GMT", "Retry_After": "Tue, 24 Nov 2026 10:02:00 GMT"}
    async with Server(
        seconds=reply(status="429 Too Many Requests", Retry_After="120"), date=reply(status="429 Too Many Requests", **date),
        busy=reply(status="503 Service Unavailable", Retry_After="7"), broken=reply(status="500 Oops"),
    ) as server:  # fmt: skip
        error = await fails(http("get", server.url + "/seconds"), "http.rate_limit", "RateLimited")
        assert error.retry_after == 120
        assert "wait of 120 s" in str(error)
        assert (await fails(http("get", server.url + "/date"), "http.rate_limit")).retry_after == 120
        assert (await fails(http("get", server.url + "/busy"), "http.status_503", "Unavailable")).retry_after == 7
        assert (await fails(http("get", server.url + "/broken"), "http.status_500", "Unavailable")).retry_after is None


# --- bodies that are not what they say -------------------------------------------------------------------


async def test_html_where_json_is_expected_says_how_it_begins(http):
    async with Server(
        login=reply(b"<html>Login</html>", media="text/html"), broken=reply(b'{"a": 1', media="application/json")
    ) as server:
        error = await fails(http("get", server.url + "/login", parse="json"), "http.not_json", "InvalidOutput")
        assert "expected JSON; got HTML that begins '<html>Login" in str(error)
        await fails(http("get", server.url + "/broken"), "http.not_json")


async def test_text_that_is_not_utf8_is_mended_and_noted(http):
    async with Server(x=reply(b"caf\xe9")) as server:
        result = await http("get", server.url + "/x")
        assert result["body"] == "caf\ufffd"
        assert result["notes"] == ["http.encoding: the body is not UTF-8"]


async def test_numbers_that_no_store_holds_are_kept_as_text(http):
    body = b'{"n": 1e999, "m": 123456789012345678901234567890, "ok": 9223372036854775807, "neg": -9223372036854775808}'
    async with Server(x=reply(body, media="application/json"), nan=reply(b"[NaN]", media="application/json")) as server:
        result = await http("get", server.url + "/x")
        assert result["body"] == {"n": "1e999", "m": "123456789012345678901234567890", "ok": 2**63 - 1, "neg": -(2**63)}
        assert result["notes"] == ["type.number: a number outside the range of the store is kept as text"]
        await fails(http("get", server.url + "/nan"), "http.not_json")


async def test_a_body_that_is_cut_short_is_no_result(http):
    packed = gzip.compress(b"x" * 10_000)[:-20]
    async with Server(
        short=b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n0123456789",
        chunked=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n",
        packed=reply(packed, Content_Encoding="gzip"),
    ) as server:
        for path in ("short", "chunked", "packed"):
            await fails(http("get", f"{server.url}/{path}"), "http.truncated", "Unavailable")


async def endless(request, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    while True:
        writer.write(piece)
        await writer.drain()


async def test_an_endless_body_is_stopped_and_the_connection_closed(http):
    async with Server(x=endless) as server:
        error = await fails(http("get", server.url + "/x"), "http.too_large", "InvalidOutput")
        assert "larger than 10 MB" in str(error)
        await asyncio.wait_for(server.closed.wait(), 3)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_bomb_is_stopped_by_its_size_unpacked(http, encoding):
    data = b"\0" * 50_000_000
    packed = gzip.compress(data) if encoding == "gzip" else zlib.compress(data)
    assert len(packed) < 100_000
    async with Server(
        bomb=reply(packed, Content_Encoding=encoding), fine=reply(packed, Content_Encoding=encoding)
    ) as server:
        await fails(http("get", server.url + "/bomb"), "http.too_large")
        result = await http("get", server.url + "/fine", max_bytes=50_000_000, parse="bytes")
        assert result["body"] == data


def test_a_bomb_is_never_unpacked_whole():
    packed = gzip.compress(b"\0" * 100_000_000)
    tracemalloc.start()
    with pytest.raises(NodeError):
        Unpacker("gzip", 1_000_000).feed(packed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


async def test_packed_bodies_are_unpacked_and_unknown_packings_refused(http):
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    async with Server(
        gzip=reply(gzip.compress(b"hello"), Content_Encoding="gzip"),
        zlib=reply(zlib.compress(b"hello"), Content_Encoding="deflate"),
        bare=reply(raw.compress(b"hello") + raw.flush(), Content_Encoding="deflate"),
        br=reply(b"?", Content_Encoding="br"),
        bad=reply(b"not gzip at all", Content_Encoding="gzip"),
    ) as server:
        for path in ("gzip", "zlib", "bare"):
            assert (await http("get", f"{server.url}/{path}"))["body"] == "hello"
        await fails(http("get", server.url + "/br"), "http.encoding")
        await fails(http("get", server.url + "/bad"), "http.bad_response")
        assert server.asked[0].headers["accept-encoding"] == "gzip, deflate"


async def test_a_flood_of_headers_is_refused(http):
    head = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(100_000))
    many = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(2_000)) + b"\r\n"
    async with Server(flood=head + b"Content-Length: 0\r\nConnection: close\r\n\r\n", many=many) as server:
        error = await fails(http("get", server.url + "/flood"), "http.bad_response", "Unavailable")
        assert "too many headers" in str(error)
        await fails(http("get", server.url + "/many"), "http.bad_response")


async def test_what_is_no_http_is_refused(http):
    async with Server(x=b"SSH-2.0-OpenSSH_9\r\n\r\nConnection: close") as server:
        await fails(http("get", server.url + "/x"), "http.bad_response")


# --- time and reach --------------------------------------------------------------------------------------


async def silent(request, writer):
    await asyncio.Event().wait()


async def test_a_server_that_never_answers_is_left(http):
    async with Server(x=silent) as server:
        error = await fails(http("get", server.url + "/x?key=s3cr3t", timeout="100ms"), "http.timeout", "Timeout")
        assert "s3cr3t" not in str(error)


async def test_cancelling_closes_the_connection(http):
    async with Server(x=endless) as server:
        task = asyncio.create_task(http("get", server.url + "/x", max_bytes=10**12))
        while not server.asked:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.closed.wait(), 3)


async def test_nobody_there_and_no_such_host(http):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    error = await fails(http("get", f"http://127.0.0.1:{port}/"), "http.connect", "Unavailable")
    assert f"nothing listens at 127.0.0.1:{port}" in str(error)
    await fails(http("get", "http://nope.invalid/"), "http.dns", "Unavailable")


# --- addresses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "017700000001", "127.1", "①②⑦.⓪.⓪.①", "[::ffff:127.0.0.1]", "[::1]"],
)
async def test_this_machine_is_not_reached_unless_it_is_listed(strict, host):
    async with Server(x=reply(b"secret")) as server:
        await fails(strict("get", f"http://{host}:{server.port}/x"), "http.blocked", "Refused")
        assert server.asked == []


async def test_a_listed_host_is_reached_and_only_by_who_listed_it(strict):
    async with Server(x=reply(b"mine")) as server:
        url = server.url + "/x"
        assert (await strict("get", url, allow_hosts=["127.0.0.1"]))["body"] == "mine"
        await fails(strict("get", url), "http.blocked")  # not over the connection that is still open


async def test_every_hop_is_checked(http, strict):
    private = "http://169.254.169.254/latest/meta-data/"
    async with Server(
        a=moved(private), b=moved("file:///etc/passwd"), c=moved("http://[::1/"), d=moved("//localhost:1/")
    ) as server:
        await fails(http("get", server.url + "/a"), "http.blocked")
        await fails(http("get", server.url + "/b"), "http.scheme", "Refused")
        await fails(http("get", server.url + "/c"), "http.url")
        await fails(http("get", server.url + "/d"), "http.blocked")


async def test_a_name_that_changes_its_address_gains_nothing(monkeypatch, strict):
    """The address that is connected to is the one that was checked, also when the name says another one later."""
    answers = iter(["93.184.216.34", "127.0.0.1", "127.0.0.1"])
    connected = []

    async def getaddrinfo(host, port, **more):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    async def connect(self, host, port, *more):
        connected.append(host)
        raise httpcore.ConnectError("refused")

    import httpcore

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    await fails(strict("get", "http://rebind.test/"), "http.connect")
    await fails(strict("get", "http://rebind.test/"), "http.blocked")
    assert connected == ["93.184.216.34"]


async def test_one_private_address_among_many_blocks_the_host(monkeypatch, strict):
    async def getaddrinfo(host, port, **more):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("8.8.8.8", "10.0.0.1")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    await fails(strict("get", "http://mixed.test/"), "http.blocked")


# --- redirects -------------------------------------------------------------------------------------------


async def test_redirects_are_followed_and_counted(http):
    async with Server(
        a=moved("/b"), b=moved("/c?x=1"), c=reply(b"there"), loop=moved("/pool"), pool=moved("/loop")
    ) as server:
        result = await http("get", server.url + "/a")
        assert (result["body"], result["url"]) == ("there", server.url + "/c?x=1")
        error = await fails(http("get", server.url + "/loop"), "http.redirects")
        assert "more than 5 redirects" in str(error)
        assert (await http("get", server.url + "/a", redirects=0))["status"] == 302
        await fails(http("get", server.url + "/a", redirects=1), "http.redirects")


async def test_credentials_stay_with_their_host():
    http = Tools("127.0.0.1", "localhost")
    async with Server(x=reply(b"ok")) as other, Server(
        x=moved(f"http://127.0.0.1:{other.port}/x"), y=moved(f"http://localhost:{other.port}/x"), z=moved("/w"), w=reply(b"ok")
    ) as server:  # fmt: skip
        given = {"auth": {"bearer": "t0"}, "headers": {"X-Api-Key": "k0", "Accept": "text/plain", "Cookie": "c0"}}
        for path in ("x", "y", "z"):
            await http("get", f"{server.url}/{path}", **given)
        for request in other.asked:
            assert {"authorization", "x-api-key", "cookie"} & set(request.headers) == set()
            assert request.headers["accept"] == "text/plain"
        assert server.asked[-1].headers["authorization"] == "Bearer t0"
        assert server.asked[-1].headers["x-api-key"] == "k0"
    await http.connections.close()


async def test_a_body_goes_along_as_the_status_says_and_to_no_other_host(http):
    async with Server(x=reply(b"ok")) as other, Server(
        a=moved("/end", "302 Found"), b=moved("/end", "303 See Other"), c=moved("/end", "307 Temporary Redirect"), end=reply(b"ok"),
        d=moved(other.url + "/x", "308 Permanent Redirect"),
    ) as server:  # fmt: skip
        for path in "abc":
            await http("post", f"{server.url}/{path}", json={"a": 1})
        ends = [request for request in server.asked if request.path == "/end"]
        assert [(request.method, request.body) for request in ends] == [
            ("GET", b""),
            ("GET", b""),
            ("POST", b'{"a":1}'),
        ]
        assert "content-type" not in ends[0].headers
        await fails(http("post", server.url + "/d", json={"a": 1}), "http.redirects", "Refused")
        assert other.asked == []


# --- effects, keys, models -------------------------------------------------------------------------------


def test_effects_are_those_of_the_method():
    http = Tools()
    assert [http.effects(name) for name in ("get", "put", "delete", "post", "patch", "request")] == [
        "idempotent", "idempotent", "idempotent", "once", "once", "once",
    ]  # fmt: skip
    assert http.effects("post", idempotency_key=True) == "idempotent"
    assert http.effects("request", method="GET") == "idempotent"


async def test_an_idempotency_key_is_the_same_for_all_attempts(http):
    async with Server(x=reply(b"ok")) as server:
        for _ in range(2):
            await http("post", server.url + "/x", json={}, idempotency_key=True)
        await http("post", server.url + "/x", json={}, idempotency_key="order-1")
    assert [request.headers["idempotency-key"] for request in server.asked] == ["x1/node", "x1/node", "order-1"]


async def test_a_model_reaches_only_hosts_that_its_node_names(http):
    async with Server(x=reply(b"ok")) as server:
        error = await fails(http("get", server.url + "/x", work=agent("m")), "http.host", "Refused")
        assert "allow_hosts" in error.hint
        assert server.asked == []
        named = agent("m", options={"allow_hosts": ["127.0.0.1"]})
        assert (await http("get", server.url + "/x", work=named))["body"] == "ok"


async def test_a_key_in_the_address_is_warned_of_and_not_kept(http):
    async with Server(x=reply(b"ok")) as server:
        result = await http("get", server.url + "/x?key=AIzaSECRET&q=1")
        assert server.asked[0].target == "/x?key=AIzaSECRET&q=1"
    assert result["notes"] == ["secret.in_url: a key in a URL ends up in logs and errors"]
    assert "AIzaSECRET" not in repr(result)


@pytest.mark.parametrize(
    "name", ["Transfer-Encoding", "content-length", "Connection", " transfer-encoding ", "Upgrade"]
)
async def test_no_header_says_where_a_request_ends(http, name):
    hidden = "0\r\n\r\nGET /admin HTTP/1.1\r\nHost: x\r\n\r\n"
    async with Server(x=reply(b"ok")) as server:
        await fails(
            http("post", server.url + "/x", headers={name: "chunked"}, body=hidden), "http.request", "InvalidInput"
        )
        assert server.asked == []


async def test_a_model_cannot_name_another_host_than_that_of_the_address(http):
    async with Server(x=reply(b"ok")) as server:
        work = agent("m", options={"allow_hosts": ["127.0.0.1"]})
        await fails(http("get", server.url + "/x", work=work, headers={"Host": "inner.test"}), "http.request")
        await http("get", server.url + "/x", headers={"Host": "inner.test"})
    assert [asked.headers["host"] for asked in server.asked] == ["inner.test"]
