"""Secrets are found in the right order and leave in no form."""

from __future__ import annotations

import base64
import html
import json
import re
import sys
from types import ModuleType
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbflow.integrations.redaction import Redactor
from nbflow.integrations.secrets import MissingSecret, Secrets, from_environment, from_file, from_keyring

SECRET = 'sk-CANARY-4f/ü+? 9"x'


@pytest.fixture
def redactor() -> Redactor:
    redactor = Redactor()
    redactor.learn(SECRET, "KEY")
    return redactor


def encodings(secret: str, before: str = "", after: str = "") -> list[str]:
    whole = (before + secret + after).encode()
    return [
        before + secret + after,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        re.sub("%..", lambda found: found[0].lower(), quote(secret)),
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        base64.b64encode(whole).decode(),
        base64.urlsafe_b64encode(whole).decode(),
        base64.b64encode(whole).decode().rstrip("="),
    ]


def leaks(text: str, secret: str) -> bool:
    """Whether a text, or anything in it that decodes, has the secret: written apart from the redactor."""
    if any(form in text for form in (secret, quote(secret), quote_plus(secret), json.dumps(secret)[1:-1])):
        return True
    for alphabet in ("", "-_"):
        for start in range(4):
            piece = text[start : len(text) - (len(text) - start) % 4]
            try:
                decoded = base64.b64decode(piece, altchars=alphabet.encode() or None, validate=True)
            except ValueError:
                continue
            if secret.encode() in decoded:
                return True
    return False


@pytest.mark.parametrize("before", ["", "u", "us", "user:"])
@pytest.mark.parametrize("after", ["", "x", "yz"])
def test_every_encoding_is_taken_out_at_every_place(redactor, before, after):
    for text in encodings(SECRET, before, after):
        cleaned = redactor.clean(f"{text}")
        assert "[secret KEY]" in cleaned
        assert not leaks(cleaned, SECRET)


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=12, max_size=40),
    st.text(max_size=4),
    st.text(max_size=4),
)
def test_no_encoding_of_any_secret_leaks(secret, before, after):
    redactor = Redactor()
    redactor.learn(secret, "K")
    for text in encodings(secret, before, after):
        assert not leaks(redactor.clean(text), secret)


@given(st.text("abcdefg", min_size=6, max_size=40), st.text("0123", max_size=4), st.text("4567", max_size=4))
def test_base64_around_a_secret_tells_no_bit_of_it(secret, before, after):
    """What is left is the same for any two secrets of one length."""
    left = []
    for value in (secret, secret.upper()):
        redactor = Redactor()
        redactor.learn(value, "K")
        left.append(redactor.clean(base64.b64encode((before + value + after).encode()).decode()))
        assert "[secret K]" in left[-1]
    assert left[0] == left[1]


@pytest.mark.parametrize("before", range(0, 80, 7))
@pytest.mark.parametrize("wrap", [lambda text: text, lambda text: json.dumps(text)[1:-1], str.encode])
def test_base64_in_lines_is_taken_out_too(redactor, before, wrap):
    text = base64.encodebytes(b"x" * before + SECRET.encode() + b"y" * 60).decode()
    cleaned = redactor.clean(wrap(f"Body:\n\n{text}\nBye\n"))
    cleaned = cleaned.decode() if isinstance(cleaned, bytes) else cleaned
    assert "[secret KEY]" in cleaned
    assert not leaks(re.sub(r"\\n|\s|Body:|Bye", "", cleaned), SECRET)
    assert "Bye" in cleaned
    whole = wrap(base64.encodebytes(b"x" * 200).decode())
    assert redactor.clean(whole) is whole


def test_nested_data_keys_bytes_and_errors_are_cleaned(redactor):
    value = {"a": [{"b": (SECRET, 1)}, None], SECRET: 2, "raw": b"x" + SECRET.encode()}
    assert redactor.clean(value) == {
        "a": [{"b": ("[secret KEY]", 1)}, None],
        "[secret KEY]": 2,
        "raw": b"x[secret KEY]",
    }
    assert redactor.clean(ValueError(f"bad key {SECRET}")) == "ValueError: bad key [secret KEY]"


def test_what_has_no_secret_is_the_same_object(redactor):
    value = {"a": [1, {"b": "text"}], "c": (1, 2)}
    assert redactor.clean(value) is value
    nothing = Redactor()
    secret = {"a": SECRET}
    assert nothing.clean(secret) is secret


def test_a_short_secret_is_taken_out_only_where_it_stands_alone():
    redactor = Redactor()
    redactor.learn("1234", "PIN")
    assert redactor.clean(["1234", "order 12345"]) == ["[secret PIN]", "order 12345"]


def test_a_secret_inside_another_leaves_nothing_of_either():
    redactor = Redactor()
    redactor.learn("abcdefgh", "A")
    redactor.learn("xxabcdefghyy", "B")
    assert redactor.clean("xxabcdefghyy abcdefgh") == "[secret B] [secret A]"


@given(st.lists(st.integers(1, 5), min_size=1, max_size=30))
def test_a_secret_that_comes_in_pieces_is_found(sizes):
    redactor = Redactor()
    redactor.learn(SECRET, "KEY")
    text, said = f"It is {SECRET}, and {SECRET[:9]} is not.", []
    stream = redactor.stream(said.append)
    at = 0
    for size in sizes:
        stream(text[at : at + size])
        at += size
    stream(text[at:])
    stream.close()
    assert "".join(said) == f"It is [secret KEY], and {SECRET[:9]} is not."


def test_text_that_is_no_secret_is_not_held_back(redactor):
    said: list[str] = []
    stream = redactor.stream(said.append)
    stream("hello ")
    assert said == ["hello "]


def test_the_environment_is_learned_by_names_that_look_secret():
    redactor = Redactor()
    redactor.learn_environment({"MY_API_KEY": "value-one", "HOME": "/home/value-two", "MONKEY": "value-three"})
    assert redactor.clean("value-one value-two value-three") == "[secret MY_API_KEY] value-two value-three"


def test_sources_are_asked_in_order_and_what_they_give_is_known(monkeypatch, tmp_path):
    file = tmp_path / ".env"
    file.write_text("export ONE='from the file'\nTWO=\"from the file too\"\n# no\nEMPTY=\n")
    monkeypatch.setenv("ONE", "from the environment")
    secrets = Secrets((from_environment, from_file(file)))
    assert secrets["ONE"] == "from the environment"
    assert secrets["TWO"] == "from the file too"
    assert secrets.redactor.clean("from the file too") == "[secret TWO]"

    @secrets.use
    def vault(name: str) -> str | None:
        return "from the vault" if name == "ONE" else None

    assert secrets["ONE"] == "from the vault"
    assert "ONE" in secrets and "NOWHERE" not in secrets and "EMPTY" not in secrets
    assert list(secrets) == []


def test_a_changed_file_counts_at_once(tmp_path):
    file = tmp_path / ".env"
    secrets = Secrets((from_file(file),))
    with pytest.raises(MissingSecret):
        secrets["A"]
    file.write_text("A=first value")
    assert secrets["A"] == "first value"
    file.write_text("A=the second value")
    assert secrets["A"] == "the second value"


def test_a_missing_secret_says_where_to_put_it():
    with pytest.raises(MissingSecret, match="there is no secret 'TOKEN'") as caught:
        Secrets()["TOKEN"]
    assert caught.value.code == "secret.missing"
    assert "TOKEN" in caught.value.hint
    assert Secrets().get("TOKEN") is None


def test_a_keyring_that_is_not_there_or_fails_knows_nothing(monkeypatch):
    import keyring
    from keyring.errors import NoKeyringError

    def fail(service: str, name: str) -> None:
        raise NoKeyringError

    monkeypatch.setattr(keyring, "get_password", fail)
    assert from_keyring("A") is None
    monkeypatch.setattr(keyring, "get_password", lambda service, name: f"{service}/{name}")
    assert from_keyring("A") == "nbflow/A"
    monkeypatch.setitem(sys.modules, "keyring", ModuleType("gone"))
    monkeypatch.setitem(sys.modules, "keyring.errors", None)
    assert from_keyring("A") is None


AWKWARD = [
    'sh/op+tok"en-9', "p@ss wörd!23", "hunter22!", 'abc"def\\ghi', "sk-plain-1234567890", "a:b@c/d?e=f&g", "it's \"q\"\\\\two\\n",
    "line\nbreak\ttab", "a-😀-face", "<tag attr='x'>&amp;",
]  # fmt: skip


def ways(value: str) -> dict[str, str]:
    """How URLs, JSON, HTML, Python and mail write a text; written apart from the redactor."""
    return {
        "raw": value,
        "encodeURIComponent": quote(value, safe="!'()*~-._"),
        "a query as clients write it": quote(value, safe="!$&'()*+,/:;=?@[]~-._"),
        "a form": quote_plus(value),
        "lower": re.sub("%..", lambda found: found[0].lower(), quote(value, safe="")),
        "mixed": "".join(quote(letter, safe="") if n % 2 else letter for n, letter in enumerate(value)),
        "twice": quote(quote(value, safe=""), safe=""),
        "JSON": json.dumps(value),
        "JSON of PHP": json.dumps(value, ensure_ascii=False).replace("/", "\\/"),
        "JSON in JSON": json.dumps(json.dumps({"a": value})),
        "HTML": html.escape(value),
        "repr": repr(value),
        "repr of a dict": repr({"a": value}),
        "repr of an error": repr(KeyError(value)),
        "an error": str(KeyError(value)),
        "repr of a text in a text": repr(repr(value)),
        "repr of bytes": repr(value.encode()),
        "base64": base64.b64encode(value.encode()).decode(),
        "base64 in lines": base64.encodebytes(b"x" * 50 + value.encode() + b"y" * 40).decode(),
        "base64 in lines in JSON": json.dumps(base64.encodebytes(b"x" * 50 + value.encode() + b"y" * 40).decode()),
    }


@pytest.mark.parametrize("value", AWKWARD)
def test_a_secret_is_found_however_it_is_written(value):
    redactor = Redactor()
    redactor.learn(value, "S")
    for way, text in ways(value).items():
        assert "[secret S]" in redactor.clean(f"x {text} y"), way
        assert b"[secret S]" in redactor.clean(f"x {text} y".encode()), way


@pytest.mark.parametrize("value", AWKWARD)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 11])
def test_a_secret_is_found_however_it_is_written_and_cut(value, size):
    redactor = Redactor()
    redactor.learn(value, "S")
    for way, text in ways(value).items():
        said: list[str] = []
        stream = redactor.stream(said.append)
        whole = f"pre {text} post"
        for at in range(0, len(whole), size):
            stream(whole[at : at + size])
        stream.close()
        assert "[secret S]" in "".join(said), way
        assert "".join(said).startswith("pre ") and "".join(said).endswith("post"), way


@pytest.mark.parametrize("before", range(90))
def test_base64_in_lines_is_found_in_pieces_wherever_the_line_ends(before):
    redactor = Redactor()
    redactor.learn(SECRET, "S")
    text = base64.encodebytes(b"x" * before + SECRET.encode() + b"y" * 40).decode()
    for size in (1, 7):
        said: list[str] = []
        stream = redactor.stream(said.append)
        for at in range(0, len(text), size):
            stream(text[at : at + size])
        stream.close()
        assert "[secret S]" in "".join(said)
