"""What the OpenAPI document promises, asked of the real server with values nobody thought of (schemathesis)."""

from collections.abc import Iterator
from typing import Any, cast

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from assay_server.api.build import rest
from tests.fixtures.server import RunningServer

pytestmark = pytest.mark.xdist_group("openapi")

_EXAMPLES = 6
_ENDLESS = "/api/v1/tail"  # a stream without an end


async def _ready() -> dict[str, str]:
    return {}


def _document() -> dict[str, Any]:
    """As the application makes it: tests are collected, one an operation, before any server runs."""
    return rest(cast("Any", None), _ready).openapi()


def schema(examples: int, *, deterministic: bool) -> Any:
    """The served operations, so many requests each (`tests/soak` asks for more)."""
    config = SchemathesisConfig()
    ours = config.projects.default
    ours.generation.update(max_examples=examples, deterministic=deterministic)
    ours.phases.coverage.unexpected_methods = set()  # what takes no GET may have a page at its address, as /runs/… does
    return schemathesis.openapi.from_dict(_document(), config=config).exclude(path=_ENDLESS)


SCHEMA = schema(_EXAMPLES, deterministic=True)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server of its own: what is sent here may be stored, and other tests count what there is."""
    running = RunningServer(tmp_path_factory.mktemp("openapi") / "data").start()
    yield running
    running.kill()


def test_the_served_document_is_the_one_that_is_tested(target: RunningServer) -> None:
    assert httpx.get(f"{target.url}/api/v1/openapi.json").json() == _document()


@SCHEMA.parametrize()  # type: ignore[untyped-decorator]
@settings(max_examples=_EXAMPLES, derandomize=True, suppress_health_check=list(HealthCheck))
def test_no_operation_breaks(case: Case[Any], target: RunningServer) -> None:
    assert_kept(case, target)


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
