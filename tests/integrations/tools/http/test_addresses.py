"""Which addresses are reached: numbers in every disguise, names, and what an author listed."""

from __future__ import annotations

import pytest

from nbflow.errors import NodeError
from nbflow.integrations.tools.http.addresses import checked_url, is_listed, is_open, masked, open_addresses, shown


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "255.255.255.255",
        "224.0.0.1", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::",
        "2001:db8::1", "::127.0.0.1", "240.0.0.1", "fec0::1",
        "192.0.0.1", "192.0.0.8", "192.0.0.11", "192.0.0.171", "192.88.99.1", "198.51.100.7", "203.0.113.7", "3fff::1", "5f00::1",
        "100::1", "100:0:0:1::1", "2001::1", "2001:2::1", "2001:10::1", "64:ff9b:1::808:808", "2002:808:808::1",
        "::ffff:192.0.0.1", "64:ff9b::c058:6301",
    ],
)  # fmt: skip
def test_an_address_that_is_not_of_the_open_internet_is_closed(address):
    assert not is_open(address)


@pytest.mark.parametrize(
    "address",
    [
        "93.184.216.34",
        "8.8.8.8",
        "2606:2800:220:1:248:1893:25c8:1946",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "192.0.0.9",
        "192.0.0.10",
        "192.0.1.1",
        "192.88.98.1",
        "2001:1::1",
        "2001:200::1",
        "2a00:1450::1",
    ],
)
def test_a_global_address_is_open(address):
    assert is_open(address)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "2130706433", "017700000001", "127.1", "0x7f.1", "::1", "::ffff:169.254.169.254"]
)
async def test_a_host_counts_by_what_it_resolves_to(host):
    with pytest.raises(NodeError) as caught:
        await open_addresses(host, 80)
    assert caught.value.code == "http.blocked"
    assert "private" in str(caught.value)


async def test_a_host_that_is_not_there_says_so():
    with pytest.raises(NodeError) as caught:
        await open_addresses("nope.invalid", 80)
    assert (caught.value.kind, caught.value.code) == ("Unavailable", "http.dns")
    assert "no such host: nope.invalid" in str(caught.value)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("file:///etc/passwd", "http.scheme"), ("ftp://x.test/", "http.scheme"), ("gopher://x", "http.scheme"),
        ("x.test", "http.scheme"), ("//x.test/", "http.scheme"), ("javascript:alert(1)", "http.scheme"),
        ("https://x.test/\r\nX-Evil: 1", "http.url"), ("http://x.test/\x00", "http.url"), ("", "http.url"), ("http://", "http.url"),
        ("http://x.test:99999/", "http.url"), ("http://user:pw@x.test/", "http.url"), ("http://[::1/", "http.url"), (3, "http.url"),
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url, code):
    with pytest.raises(NodeError) as caught:
        checked_url(url)
    assert (caught.value.kind, caught.value.code) == ("InvalidInput", code)
    assert "pw" not in str(caught.value)


def test_full_width_digits_are_the_digits_they_stand_for():
    assert checked_url("http://①②⑦.⓪.⓪.①/") == "http://127.0.0.1/"


def test_hosts_are_listed_by_name_by_domain_or_all():
    assert is_listed("A.Example.com.", ["a.example.com"])
    assert is_listed("a.example.com", ["*.example.com"])
    assert is_listed("::1", ["::1"]) and is_listed("[::1]", ["::1"])
    assert is_listed("anything", ["*"])
    assert not is_listed("example.com", ["*.example.com"])
    assert not is_listed("badexample.com", ["*.example.com"])
    assert not is_listed("a.example.com.evil.test", ["*.example.com"])


def test_messages_show_no_query_and_results_no_keys():
    assert shown("https://x.test:8/a?key=AIzaSECRET") == "https://x.test:8/a"
    assert masked("https://x.test/?q=1&api_key=AIzaSECRET&p=2") == "https://x.test/?q=1&api_key=***&p=2"
