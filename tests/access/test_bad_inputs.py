"""Whatever text comes in, the shell answers with one document, places that exist, and the exit code that goes with it."""

from __future__ import annotations

import base64
import warnings
from pathlib import Path

import pytest
import yaml

CORPUS = yaml.load((Path(__file__).parents[1] / "bad_inputs.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)
CASES = [case for case in CORPUS["cases"] if case["kind"] == "dsl"]


def _bytes(case) -> bytes:
    if "input_b64" in case:
        return base64.b64decode(case["input_b64"])
    if "input_gen" in case:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = eval(case["input_gen"])
        return made if isinstance(made, bytes) else made.encode("utf-8", "surrogatepass")
    return case["input"].encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_every_text_of_the_corpus_is_answered(shell, case):
    text = _bytes(case)
    said = shell("validate", "-", "--json", stdin=text)
    document = said.document
    errors = [finding for finding in document["diagnostics"] if finding["severity"] == "error"]
    assert said.code == (2 if errors else 0)
    assert document["valid"] is not bool(errors)
    for finding in document["diagnostics"]:
        assert finding["line"] >= 1
        assert finding["column"] >= 1
        assert finding["code"]
        assert finding["message"]
    assert "Traceback" not in said.err
    match case["expect"]["outcome"]:
        case "reject":
            assert said.code == 2, document
        case "accept" | "warn":
            assert said.code == 0, document
