"""What a pydantic model refuses is said in the language's own words: which field, what it must be, what came."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, HttpUrl, ValidationError, field_validator

from nbflow.errors import SpecError
from nbflow.plan.workflow import parse
from nbflow.spec.kinds import BUILT_IN, KindSpec
from nbflow.spec.schema.typed import sentence


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    depth: int


class Model(BaseModel, extra="forbid"):
    count: int = 0
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    name: Annotated[str, Field(min_length=2)] = "ab"
    on: bool = False
    day: dt.date | None = None
    at: dt.datetime | None = None
    where: HttpUrl | None = None
    colour: Colour = Colour.RED
    size: Literal["s", "m"] = "s"
    inner: Inner | None = None
    many: list[int] = []
    even: int = 0

    @field_validator("even")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("odd numbers are not served")
        return value


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"count": "x"}, "paint.count must be a whole number; 'x' is text"),
        ({"count": 1.5}, "paint.count must be a whole number; 1.5 is a number"),
        ({"share": 0}, "paint.share must be above 0.0; it is 0"),
        ({"share": 7}, "paint.share must be at most 1.0; it is 7"),
        ({"share": []}, "paint.share must be a number; it is a list"),
        ({"name": "a"}, "paint.name must have at least 2 characters"),
        ({"name": 3}, "paint.name must be text; 3 is a number"),
        ({"on": "perhaps"}, "paint.on must be true or false; 'perhaps' is text"),
        ({"day": "soon"}, "paint.day must be a date, as 2026-01-31; 'soon' is text"),
        ({"at": "soon"}, "paint.at must be a date with a time, as 2026-01-31T09:30:00Z; 'soon' is text"),
        ({"where": "soon"}, "paint.where must be an address, as https://example.com; 'soon' is text"),
        ({"colour": "green"}, "paint.colour must be one of red or blue; it is 'green'"),
        ({"size": "xl"}, "paint.size must be one of s or m; it is 'xl'"),
        ({"inner": 3}, "paint.inner must be a mapping; 3 is a number"),
        ({"inner": {}}, "paint.inner.depth is missing"),
        ({"many": [1, "b"]}, "paint.many[1] must be a whole number; 'b' is text"),
        ({"even": 3}, "paint.even does not fit: odd numbers are not served"),
        ({"odd": 3}, "paint.odd is no field of it"),
    ],
)
def test_a_refusal_names_the_field_and_what_came(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate(given)
    assert [sentence(problem, "paint") for problem in caught.value.errors()] == [words]


def test_parameters_of_a_plug_in_are_refused_in_the_same_words() -> None:
    kinds = {**BUILT_IN, "paint": KindSpec("paint", model=Model, effects="none")}
    with pytest.raises(SpecError) as caught:
        parse("name: w\nnodes: {a: {paint: {count: many, on: 7}}}", kinds=kinds)
    told = {(found.line, found.column): found.message for found in caught.value.diagnostics}
    assert list(told.values()) == [
        "'count' of 'paint' must be a whole number; 'many' is text",
        "'on' of 'paint' must be true or false; 7 is a number",
    ]
