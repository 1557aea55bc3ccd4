"""Traces that Langfuse's and MLflow's clients delete become deletions of ours."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from assay_server.api.dialects.deleting import MOST
from assay_server.checks.pii import Scrubber
from assay_server.core.errors import NotFound
from assay_server.ingest import Experiments, PartialSpans
from assay_server.keeping import Asked
from assay_server.ledger import Ledger
from tests.fakes.clock import FakeClock
from tests.fakes.dialects import dialects
from tests.fakes.otlp_requests import a_span, protobuf
from tests.fixtures.ledger import PROJECT

TRACE, OTHER, UNKNOWN = "0af7651916cd43dd8448eb211c80319c", "1" * 32, "2" * 32
OTLP = {"content-type": "application/x-protobuf"}


class _Deletions:
    """Knows two traces, and keeps what was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None, str]] = []

    async def ask(self, project: str, actor: str, asked: Asked, reason: str) -> dict[str, Any]:
        if asked.trace_id == UNKNOWN:
            raise NotFound("Nothing of this trace is stored.")
        self.asked.append((actor, asked.trace_id, reason))
        return {}


class _Keeping:
    def __init__(self) -> None:
        self.deletions = _Deletions()
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1


@pytest.fixture
async def wired(tmp_path: Path, ledger: Ledger) -> AsyncIterator[SimpleNamespace]:
    scrubber = Scrubber()
    experiments = Experiments(ledger, scrubber.scrub, FakeClock())
    keeping = _Keeping()
    async with dialects(tmp_path, project=PROJECT, experiments=experiments, keeping=keeping) as (http, services):
        services.partial_spans = PartialSpans(ledger, services.ingest, scrubber)
        yield SimpleNamespace(http=http, services=services, keeping=keeping)


async def langfuse(wired: SimpleNamespace, *ids: str, key: str = "admin") -> httpx.Response:
    answer: httpx.Response = await wired.http.request(
        "DELETE", "/api/public/traces", json={"traceIds": ids}, headers={"x-api-key": key}
    )
    return answer


async def mlflow(wired: SimpleNamespace, *ids: str, key: str = "admin", **more: Any) -> httpx.Response:
    body = {"experiment_id": "1", "request_ids": ids, **more}
    answer: httpx.Response = await wired.http.post(
        "/api/2.0/mlflow/traces/delete-traces", json=body, headers={"x-api-key": key}
    )
    return answer


async def test_langfuse_deletes_a_trace_with_a_reason_and_who(wired: SimpleNamespace) -> None:
    answer = await wired.http.delete(f"/api/public/traces/{TRACE}")

    assert (answer.status_code, answer.json()) == (200, {"message": "Trace deleted successfully"})
    assert wired.keeping.deletions.asked == [("key:admin", TRACE, "asked for by a Langfuse client")]
    assert wired.keeping.woken == 1


async def test_langfuse_deletes_several_at_once_and_passes_over_those_nobody_knows(wired: SimpleNamespace) -> None:
    answer = await langfuse(wired, TRACE, UNKNOWN, OTHER, TRACE)

    assert answer.status_code == 200
    assert [trace for _, trace, _ in wired.keeping.deletions.asked] == [TRACE, OTHER]
    assert wired.keeping.woken == 1, "the files are written anew once"


async def test_langfuse_hears_of_a_trace_that_nobody_knows(wired: SimpleNamespace) -> None:
    one, several = await wired.http.delete(f"/api/public/traces/{UNKNOWN}"), await langfuse(wired, UNKNOWN)

    assert (one.status_code, several.status_code) == (404, 404)
    assert "Fix:" in one.json()["message"]
    assert wired.keeping.woken == 0


async def test_too_many_or_none_are_refused(wired: SimpleNamespace) -> None:
    many = await langfuse(wired, *[f"{n:032x}" for n in range(1, MOST + 2)])
    none = await langfuse(wired)

    assert (many.status_code, none.status_code) == (400, 400)
    assert {many.json()["field"], none.json()["field"]} == {"traceIds"}
    assert not wired.keeping.deletions.asked


@pytest.mark.parametrize("key", ["viewer", "ingest", "score"])
async def test_a_key_that_may_not_is_told_which_may(wired: SimpleNamespace, key: str) -> None:
    for answer in (await langfuse(wired, TRACE, key=key), await mlflow(wired, TRACE, key=key)):
        assert answer.status_code == 403
        assert "Fix: use a key with one of the roles admin" in answer.json()["message"]
    assert not wired.keeping.deletions.asked


async def test_mlflow_deletes_traces_of_the_experiment_it_names(wired: SimpleNamespace) -> None:
    await wired.http.post("/api/2.0/mlflow/experiments/create", json={"name": "support"})
    for trace, number in ((TRACE, "1"), (OTHER, "0")):
        span = a_span(trace_id=trace, attributes={"mlflow.experimentId": number})
        await wired.services.ingest.otlp(PROJECT, protobuf(span), OTLP["content-type"])

    answer = await mlflow(wired, f"tr-{TRACE}", f"tr-{OTHER}", f"tr-{UNKNOWN}")

    assert (answer.status_code, answer.json()) == (200, {"traces_deleted": 1})
    assert wired.keeping.deletions.asked == [("key:admin", TRACE, "asked for by an MLflow client")]


async def test_mlflow_is_told_what_to_do_instead_of_deleting_by_age(wired: SimpleNamespace) -> None:
    answer = await mlflow(wired, max_timestamp_millis=1)

    assert answer.status_code == 400
    assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"
    assert "assay retention set" in answer.json()["message"]
