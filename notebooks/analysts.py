"""Small local agents for the quickstart: no key, no network, and nothing made up.

Each computes its answer from the text it is given, by a published or plain method:

- `summarise`: sentences chosen by word frequency (SumBasic: Nenkova and Vanderwende, 2005)
- `mood`: a lexicon of rated words (VADER: Hutto and Gilbert, 2014), from the package vaderSentiment
- `keywords`: phrases between stop words, scored by how their words keep company (RAKE: Rose et al., 2010)
- `coverage`: how much of the text's own vocabulary a summary carries

With ``OPENAI_API_KEY`` or ``ANTHROPIC_API_KEY`` set, the same names mean a model of that provider instead.
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import nbflow
from nbflow.assembly import agents

PROFILES = Path(__file__).parent / "data" / "factbook.json"
MODELS = {"OPENAI_API_KEY": "openai/gpt-5-mini", "ANTHROPIC_API_KEY": "anthropic/claude-haiku-4-5"}
MODEL = next((model for key, model in MODELS.items() if os.environ.get(key)), None)

F = TypeVar("F", bound=Callable[..., object])


def role(name: str) -> Callable[[F], F]:
    """What ``model: name`` means: the function below it, or a provider's model when there is a key."""
    if MODEL is None:
        return nbflow.agent(name, effects="none")
    agents.alias(name, MODEL)
    return lambda function: function


@nbflow.tool(effects="none")
def profile(country: str) -> dict[str, object]:
    """The profile of a country by its English name."""
    found = {row["name"]: row for row in profiles()}
    if country not in found:
        raise KeyError(f"no profile of {country!r}; there are {len(found)}, as {', '.join(list(found)[:3])}")
    return found[country]


@functools.cache
def profiles() -> list[dict[str, object]]:
    """All 195 profiles."""
    return json.loads(PROFILES.read_text("utf-8"))


STOP = frozenset(
    """
    a about above after again against all also am an and any are as at be because been before being below between
    both but by can could did do does doing down during each even few for from further had has have having he
    her here hers him his how however i if in into is it its just may might more most much must my near no nor
    not now of off on once one only or other our out over own per same several she should since so some such
    than that the their them then there these they this those through to too two under until up upon us very
    was we well were what when where which while who whom why will with within would year years you your
    """.split()
)


def sentences(text: str) -> list[str]:
    """The sentences of a text. A dot inside a number, or after an initial, does not end one."""
    parts = re.split(r"(?:(?<=[a-z0-9)\"%][.!?])|(?<=[A-Z]{2}[.!?]))\s+(?=[A-Z\"(])", " ".join(text.split()))
    return [part for part in parts if part]


def words(text: str) -> list[str]:
    """Its words in lower case, without stop words and bare numbers."""
    found = re.findall(r"[A-Za-z][A-Za-z'-]+", text.lower())
    return [word.strip("'-") for word in found if word not in STOP and len(word) > 2]


@role("summariser")
def summarise(text: str, count: int = 2) -> dict[str, object]:
    """The `count` sentences whose words are the most frequent, each word counting less once it was said.

    >>> summarise("Oil pays. Oil pays for the state. Nobody fishes any more.", 1)["summary"]
    'Oil pays.'
    """
    all_sentences = sentences(text)
    total = Counter(words(text))
    weight = {word: number / max(1, sum(total.values())) for word, number in total.items()}
    chosen: list[int] = []
    while len(chosen) < min(count, len(all_sentences)):
        left = [index for index in range(len(all_sentences)) if index not in chosen]
        best = max(left, key=lambda index: (_mean(all_sentences[index], weight), -index))
        chosen.append(best)
        for word in words(all_sentences[best]):
            weight[word] **= 2
    return {"summary": " ".join(all_sentences[index] for index in sorted(chosen))}


def _mean(sentence: str, weight: dict[str, float]) -> float:
    found = words(sentence)
    return sum(weight.get(word, 0.0) for word in found) / len(found) if found else 0.0


@role("mood_reader")
def mood(text: str) -> dict[str, object]:
    """The sentences' mean score, from -1 (dark) to 1 (bright), and the two sentences that pull hardest."""
    scored = [(_analyser().polarity_scores(sentence)["compound"], sentence) for sentence in sentences(text)]
    if not scored:
        return {"mood": 0.0, "brightest": "", "darkest": ""}
    return {
        "mood": round(sum(score for score, _ in scored) / len(scored), 3),
        "brightest": max(scored)[1],
        "darkest": min(scored)[1],
    }


@functools.cache
def _analyser():  # type: ignore[no-untyped-def]
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


@role("indexer")
def keywords(text: str, count: int = 8) -> dict[str, object]:
    """The `count` phrases of at most three words that score highest; a word scores degree by frequency."""
    phrases = Counter(_phrases(text))
    frequency: Counter[str] = Counter()
    degree: Counter[str] = Counter()
    for phrase, number in phrases.items():
        for word in phrase:
            frequency[word] += number
            degree[word] += number * len(phrase)
    score = {phrase: number * sum(degree[w] / frequency[w] for w in phrase) for phrase, number in phrases.items()}
    ranked = sorted(score, key=lambda phrase: (-score[phrase], phrase))
    return {"keywords": [" ".join(phrase) for phrase in ranked[:count]]}


def _phrases(text: str) -> list[tuple[str, ...]]:
    found = []
    for piece in re.split(r"[.,;:()\"!?]|--| - ", text.lower()):
        run: list[str] = []
        for word in [*re.findall(r"[a-z][a-z'-]+|\d\S*", piece), ""]:
            if word and word not in STOP and not word[0].isdigit() and len(word) > 2:
                run.append(word)
            else:
                found += [tuple(run)] if 1 <= len(run) <= 3 else []
                run = []
    return found


@role("critic")
def coverage(summary: str, text: str) -> dict[str, object]:
    """What share of the text's vocabulary, each word weighed by how often it is said, the summary carries (0 to 1)."""
    whole, carried = Counter(words(text)), set(words(summary))
    weight = sum(number for number in whole.values())
    score = sum(number for word, number in whole.items() if word in carried) / weight if weight else 0.0
    missing = [word for word, _ in whole.most_common() if word not in carried][:5]
    return {"score": round(score, 3), "missing": missing}


@role("editor")
def improve(summary: str, text: str) -> dict[str, object]:
    """The summary and the one sentence of the text that adds most to its coverage, in the text's order."""
    all_sentences, whole = sentences(text), Counter(words(text))
    said = [sentence for sentence in all_sentences if sentence in summary]
    carried = set(words(summary))
    left = [sentence for sentence in all_sentences if sentence not in said]
    if not left:
        return {"summary": summary, "added": ""}
    best = max(left, key=lambda sentence: sum(whole[word] for word in set(words(sentence)) - carried))
    kept = [sentence for sentence in all_sentences if sentence in said or sentence == best]
    return {"summary": " ".join(kept), "added": best}
