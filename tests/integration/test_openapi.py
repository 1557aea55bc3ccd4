"""What the OpenAPI document promises, asked of the real server with values nobody thought of (schemathesis)."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, cast
from urllib.parse import quote

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from assay_server.api.build import rest
from tests.fixtures.server import RunningServer
from tests.integration.isolation_world import filled_server

_EXAMPLES = 2  # beside those that are worked out for each field; soak asks a hundred
_ENDLESS = "/api/v1/tail"  # a stream without an end
_ASKED_BY_POST = ("/panels/query", "/sql", "/monitors/preview", "/sampling/preview", "/traces/search")


async def _ready() -> dict[str, str]:
    return {}


def _document() -> dict[str, Any]:
    """As the application makes it: tests are collected, one an operation, before any server runs."""
    return rest(cast("Any", None), _ready).openapi()


def schema(examples: int, *, deterministic: bool) -> Any:
    """The served operations, so many requests each (`tests/soak` asks for more)."""
    return _schema(_document(), examples, deterministic=deterministic).exclude(path=_ENDLESS)


def _schema(
    document: dict[str, Any],
    examples: int,
    *,
    deterministic: bool,
    modes: Sequence[GenerationMode] = tuple(GenerationMode),
) -> Any:
    config = SchemathesisConfig()
    ours = config.projects.default
    ours.generation.update(max_examples=examples, deterministic=deterministic, modes=list(modes))
    ours.phases.coverage.unexpected_methods = set()  # what takes no GET may have a page at its address, as /runs/… does
    return schemathesis.openapi.from_dict(document, config=config)


def _operations(document: dict[str, Any], *, reading: bool = False) -> list[str]:
    """As schemathesis names them. Its own way of making a test for each gives all of them the same id, of which xdist
    runs one; it also works out in every worker, while tests are collected, whatever any of them will send.
    """
    found = (
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in item
        if path != _ENDLESS and (not reading or _reads(method.upper(), path))
    )
    return [f"{method} {path}" for method, path in found]


def _reads(method: str, path: str) -> bool:
    return method == "GET" or (method == "POST" and path.endswith(_ASKED_BY_POST))


DOCUMENT = _document()


@pytest.fixture(params=_operations(DOCUMENT))
def operation(request: pytest.FixtureRequest) -> Any:
    return _only(request, *GenerationMode)


@pytest.fixture(params=_operations(DOCUMENT, reading=True))
def reading_operation(request: pytest.FixtureRequest) -> Any:
    """What the document allows: the rest is refused before anybody looks at what there is."""
    return _only(request, GenerationMode.POSITIVE)


def _only(request: pytest.FixtureRequest, *modes: GenerationMode) -> Any:
    """A document of one operation: what the fixture leaves out of a schema would be asked all the same."""
    request.node._nodeid = request.node.nodeid  # schemathesis reads it where pytest had it before 9.2
    method, path = request.param.split()
    asked = {path: {method.lower(): DOCUMENT["paths"][path][method.lower()]}}
    return _schema({**DOCUMENT, "paths": asked}, _EXAMPLES, deterministic=True, modes=modes)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server of its own: what is sent here may be stored, and other tests count what there is."""
    running = RunningServer(tmp_path_factory.mktemp("openapi") / "data").start()
    yield running
    running.kill()


def test_the_served_document_is_the_one_that_is_tested(target: RunningServer) -> None:
    assert httpx.get(f"{target.url}/api/v1/openapi.json").json() == _document()


@schemathesis.pytest.from_fixture("operation").parametrize()  # type: ignore[untyped-decorator]
@settings(max_examples=_EXAMPLES, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_operation_breaks(case: Case[Any], target: RunningServer) -> None:
    assert_kept(case, target)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, dict[str, str]]]:
    """A server that holds one of everything, and the ids and names of it."""
    with filled_server(tmp_path_factory.mktemp("filled")) as made:
        yield made


@schemathesis.pytest.from_fixture("reading_operation").parametrize()  # type: ignore[untyped-decorator]
@settings(max_examples=2, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_operation_breaks_on_what_is_there(case: Case[Any], filled: tuple[RunningServer, dict[str, str]]) -> None:
    """On a server that holds nothing most operations that name something say that there is no such thing."""
    server, made = filled
    if case.path_parameters:
        case.path_parameters = {name: there(made, case.path, name) for name in case.path_parameters}
    assert_kept(case, server)


def test_what_is_asked_for_is_there(filled: tuple[RunningServer, dict[str, str]]) -> None:
    """Otherwise the test above would ask for nothing, too. (A backup is none of what was made.)"""
    server, made = filled
    paths = [path for path, operations in _document()["paths"].items() if "{" in path and "get" in operations]
    asked = {path: _PARAMETER.sub(partial(_there, made, path), path) for path in paths}
    with server.client() as http:
        missing = {path for path, address in asked.items() if http.get(address).status_code == 404}
    assert missing == {"/api/v1/backups/{backup}"}


_PARAMETER = re.compile(r"{(\w+)}")
_ALIKE = {
    "trace_id": "trace",
    "span_id": "span",
    "observation_id": "span",
    "session_id": "session",
    "score_id": "score",
    "assessment_id": "score",
    "media_id": "media",
    "attachment_id": "media",
    "version": "prompt",
}
_NAMES = {"prompts": "prompt_name", "datasets": "dataset", "channels": "channel", "dashboards": "dashboard"}
_REFS = {"prompts": "prompt", "prompt-versions": "prompt", "retrieval-configs": "retrieval", "releases": "release"}


def _there(made: dict[str, str], path: str, found: re.Match[str]) -> str:
    return quote(there(made, path, found[1]))


def there(made: dict[str, str], path: str, parameter: str) -> str:
    """What stands for a parameter of a path on a server that was filled."""
    before = path.partition("{" + parameter + "}")[0].rstrip("/").rpartition("/")[2]
    if parameter in ("a", "b"):
        kind = "run" if "/runs/" in path else "trace"
        return made["run2"] if (kind, parameter) == ("run", "b") else made[kind]
    if parameter in ("name", "ref"):
        known = _NAMES if parameter == "name" else _REFS
        return made.get(known.get(before, ""), "quokka-service")
    return made.get(_ALIKE.get(parameter, parameter), "quokka")


def assert_kept(case: Case[Any], target: RunningServer) -> None:
    """The document's promises hold for this request: no 5xx, refusals are problems, answers have the shape it says."""
    answer = case.call(base_url=target.url, headers=target.headers)
    kind = answer.headers.get("content-type", [""])[0]
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        told = answer.json()
        assert kind == "application/problem+json", answer.text
        assert told["status"] == answer.status_code
        assert told["detail"] != ""
        assert told["type"].endswith(f"#{told['code']}")
        if answer.status_code != 431:  # a head that is too large is refused before it is a request
            assert told["request_id"] == answer.headers["x-request-id"][0]
    else:
        _assert_documented(case, answer)


def _assert_documented(case: Case[Any], answer: Any) -> None:
    """What succeeds has the status, the media type and the shape that the document says."""
    assert str(answer.status_code) in case.operation.definition.raw["responses"]
    case.validate_response(answer, checks=(content_type_conformance, response_schema_conformance))


def test_the_tail_refuses_what_it_does_not_know(target: RunningServer) -> None:
    with target.client() as http:
        answer = http.get(_ENDLESS, params={"nonsense": "1"})
    assert (answer.status_code, answer.json()["field"]) == (400, "nonsense")


@pytest.mark.parametrize(("method", "address"), [("GET", "/api/v1/nowhere"), ("PATCH", "/api/v1/traces")])
def test_what_is_not_there_is_a_problem_too(method: str, address: str, target: RunningServer) -> None:
    with target.client() as http:
        answer = http.request(method, address)
    assert answer.status_code in {404, 405}
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
