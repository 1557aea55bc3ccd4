"""What leaves a real server: files in a folder and in S3's stand-in, spans to a second server."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from tests.clients.bench import FIXTURES, find_trace, replay
from tests.clients.expect_otlp import check_openai_v2
from tests.fakes.otlp_requests import a_span, as_json
from tests.fixtures.s3 import BUCKET
from tests.fixtures.server import RunningServer

SENT_IN_RECORDS = next(FIXTURES.glob("openai_v2@*"))
HOUR_NS = 3_600_000_000_000
EMAIL = "ada@example.com"


def awaited(look: Callable[[], Any], seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def send(http: httpx.Client, first: int, count: int, start_ns: int) -> None:
    spans = [
        a_span(
            trace_id=f"{n:032x}", span_id=f"{n:016x}", name=f"s{n}", start_ns=start_ns + n, end_ns=start_ns + n + 1000,
            attributes={"assay.input": f"write to {EMAIL}", "gen_ai.operation.name": "chat"},
        )
        for n in range(first, first + count)
    ]  # fmt: skip
    body = as_json(*spans, resource={"service.name": "shop"})
    http.post("/v1/traces", content=body, headers={"content-type": "application/json"}).raise_for_status()


def export(http: httpx.Client, target: dict[str, str]) -> dict[str, Any]:
    body = {"name": "hourly", "what": "spans", "every": "hour", "target": target}
    made: dict[str, Any] = http.post("/api/v1/exports", json=body).raise_for_status().json()
    return made


def last_run(http: httpx.Client) -> Any:
    run = http.get("/api/v1/exports/hourly").json()["last"]
    return run if run is not None and run["status"] == "done" else None


def test_a_window_is_in_a_folder_and_survives_a_kill(tmp_path: Path) -> None:
    server = RunningServer(tmp_path / "data", hurried=True, ASSAY_EXPORT_DIR=str(tmp_path / "out")).start()
    before = time.time_ns() - HOUR_NS
    with server.client() as http:
        send(http, 1, 50, before - before % HOUR_NS)
        made = export(http, {"folder": "bi"})
    server.kill()
    server.start()
    with server.client() as http:
        run = awaited(lambda: last_run(http))
        again = http.post("/api/v1/exports/hourly/run", json={}).status_code
        refused = http.post("/api/v1/exports", json={**made_body(made), "name": "x", "target": {"folder": "../x"}})
    server.stop()
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    [[n, texts]] = duckdb.connect().execute(f"SELECT count(*), count(input) FROM '{files[0]}'").fetchall()
    assert (run["rows"], n, texts, len(files), again) == (50, 50, 50, 1, 202)
    assert (refused.status_code, refused.json()["field"]) == (400, "target.folder")
    assert EMAIL.encode() not in files[0].read_bytes()


def made_body(made: dict[str, Any]) -> dict[str, Any]:
    return {name: made[name] for name in ("name", "what", "every", "format", "target")}


def test_a_window_is_in_s3s_stand_in(tmp_path: Path, s3_stand_in: str) -> None:
    environment = {"EXPORT_KEY": "stand-in", "EXPORT_SECRET": "a-secret-that-nobody-shows"}
    server = RunningServer(tmp_path / "data", hurried=True, **environment).start()
    target = {"s3": f"{BUCKET}/bi", "endpoint": s3_stand_in, "key_env": "EXPORT_KEY", "secret_env": "EXPORT_SECRET"}
    before = time.time_ns() - HOUR_NS
    with server.client() as http:
        send(http, 1, 50, before - before % HOUR_NS)
        export(http, target)
        run = awaited(lambda: last_run(http))
        shown = http.get("/api/v1/exports").text + http.get("/api/v1/audit").text
    server.stop()
    from pyarrow import parquet
    from pyarrow.fs import S3FileSystem

    files = S3FileSystem(
        access_key="stand-in", secret_key="x", endpoint_override=s3_stand_in[7:], scheme="http", region="us-east-1"
    )
    table = parquet.read_table(run["file"].removeprefix("s3://"), filesystem=files, partitioning=None)
    assert (run["rows"], table.num_rows) == (50, 50)
    assert run["file"].startswith(f"s3://{BUCKET}/bi/day=")
    assert environment["EXPORT_SECRET"] not in shown + server.log.read_text()
    assert list((tmp_path / "data" / "outbound").iterdir()) == [], "nothing is left of the upload"


@pytest.mark.parametrize("away", [False, True], ids=["there", "away-at-first"])
def test_spans_reach_a_second_server_scrubbed_and_once(tmp_path: Path, away: bool) -> None:
    first = RunningServer(
        tmp_path / "first", hurried=True, FORWARD_KEY="Bearer sk_test_bootstrap_key_of_the_acceptance_tests"
    )
    second = RunningServer(tmp_path / "second", hurried=True)
    first.start()
    if not away:
        second.start()
    with first.client() as http:
        body = {"endpoint": second.url, "headers": {"authorization": "env:FORWARD_KEY"}}
        http.put("/api/v1/forwards/second", json=body).raise_for_status()
        send(http, 1, 300, time.time_ns())
    first.kill()
    first.start()
    if away:
        with first.client() as http:
            awaited(lambda: http.get("/api/v1/forwards").json()["items"][0]["state"] == "retrying")
        second.start()
    with first.client() as http, second.client() as there:
        there.put("/api/v1/forwards/back", json={**body, "endpoint": first.url, "headers": {}}).raise_for_status()
        state = awaited(lambda: (f := http.get("/api/v1/forwards").json()["items"][0])["waiting"] == 0 and f, 120)
        rows = there.post(
            "/api/v1/sql", json={"sql": "SELECT count(*), count(DISTINCT span_id), min(input) FROM spans"}
        )
        back = awaited(lambda: there.get("/api/v1/forwards").json()["items"][0])
    first.stop()
    second.stop()
    [[n, ids, text]] = rows.json()["rows"]
    assert (n, ids) == (300, 300)
    assert "EMAIL_ADDRESS" in text
    assert EMAIL not in text
    assert (state["rejected"], state["last_error"], back["sent"]) == (0, None, 0)


def test_what_a_call_says_in_a_log_record_reaches_a_second_server(tmp_path: Path) -> None:
    """What OpenTelemetry's instrumentation of openai sends."""
    first = RunningServer(
        tmp_path / "first", FORWARD_KEY="Bearer sk_test_bootstrap_key_of_the_acceptance_tests"
    ).start()
    second = RunningServer(tmp_path / "second", hurried=True).start()
    try:
        with first.client() as http, second.client() as there:
            signals = {"signals": ["traces", "logs"], "headers": {"authorization": "env:FORWARD_KEY"}}
            http.put("/api/v1/forwards/second", json={"endpoint": second.url, **signals}).raise_for_status()
            replay(SENT_IN_RECORDS, first.url)
            state = awaited(lambda: (f := http.get("/api/v1/forwards").json()["items"][0])["sent"] == 3 and f)
            check_openai_v2(http, "session-openai_v2")
            sent, arrived = (find_trace(api, session="session-openai_v2") for api in (http, there))
    finally:
        first.stop()
        second.stop()
    assert (state["rejected"], state["last_error"]) == (0, None)
    for name in ("input", "output"):
        said = [span[name] for span in sent.spans if span["kind"] == "llm"]
        assert said == [span[name] for span in arrived.spans if span["kind"] == "llm"] != [None]
    assert arrived.body["logs"] == sent.body["logs"] != []
    assert EMAIL not in arrived.text
