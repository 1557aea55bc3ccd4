"""Every fault of a value that pydantic finds says what to write instead."""

from typing import Annotated, Any, Literal

import pytest
from annotated_types import Gt, Lt
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel, Field, FiniteFloat

from assay_server.api import problems


class _Body(BaseModel):
    limit: int = Field(1, ge=1, le=500)
    share: Annotated[float, Gt(0), Lt(1)] = 0.5
    size: FiniteFloat = 1.0
    reason: str = Field("why", min_length=1, max_length=9)
    names: list[str] = Field(["a"], min_length=1, max_length=2)
    code: str = Field("abc", min_length=3)
    format: Literal["csv", "jsonl"] = "csv"
    on: bool = True
    inner: dict[str, int] = {}


class _Wants(_Body):
    name: str


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()
    problems.install(app)

    @app.post("/")
    async def take(body: _Wants) -> None: ...

    return TestClient(app)


@pytest.mark.parametrize(
    ("sent", "field", "fix"),
    [
        ({"limit": 0}, "limit", "1 or more"),
        ({"limit": 501}, "limit", "500 at most"),
        ({"limit": "x"}, "limit", "a whole number"),
        ({"limit": 1.5}, "limit", "a whole number"),
        ({"limit": None}, "limit", "a whole number"),
        ({"share": 0}, "share", "more than 0"),
        ({"share": 1}, "share", "less than 1"),
        ({"size": "x"}, "size", "a number"),
        ({"size": "inf"}, "size", "a number that is finite"),
        ({"reason": ""}, "reason", "a text that is not empty"),
        ({"reason": "x" * 10}, "reason", "a text of 9 characters at most"),
        ({"reason": 5}, "reason", "a text"),
        ({"code": "ab"}, "code", "a text of 3 characters or more"),
        ({"names": []}, "names", "one of them at least"),
        ({"names": ["a"] * 3}, "names", "2 of them at most"),
        ({"names": "a"}, "names", "a list"),
        ({"format": "xml"}, "format", "use 'csv' or 'jsonl'"),
        ({"on": "perhaps"}, "on", "true or false"),
        ({"inner": 5}, "inner", "a JSON object"),
        ({"name": None}, "name", "a text"),
    ],
)
def test_a_fault_says_what_to_write(client: TestClient, sent: dict[str, Any], field: str, fix: str) -> None:
    told = client.post("/", json={"name": "x", **sent}).json()
    assert (told["field"], told["fix"]) == (field, fix)


def test_what_is_missing_is_asked_for(client: TestClient) -> None:
    told = client.post("/", json={}).json()
    assert (told["field"], told["fix"]) == ("name", "send this field")
