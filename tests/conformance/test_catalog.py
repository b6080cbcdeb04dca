"""What every catalog promises, whatever it is made of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from nbflow.errors import CatalogConflict, NotFound
from nbflow.plan.workflow import parse
from nbflow.ports.catalog import Catalog, Version, Wanted
from tests.conformance.conftest import Store

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def catalog(store: Store) -> AsyncIterator[Catalog]:
    opened = store.catalog()
    yield opened
    await opened.close()


def version(name: str = "demo", number: str = "1.0", body: str = "a: {set: {x: 1}}", **more: object) -> Version:
    text = f'name: {name}\nversion: "{number}"\nnodes:\n  {body}\n'
    return Version.of(parse(text, name=name).plan, saved=1.0, **more)  # type: ignore[arg-type]


async def test_what_was_saved_is_loaded(catalog: Catalog) -> None:
    given = version(by="ann", notes="first", tags=["daily"])
    saved = await catalog.save(given)
    assert saved == replace(given, number=1)
    assert await catalog.load("demo") == await catalog.load("demo", "1.0") == saved
    for wanted in ("latest", "#1", saved.hash, saved.hash[:8]):
        assert await catalog.load("demo", wanted) == saved


async def test_saving_the_same_again_adds_nothing(catalog: Catalog) -> None:
    first = await catalog.save(version(by="ann"))
    assert await catalog.save(version(by="bob")) == first
    assert await catalog.versions("demo") == [first]


async def test_a_version_never_changes_its_meaning(catalog: Catalog) -> None:
    await catalog.save(version())
    with pytest.raises(CatalogConflict, match=r"demo 1\.0 is saved with another meaning") as caught:
        await catalog.save(version(body="a: {set: {x: 2}}"))
    assert "1.1" in (caught.value.hint or "")
    assert "x: 1" in (await catalog.load("demo")).text


async def test_another_wording_of_the_same_meaning_is_kept_beside(catalog: Catalog) -> None:
    await catalog.save(version())
    worded = await catalog.save(version(body="a: {set: {x: 1}}  # why"))
    assert worded.number == 2 and "# why" in (await catalog.load("demo", "1.0")).text
    assert "# why" not in (await catalog.load("demo", "#1")).text


async def test_without_a_version_the_hash_is_the_version(catalog: Catalog) -> None:
    plan = parse("nodes: {a: {set: {x: 1}}}", name="demo").plan
    saved = await catalog.save(Version.of(plan, saved=1.0))
    assert saved.version == saved.hash[:12] and await catalog.load("demo", saved.version) == saved


async def test_the_latest_is_the_last_saved_that_is_not_archived(catalog: Catalog) -> None:
    for number in ("1.0", "1.1", "1.2"):
        await catalog.save(version(number=number))
    assert (await catalog.load("demo")).version == "1.2"
    await catalog.archive("demo", "1.2")
    assert (await catalog.load("demo")).version == "1.1"
    assert (await catalog.load("demo", "1.2")).archived
    await catalog.archive("demo", "1.2", archived=False)
    assert (await catalog.load("demo")).version == "1.2"
    assert [each.version for each in await catalog.versions("demo")] == ["1.2", "1.1", "1.0"]


async def test_aliases_name_versions_and_move(catalog: Catalog) -> None:
    await catalog.save(version(number="1.0"))
    await catalog.save(version(number="1.1"))
    await catalog.alias("demo", "prod", "1.0")
    assert (await catalog.load("demo", "prod")).version == "1.0"
    await catalog.alias("demo", "prod", "latest")
    assert (await catalog.load("demo", "prod")).version == "1.1"
    await catalog.save(version(number="1.2"))
    assert (await catalog.load("demo", "prod")).version == "1.1"
    await catalog.alias("demo", "prod", None)
    with pytest.raises(NotFound, match="no version prod"):
        await catalog.load("demo", "prod")


@pytest.mark.parametrize("alias", ["latest", "#1", "", "1.0"])
async def test_an_alias_cannot_be_mistaken_for_a_version(catalog: Catalog, alias: str) -> None:
    await catalog.save(version())
    with pytest.raises(CatalogConflict):
        await catalog.alias("demo", alias, "1.0")


async def test_a_renamed_workflow_is_found_by_both_names_until_the_old_is_used_anew(catalog: Catalog) -> None:
    first = await catalog.save(version())
    await catalog.rename("demo", "better")
    assert await catalog.load("demo") == await catalog.load("better") == replace(first, name="better")
    (entry,) = await catalog.entries()
    assert (entry.name, entry.former) == ("better", ("demo",))
    await catalog.rename("better", "best")
    assert (await catalog.load("demo")).name == (await catalog.load("better")).name == "best"
    await catalog.save(version(number="9"))
    assert (await catalog.load("demo")).version == "9" and (await catalog.load("best")).version == "1.0"
    with pytest.raises(CatalogConflict, match="there is a workflow demo already"):
        await catalog.rename("best", "demo")


async def test_entries_tell_what_there_is(catalog: Catalog) -> None:
    await catalog.save(version("b"))
    await catalog.save(version("a"))
    latest = await catalog.save(version("a", "2.0"))
    await catalog.alias("a", "prod", "1.0")
    await catalog.archive("b")
    (entry,) = await catalog.entries()
    assert (entry.name, entry.latest, entry.versions, entry.archived) == ("a", latest, 2, False)
    assert entry.aliases == {"prod": (await catalog.load("a", "1.0")).hash}
    assert [each.name for each in await catalog.entries(archived=True)] == ["a", "b"]
    assert (await catalog.load("b")).name == "b"


async def test_notes_and_tags_may_change(catalog: Catalog) -> None:
    await catalog.save(version(notes="old", tags=["x"]))
    await catalog.annotate("demo", "1.0", notes="new")
    await catalog.annotate("demo", "latest", tags=["y", "z"])
    loaded = await catalog.load("demo")
    assert (loaded.notes, loaded.tags) == ("new", ("y", "z"))


async def test_search_finds_by_what_is_in_it(catalog: Catalog) -> None:
    await catalog.save(version("fetching", body="a: {tool: http.get, with: {url: https://example.com}}", tags=["web"]))
    await catalog.save(version("asking", body="a: {agent: {prompt: Say HELLO, model: openai/gpt-5-mini}}", by="ann"))
    await catalog.save(version("asking", "2.0", body="a: {set: {x: 1}}"))

    async def found(**wanted: object) -> list[tuple[str, str]]:
        return [(each.name, each.version) for each in await catalog.search(Wanted(**wanted))]  # type: ignore[arg-type]

    assert await found() == [("asking", "2.0"), ("fetching", "1.0")]
    assert await found(text="EXAMPLE.com") == [("fetching", "1.0")]
    assert await found(text="hello") == []
    assert await found(text="hello", all_versions=True) == [("asking", "1.0")]
    assert await found(tag="web") == await found(tool="http.get") == [("fetching", "1.0")]
    assert (
        await found(model="openai/gpt-5-mini", all_versions=True)
        == await found(by="ann", all_versions=True)
        == [("asking", "1.0")]
    )
    assert await found(kind="set") == [("asking", "2.0")]
    assert await found(versions=frozenset({("asking", "1.0")}), all_versions=True) == [("asking", "1.0")]
    await catalog.archive("asking")
    assert await found() == [("fetching", "1.0")]
    assert await found(archived=True) == [("asking", "2.0"), ("fetching", "1.0")]


async def test_what_is_not_there_is_named_with_what_is_near(catalog: Catalog) -> None:
    await catalog.save(version("review_article"))
    for name, wanted, words in (
        ("review_artcle", None, "did you mean review_article"), ("review_article", "1.1", r"did you mean 1\.0"),
        ("zzz", None, "there is review_article"),
    ):  # fmt: skip
        with pytest.raises(NotFound, match=words) as caught:
            await catalog.load(name, wanted)
        assert caught.value.code == "catalog.not_found"


async def test_concurrent_saves_lose_no_version(store: Store) -> None:
    catalogs = [store.catalog() for _ in range(4)]
    saves = [
        each.save(version(number=f"{place}.{number}")) for number in range(10) for place, each in enumerate(catalogs)
    ]
    saved = await asyncio.gather(*saves)
    assert sorted(each.number for each in saved) == list(range(1, 41))
    for catalog in catalogs:
        assert len(await catalog.versions("demo")) == 40
        await catalog.close()


async def test_of_two_meanings_of_one_version_saved_at_once_one_is_refused(store: Store) -> None:
    catalogs = [store.catalog() for _ in range(4)]
    answers = await asyncio.gather(
        *(each.save(version(body=f"a: {{set: {{x: {place}}}}}")) for place, each in enumerate(catalogs)),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers].count(CatalogConflict) == 3
    assert len(await catalogs[0].versions("demo")) == 1
    for catalog in catalogs:
        await catalog.close()


async def test_a_text_of_a_megabyte_is_kept(catalog: Catalog) -> None:
    text = "nodes: {a: {set: {x: 1}}}\n" + "# a long comment\n" * 60_000
    given = replace(version(), text=text)
    assert (await catalog.save(given)).text == text and (await catalog.load("demo")).text == text


async def test_versions_that_ran_so_are_found_though_there_are_newer_ones(catalog: Catalog) -> None:
    for number in ("1.0", "1.1", "1.2"):
        await catalog.save(version(number=number))
    await catalog.save(version("other"))
    ran = Wanted(versions=frozenset({("demo", "1.0"), ("demo", "1.1"), ("gone", "1.0")}))
    assert [(each.name, each.version) for each in await catalog.search(ran)] == [("demo", "1.1")]
    every = replace(ran, all_versions=True)
    assert [each.version for each in await catalog.search(every)] == ["1.1", "1.0"]
    await catalog.rename("demo", "better")  # executions have the name of their time
    assert [(each.name, each.version) for each in await catalog.search(ran)] == [("better", "1.1")]
    assert await catalog.search(Wanted(versions=frozenset())) == []
