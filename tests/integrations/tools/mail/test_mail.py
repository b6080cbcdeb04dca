"""``email.send`` to a real SMTP server (aiosmtpd) in this process."""

from __future__ import annotations

import asyncio
import email
import ssl
from email import policy
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from nbflow.errors import NodeError
from nbflow.integrations.tools.mail.server import read_server
from nbflow.integrations.tools.mail.tools import EmailTool
from nbflow.ports.executors import Asks
from tests.nodes.calls import agent, attempted, tool


class FixedClock:
    def now(self) -> float:
        return 1_790_000_000.0


class Box:
    """Keeps what it gets; refuses what a test tells it to."""

    def __init__(self, refuse: tuple[str, ...] = (), data: str | None = None):
        self.mails: list[Any] = []
        self.refuse, self.data = refuse, data

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refuse:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.data == "hang up":
            self.mails.append(envelope)
            server.transport.abort()
            return "250 OK"
        if self.data:
            return self.data
        self.mails.append(envelope)
        return "250 OK"


@pytest.fixture
async def serve():
    servers = []

    async def start(box: Box) -> str:
        server = await asyncio.get_running_loop().create_server(lambda: SMTP(box), "127.0.0.1", 0)
        servers.append(server)
        return f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}?tls=none"

    yield start
    for server in servers:
        server.close()


def sender(server: str | None, **more: Any) -> EmailTool:
    return EmailTool(server, more.pop("sender", "flow@example.com"), more.pop("secrets", {}), FixedClock(), **more)


async def send(made: EmailTool, *, work=None, answers=None, **arguments: Any) -> Any:
    one = attempted(work or tool("email.send"), {})
    one.call.answers = answers or {}
    return await made.call({"to": "a@x.test", "subject": "hi", "body": "text", **arguments}, one.call)


def opened(envelope: Any) -> Any:
    return email.message_from_bytes(envelope.content, policy=policy.default)


async def test_a_mail_arrives_as_it_was_written(serve):
    box = Box()
    result = await send(
        sender(await serve(box)), to=["Ä Name <a@x.test>", "b@x.test"], cc="c@x.test", bcc="d@x.test", reply_to="r@x.test",
        subject="Grüße – " + "x" * 100, body="größer\n.\nend", html="<p>größer</p>",
        attachments=[{"name": "ä.csv", "content": "a,b\r\n", "media": "text/csv"}, {"name": "x", "content": b"\x00\xff"}],
    )  # fmt: skip
    assert result["accepted"] == ["a@x.test", "b@x.test", "c@x.test", "d@x.test"]
    (envelope,) = box.mails
    assert (envelope.mail_from, envelope.rcpt_tos) == ("flow@example.com", result["accepted"])
    mail = opened(envelope)
    assert (mail["Subject"], mail["From"], mail["Cc"], mail["Reply-To"]) == (
        "Grüße – " + "x" * 100,
        "flow@example.com",
        "c@x.test",
        "r@x.test",
    )
    assert "Bcc" not in mail and "d@x.test" not in envelope.content.decode("ascii", "replace")
    assert mail.get_body(("plain",)).get_content().splitlines() == ["größer", ".", "end"]
    assert "größer" in mail.get_body(("html",)).get_content()
    assert [(part.get_filename(), part.get_content()) for part in mail.iter_attachments()] == [
        ("ä.csv", "a,b\r\n"),
        ("x", b"\x00\xff"),
    ]
    assert mail["Date"] == "Mon, 21 Sep 2026 14:13:20 -0000"
    assert mail["Message-ID"] == result["id"]


async def test_a_domain_in_other_letters_is_written_as_name_servers_know_it(serve):
    box = Box()
    result = await send(sender(await serve(box)), to="A B <a@exämple.com>")
    assert result["accepted"] == box.mails[0].rcpt_tos == ["a@xn--exmple-cua.com"]
    assert "A B <a@xn--exmple-cua.com>" in opened(box.mails[0])["To"]


async def test_a_server_without_a_login_says_so(serve):
    with pytest.raises(NodeError) as caught:
        await send(sender((await serve(Box())).replace("smtp://", "smtp://me:a-password@")))
    assert (caught.value.kind, caught.value.code) == ("InvalidInput", "email.login")
    assert "offers no login" in str(caught.value)


async def test_all_attempts_send_the_same_message_id(serve):
    box = Box()
    made = sender(await serve(box))
    assert (await send(made))["id"] == (await send(made))["id"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ({"subject": "hi\r\nBcc: evil@x.test"}, "email.header", "subject"),
        ({"subject": "a\x00b"}, "email.header", "control"),
        ({"subject": "a\u2028b"}, "email.header", "control"),
        ({"subject": "a\x85b"}, "email.header", "control"),
        ({"to": "a@" + "ä" * 70 + ".test"}, "email.address", "domain"),
        ({"to": "a@x.test, evil@x.test"}, "email.address", "one address"),
        ({"to": "a@x.test\r\nBcc: evil@x.test"}, "email.header", "to"),
        ({"to": "a@x.test\nevil"}, "email.header", "to"),
        ({"to": "nobody"}, "email.address", "no address"),
        ({"to": "a@"}, "email.address", ""),
        ({"to": "@x.test"}, "email.address", ""),
        ({"to": ["a@x.test", "b@x.test;c@x.test"]}, "email.address", ""),
        ({"to": []}, "email.address", "nobody"),
        ({"to": 3}, "tool.arguments", "to"),
        ({"from": "a@x.test, b@x.test"}, "email.address", "from"),
        ({"reply_to": "x\ny"}, "email.header", "reply_to"),
        ({"attachments": [{"name": "a\nb", "content": ""}]}, "email.header", "attachment"),
        ({"attachments": [{"name": "a", "content": 3}]}, "email.attachment", "text or bytes"),
        ({"headers": {"X": "y"}}, "tool.arguments", "headers"),
    ],
)
async def test_what_does_not_belong_into_a_mail_is_refused_and_nothing_sent(serve, arguments, code, words):
    box = Box()
    with pytest.raises(NodeError) as caught:
        await send(sender(await serve(box)), **arguments)
    assert (caught.value.kind, caught.value.code) == ("InvalidInput", code)
    assert words in str(caught.value)
    assert box.mails == []


async def test_refused_recipients_are_named(serve):
    box = Box(refuse=("b@x.test",))
    made = sender(await serve(box))
    result = await send(made, to=["a@x.test", "b@x.test"])
    assert result["accepted"] == ["a@x.test"]
    assert result["refused"] == {"b@x.test": "550 no such user"}
    with pytest.raises(NodeError) as caught:
        await send(made, to="b@x.test")
    assert (caught.value.kind, caught.value.code) == ("Refused", "email.recipient")
    assert len(box.mails) == 1


@pytest.mark.parametrize(("said", "kind"), [("554 spam", "Refused"), ("451 try later", "Unavailable")])
async def test_a_server_that_does_not_take_it_says_so(serve, said, kind):
    with pytest.raises(NodeError) as caught:
        await send(sender(await serve(Box(data=said))))
    assert (caught.value.kind, caught.value.code) == (kind, "email.refused")
    assert said[4:] in str(caught.value)


async def test_a_mail_that_may_have_gone_out_is_not_sent_again_without_a_yes(serve):
    box = Box(data="hang up")
    made = sender(await serve(box))
    with pytest.raises(Asks, match="may have been sent") as asked:
        await send(made)
    with pytest.raises(NodeError) as caught:
        await send(made, answers={asked.value.key: False})
    assert caught.value.code == "email.maybe_done"
    assert len(box.mails) == 1
    with pytest.raises(Asks) as again:
        await send(made, answers={asked.value.key: True})
    assert len(box.mails) == 2
    assert again.value.key != asked.value.key


async def test_nobody_there_and_nothing_set():
    with pytest.raises(NodeError) as caught:
        await send(sender("smtp://127.0.0.1:9?tls=none"))
    assert (caught.value.kind, caught.value.code) == ("Unavailable", "email.connect")
    with pytest.raises(NodeError) as caught:
        await send(sender(None))
    assert caught.value.code == "email.server"
    with pytest.raises(NodeError) as caught:
        await send(sender("smtp://x", sender=None))
    assert caught.value.code == "email.sender"


async def test_recipients_are_those_that_are_allowed(serve):
    box = Box()
    made = sender(await serve(box), recipients=["a@x.test", "@friends.test"])
    await send(made, to=["A@x.test", "any@friends.test"])
    with pytest.raises(NodeError, match="none of the recipients") as caught:
        await send(made, to=["a@x.test", "evil@x.test"])
    assert caught.value.code == "email.recipient"
    assert len(box.mails) == 1


async def test_a_model_writes_only_to_whom_its_node_names(serve):
    box = Box()
    made = sender(await serve(box))
    with pytest.raises(NodeError):
        await send(made, work=agent("m"))
    await send(made, work=agent("m", options={"allow_recipients": ["@x.test"]}))
    assert len(box.mails) == 1
    assert set(made.authors_only) == {"from", "bcc"}
    assert made.effects() == "once"


def test_addresses_of_servers():
    secrets = {"MAIL_PASSWORD": "p@ss/w:rd"}
    server = read_server("smtps://me%40x.test:{MAIL_PASSWORD}@mail.test", secrets)
    assert (server.host, server.port, server.tls, server.user, server.password) == (
        "mail.test",
        465,
        "tls",
        "me@x.test",
        "p@ss/w:rd",
    )
    assert "p@ss" not in repr(server)
    assert read_server("smtp://mail.test", {}).tls == "starttls"
    for wrong in ("http://x", "smtp://", "smtp://x?tls=maybe", "smtp://u:p@x?tls=none"):
        with pytest.raises(NodeError):
            read_server(wrong, secrets)


# --- TLS and login ---------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path):
    x509 = pytest.importorskip("cryptography.x509", reason="cryptography is not installed")
    import datetime as dt
    import ipaddress

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(start).not_valid_after(start + dt.timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True).sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return pem


@pytest.fixture
async def secure(certificate):
    """A server that takes mail after STARTTLS and a login only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    box = Box()

    def login(server, session, envelope, mechanism, data):
        return AuthResult(success=(data.login, data.password) == (b"me", b"p@ss"), handled=False)

    def made():
        return SMTP(box, tls_context=context, require_starttls=True, authenticator=login, auth_required=True)

    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
    yield box, server.sockets[0].getsockname()[1]
    server.close()


async def test_a_server_without_tls_gets_no_mail_unless_it_is_said(serve):
    box = Box()
    plain = (await serve(box)).removesuffix("?tls=none")
    for url, words, hint in (
        (plain, "offers no STARTTLS, and mail is not sent to it unprotected", "?tls=none"),
        (plain.replace("smtp:", "smtps:"), "does not begin with TLS", "smtp://"),
    ):
        with pytest.raises(NodeError, match=words) as caught:
            await send(sender(url))
        assert (caught.value.kind, caught.value.code) == ("InvalidInput", "email.tls")
        assert hint in caught.value.hint
    assert box.mails == []


async def test_login_goes_over_tls_that_is_checked(secure, certificate, monkeypatch):
    box, port = secure
    url = f"smtp://me:{{PASSWORD}}@127.0.0.1:{port}"
    with pytest.raises(NodeError) as caught:
        await send(sender(url, secrets={"PASSWORD": "p@ss"}))
    assert caught.value.code == "email.connect"
    assert "certificate" in str(caught.value).lower()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    result = await send(sender(url, secrets={"PASSWORD": "p@ss"}))
    assert result["accepted"] == ["a@x.test"]
    with pytest.raises(NodeError) as caught:
        await send(sender(url, secrets={"PASSWORD": "wrong-one"}))
    assert caught.value.code == "email.login"
    assert "wrong-one" not in str(caught.value)
    assert len(box.mails) == 1
