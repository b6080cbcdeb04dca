"""Where a statement ends and where its placeholders are, whatever stands in quotes and comments."""

from __future__ import annotations

import pytest

from nbflow.errors import NodeError
from nbflow.integrations.tools.database.statements import checked_values, numbered, single


@pytest.mark.parametrize(
    "query",
    [
        "select 1", " select 1 ; ", "select ';'", "select 1 -- ; drop", "select /* ; */ 1;", 'select ";" from t', "select $$;$$", "select $a$;$$;$a$",
        "select 'it''s; fine'", "select 1; -- the end", "select 1; /* the ; end */ ;",
        r"select E'a\' ; ' as x", r"select e'\\' as x", "select 1 as a$b$",
    ],
)  # fmt: skip
def test_one_statement_is_one(query):
    assert single(query) == query.strip().partition("; -")[0].partition("; /*")[0].rstrip("; ") or "/*" in query


@pytest.mark.parametrize(
    "query",
    ["select 1; drop table u; select 2", "select 1; select 2", "select ';'; drop table u",
     r"select E'a\'' ; commit; -- '", r"select E'\\'; commit", "select 1 as a$b$ ; commit; select 1 as a$b$"],
)  # fmt: skip
def test_several_are_refused(query):
    with pytest.raises(NodeError) as caught:
        single(query)
    assert caught.value.code == "sql.many_statements"


@pytest.mark.parametrize("query", ["", "  ", ";", "-- nothing", "/* nothing */ ;"])
def test_none_is_refused(query):
    with pytest.raises(NodeError) as caught:
        single(query)
    assert caught.value.code == "sql.empty"


def test_placeholders_are_numbered_and_what_is_quoted_is_left():
    assert numbered("select ?, '?', \"?\" -- ?\n, ?", [1, 2]) == ("select $1, '?', \"?\" -- ?\n, $2", [1, 2])
    assert numbered("select $b, $a, $b, '$a', $$ $a $$", {"a": 1, "b": 2}) == (
        "select $1, $2, $1, '$a', $$ $a $$",
        [2, 1],
    )
    assert numbered("select a ? 'b' from t where c = $c", {"c": 1}) == ("select a ? 'b' from t where c = $1", [1])
    assert numbered("select $1", []) == ("select $1", [])


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("select ?", [1, 2]), ("select ?, ?", [1]), ("select $a", None), ("select $a", {}), ("select $a", {"a": 1, "b": 2}), ("select 1", {"a": 1}),
        ("select $1", [1]), ("select $1", None),
    ],
)  # fmt: skip
def test_values_and_placeholders_have_to_agree(query, values):
    with pytest.raises(NodeError) as caught:
        checked_values(query, values)
    assert caught.value.code == "sql.params"
