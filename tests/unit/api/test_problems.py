from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict
from starlette.types import Message, Scope

from assay_server.api import problems
from assay_server.core import errors


class _Sent(BaseModel):
    n: int


class Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")
    n: int


class _Narrowed(BaseModel):
    filter: dict[str, str | list[str]]
    name: str


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problems.install(app)

    @app.get("/busy")
    async def busy() -> None:
        raise errors.Busy(retry_after_s=1.2)

    @app.get("/wrong")
    async def wrong() -> None:
        raise errors.InvalidInput("No such colour.", field="colour", value="x" * 500, fix="use red or blue")

    @app.get("/typed")
    async def typed(n: int) -> int:
        return n

    @app.post("/body")
    async def body(sent: _Sent) -> int:
        return sent.n

    @app.post("/one-or-many")
    async def one_or_many(sent: Sent | list[Sent]) -> int:
        return len(sent) if isinstance(sent, list) else 1

    @app.post("/narrowed")
    async def narrowed(sent: _Narrowed) -> None: ...

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_a_busy_answer_says_when_to_come_back(client: httpx.AsyncClient) -> None:
    response = await client.get("/busy")

    assert response.status_code == 503
    assert response.headers["retry-after"] == "2"
    assert response.headers["content-type"] == "application/problem+json"


async def test_bad_input_names_field_value_and_fix(client: httpx.AsyncClient) -> None:
    document = (await client.get("/wrong")).json()

    assert document["status"] == 400
    assert document["field"] == "colour"
    assert document["fix"] == "use red or blue"
    assert len(document["value"]) < 250


async def test_validation_faults_are_problems_too(client: httpx.AsyncClient) -> None:
    response = await client.get("/typed", params={"n": "many"})

    assert response.status_code == 400
    assert response.json()["field"] == "n"
    assert response.json()["value"] == "many"


@pytest.mark.parametrize(
    ("sent", "field", "value", "said"),
    [
        ({"n": "x"}, "n", "x", "n: Input should be a valid integer, unable to parse string as an integer"),
        (
            [{"n": 1}, {"n": "x"}],
            "1.n",
            "x",
            "1.n: Input should be a valid integer, unable to parse string as an integer",
        ),
        ({"n": 1, "m": 2}, "m", 2, "m: there is no such field"),
        ("text", "body", None, "The body is not read as JSON."),
    ],
)
async def test_a_body_of_one_or_many_is_told_by_its_own_names(
    client: httpx.AsyncClient, sent: object, field: str, value: object, said: str
) -> None:
    document = (await client.post("/one-or-many", json=sent)).json()

    assert (document["field"], document["value"], document["detail"]) == (field, value, said)


@pytest.mark.parametrize("given", [5, None, True, {"a": 1}, ["a", 5], ["a", ["b"]]])
async def test_what_is_neither_a_text_nor_texts_is_one_fault(client: httpx.AsyncClient, given: object) -> None:
    document = (await client.post("/narrowed", json={"filter": {"search": given}, "name": 5})).json()

    said = "filter.search: This is no text, and no list of texts; name: Input should be a valid string"
    assert (document["field"], document["detail"]) == ("filter.search", said)
    assert "a list" in document["fix"]


async def test_a_field_that_is_not_there_says_where_those_are(client: httpx.AsyncClient) -> None:
    document = (await client.post("/one-or-many", json={"n": 1, "m": 2})).json()

    assert "openapi.json" in document["fix"]


@pytest.mark.parametrize(
    ("sent", "media", "said"),
    [
        ('{"n": ', "application/json", "The body is not JSON: Expecting value (character 6)."),
        ('{"n": 1}', "application/x-www-form-urlencoded", "The body is not read as JSON."),
        ("[]", "application/json", "The body is not read as JSON."),
    ],
)
async def test_a_body_that_is_not_read_is_told_as_such(
    client: httpx.AsyncClient, sent: str, media: str, said: str
) -> None:
    document = (await client.post("/body", content=sent, headers={"content-type": media})).json()

    assert (document["status"], document["field"], document["detail"]) == (400, "body", said)
    assert "JSON" in document["fix"]


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("POST", "/busy", 405)])
async def test_routing_errors_are_problems(client: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    response = await client.request(method, path)

    assert response.status_code == status
    assert response.json()["status"] == status


async def test_a_wrong_method_is_told_which_ones_the_address_takes(client: httpx.AsyncClient) -> None:
    response = await client.delete("/body")

    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert response.json()["code"] == "method_not_allowed"
    assert response.json()["fix"] == "use POST"


def _tree(cls: type[errors.AssayError]) -> list[type[errors.AssayError]]:
    return [cls, *(leaf for child in cls.__subclasses__() for leaf in _tree(child))]


@pytest.mark.parametrize("cls", _tree(errors.AssayError))
def test_every_error_has_a_status_a_code_and_a_default_message(cls: type[errors.AssayError]) -> None:
    error = cls()

    assert 400 <= problems.status_of(error) < 600
    assert error.code
    assert error.message.endswith(".")


@pytest.mark.parametrize(
    "secret", [f"sk_{'a' * 20}_{'b' * 40}", "sk-ant-api03-abc_DEF-123456789", "sk-0123456789abcdef"]
)
def test_a_key_that_stands_where_something_else_belongs_is_not_repeated(secret: str) -> None:
    told = problems.problem(errors.InvalidInput(f"No key '{secret}'.", field="key", value={"id": secret}))
    assert secret not in str(told)
    assert (told["detail"], told["value"]) == ("No key 'sk_…'.", '{"id": "sk_…"}')


def test_words_that_only_begin_like_a_key_stay() -> None:
    told = problems.problem(
        errors.InvalidInput("task-0123456789abcdef and sk-short", field="name", value="desk_of_somebody_else")
    )
    assert told["detail"] == "task-0123456789abcdef and sk-short"
    assert told["value"] == "desk_of_somebody_else"


async def test_who_hangs_up_in_the_middle_of_a_body_is_no_error_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    problems.install(app)

    @app.put("/file")
    async def file(request: Request) -> None:
        await request.body()

    coming: list[Message] = [{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Message:
        return coming.pop(0)

    async def send(message: Message) -> None:
        pass

    scope: Scope = {
        "type": "http",
        "method": "PUT",
        "path": "/file",
        "query_string": b"",
        "headers": [],
        "scheme": "http",
    }
    await app(scope | {"server": ("test", 80), "http_version": "1.1", "root_path": ""}, receive, send)

    assert [record.message for record in caplog.records] == []
