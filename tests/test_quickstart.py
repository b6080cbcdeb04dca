"""The quickstart's local agents compute what they say, from the text they are given."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def _load():
    spec = importlib.util.spec_from_file_location("quickstart_analysts", NOTEBOOKS / "analysts.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


analysts = _load()
PROFILES = {row["name"]: row for row in json.loads((NOTEBOOKS / "data" / "factbook.json").read_text("utf-8"))}
TEXT = "Oil pays for the state. Oil pays for roads of the state. Nobody fishes. The U.S. buys 3.5 tons of fish from NATO. It rains."


def test_the_data_is_small_and_says_where_it_is_from():
    assert (NOTEBOOKS / "data" / "factbook.json").stat().st_size <= 1_000_000
    about = (NOTEBOOKS / "data" / "README.md").read_text("utf-8")
    assert "World Factbook" in about
    assert "Public domain" in about
    assert len(PROFILES) == 195


def test_a_sentence_does_not_end_in_a_number_or_after_an_initial():
    assert analysts.sentences(TEXT) == [
        "Oil pays for the state.",
        "Oil pays for roads of the state.",
        "Nobody fishes.",
        "The U.S. buys 3.5 tons of fish from NATO.",
        "It rains.",
    ]


@pytest.mark.parametrize("name", ["Iceland", "Greece", "Botswana", "Venezuela"])
def test_a_summary_is_made_of_the_text_s_own_sentences(name):
    text = PROFILES[name]["economy"]
    chosen = analysts.sentences(analysts.summarise(text, 3)["summary"])
    whole = analysts.sentences(text)
    assert len(chosen) == 3
    assert [sentence for sentence in whole if sentence in chosen] == chosen


def test_a_summary_prefers_what_the_text_says_most():
    assert analysts.summarise(TEXT, 1)["summary"] == "Oil pays for the state."


def test_bad_news_is_darker_than_good_news():
    pytest.importorskip("vaderSentiment")
    dark = analysts.mood("War and famine killed thousands. The crisis is a disaster.")
    bright = analysts.mood("A strong recovery brought excellent growth. Everybody is happy.")
    assert dark["mood"] < -0.3 < 0.3 < bright["mood"]
    assert "killed" in analysts.mood("The crisis killed thousands. Growth is excellent.")["darkest"]


def test_keywords_are_phrases_between_stop_words():
    assert "oil export revenue" in analysts.keywords("The oil export revenue is large. They fish.", 2)["keywords"]


@pytest.mark.parametrize("name", ["Iceland", "Greece", "Japan"])
def test_each_improvement_adds_a_sentence_and_covers_more(name):
    text = PROFILES[name]["economy"]
    summary, score = "", 0.0
    for _ in range(4):
        better = analysts.improve(summary, text)
        assert better["added"] in text
        now = analysts.coverage(better["summary"], text)["score"]
        assert now > score
        summary, score = better["summary"], now
    assert analysts.coverage(text, text) == {"score": 1.0, "missing": []}
    assert analysts.improve(" ".join(analysts.sentences(text)), text)["added"] == ""


def test_the_notebook_and_the_file_have_the_same_workflow():
    notebook = json.loads((NOTEBOOKS / "01_quickstart.ipynb").read_text("utf-8"))
    sources = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    [cell] = [source for source in sources if source.startswith("%%workflow review ")]
    file = (NOTEBOOKS / "review.yaml").read_text("utf-8")
    assert file.partition("name: review\n")[2].strip() == cell.partition("\n")[2].strip()


def test_the_demo_runs_the_notebook_and_shows_what_it_found(tmp_path):
    ignore = shutil.ignore_patterns(".nbflow", "*.executed.ipynb", "__pycache__")
    shutil.copytree(NOTEBOOKS, tmp_path / "notebooks", ignore=ignore)
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    done = subprocess.run(
        [sys.executable, "-m", "nbflow.access", "demo"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "'rounds': 3" in done.stdout
    assert re.search(r"Norway +0\.5\d+ +1 ", done.stdout)
    assert "make lab" in done.stderr
    executed = json.loads((tmp_path / "notebooks" / "01_quickstart.executed.ipynb").read_text("utf-8"))
    pictures = [
        output
        for cell in executed["cells"]
        for output in cell.get("outputs", [])
        if "image/svg+xml" in output.get("data", {})
    ]
    assert len(pictures) == 2
    assert "widgets" not in executed["metadata"]
