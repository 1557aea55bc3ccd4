"""Every query of the Grafana dashboards, run by a real Prometheus that scrapes a real server.

Where there is no Prometheus the test skips and says so; in CI that is a failure. In any case the queries are read by
a parser of PromQL and held against what `/metrics` tells, in `tests/unit/test_grafana.py`.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fakes.otlp_requests import a_span, as_json
from tests.fixtures.server import RunningServer, free_port
from tests.unit.test_grafana import QUERIES


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    running = RunningServer(tmp_path_factory.mktemp("grafana") / "data").start()
    with running.client() as http:
        http.put("/api/v1/quotas", json={"limits": {"spans_per_day": 10_000}}).raise_for_status()
    yield running
    running.kill()


@pytest.fixture(scope="module")
def prometheus(scraped: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A Prometheus that has scraped the server before, while and after calls came in."""
    program = shutil.which("prometheus")
    if program is None:
        message = "Prometheus (the package prometheus) is not on this machine"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(message)
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "key").write_text(scraped.key)
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 500ms, scrape_timeout: 500ms}\n"
        "scrape_configs:\n"
        "  - job_name: shop\n"
        f"    authorization: {{credentials_file: {folder / 'key'}}}\n"
        f"    static_configs: [{{targets: ['127.0.0.1:{scraped.port}']}}]\n"
    )
    address = f"127.0.0.1:{free_port()}"
    command = [program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, f"--web.listen-address={address}"], stdout=log, stderr=log)
    with httpx.Client(base_url=f"http://{address}", timeout=30) as client:
        try:
            _call(scraped, 1)
            _seen(client, 1)
            _call(scraped, 2)
            _seen(client, 2)
            yield client
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize("name", QUERIES)
def test_each_query_runs_and_finds_something(name: str, prometheus: httpx.Client) -> None:
    query = _filled(QUERIES[name])
    assert _asked(prometheus, query), f"{query} finds nothing"


def test_what_goes_from_the_facts_is_no_new_traffic(prometheus: httpx.Client, scraped: RunningServer) -> None:
    """A counter that falls has begun anew to Prometheus, which adds all of it once more."""
    with scraped.client() as http:
        for at in range(20):
            _send(http, a_span(trace_id=f"{at + 100:032x}", span_id=f"{at + 100:016x}", attributes={"user.id": "gone"}))
    _until(prometheus, "sum(assay_spans_total) >= 26")
    with scraped.client() as http:
        asked = http.post("/api/v1/deletions", json={"user": "gone", "reason": "a test"}).raise_for_status().json()
        while http.get(f"/api/v1/deletions/{asked['id']}").json()["status"] != "done":
            time.sleep(0.1)
        _send(http, a_span(trace_id="f" * 32, span_id="f" * 16))
    _until(prometheus, "sum(assay_spans_total) >= 27")
    found = _value(prometheus, "sum(increase(assay_spans_total[2m]))")
    assert found < 60, "26 spans came, and little is made up for the time before the first scrape"


def test_the_mean_of_values_below_zero(prometheus: httpx.Client, scraped: RunningServer) -> None:
    """Their sum falls with each, so it is no counter."""
    with scraped.client() as http:
        for at in range(4):
            score = {"name": "mood", "trace_id": "10" * 16, "value": -0.5 if at else 0.5}
            http.post("/api/v1/scores", json=score).raise_for_status()
            _until(prometheus, f'sum(assay_scores_total{{name="mood"}}) == {at + 1}')
    query = _filled(QUERIES["assay: Mean of scores A"])
    means = {each["metric"]["name"]: float(each["value"][1]) for each in _asked(prometheus, query)}
    assert means["mood"] == pytest.approx(-0.5)


def _filled(query: str) -> str:
    return query.replace("$__rate_interval", "2m").replace("$__range", "2m").replace("$job", "shop")


def _asked(client: httpx.Client, query: str) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/query", params={"query": query}).json()
    assert answer["status"] == "success", answer
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


def _value(client: httpx.Client, query: str) -> float:
    return float(_asked(client, query)[0]["value"][1])


def _until(client: httpx.Client, query: str, at_most: float = 30) -> None:
    end = time.monotonic() + at_most
    while not _asked(client, query):
        assert time.monotonic() < end, f"{query} did not become true"
        time.sleep(0.2)


def _send(http: httpx.Client, span: Any) -> None:
    answer = http.post("/v1/traces", content=as_json(span), headers={"content-type": "application/json"})
    assert answer.raise_for_status().json() == {}, "none is rejected"


def _call(server: RunningServer, number: int) -> None:
    """Calls that succeed, that fail and that nobody can price, with what a client says of each; and a score."""
    now = time.time_ns()
    said = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 200,
        "gen_ai.response.time_to_first_chunk": 0.2,
    }
    spans = [
        a_span(trace_id=f"{number}{at}" * 16, span_id=f"{number}{at}" * 8, start_ns=now - 10**9, end_ns=now,
               attributes={**said, "gen_ai.request.model": model}, status={"ok": 1, "error": 2}[status])
        for at, (model, status) in enumerate([("gpt-4o-mini", "ok"), ("gpt-4o-mini", "error"), ("house-model", "ok")])
    ]  # fmt: skip
    with server.client() as http:
        for span in spans:
            _send(http, span)
        score = {"name": "helpful", "trace_id": f"{number}0" * 16}
        http.post("/api/v1/scores", json={**score, "value": 1}).raise_for_status()
        http.post("/api/v1/scores", json={**score, "error": "the judge broke down"}).raise_for_status()


def _seen(client: httpx.Client, scores: int, at_most: float = 60) -> None:
    """Waits until Prometheus has scraped so many scores twice."""
    end = time.monotonic() + at_most
    query = f"count_over_time((sum(assay_scores_total) >= {scores})[1m:500ms]) >= 2"
    while time.monotonic() < end:
        try:
            if client.get("/api/v1/query", params={"query": query}).json()["data"]["result"]:
                return
        except (httpx.TransportError, ValueError):
            pass  # it is still starting
        time.sleep(0.3)
    raise AssertionError("Prometheus did not see the server's figures")
