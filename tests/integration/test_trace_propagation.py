"""One trace through OpenTelemetry's SDK, ours, the gateway, and parallel branches: every span below the right one."""

import subprocess
import sys

from tests.clients.bench import Trace
from tests.clients.provider import Provider
from tests.fixtures.server import RunningServer


def test_parallel_branches_through_two_sdks_and_the_gateway_are_one_trace(server: RunningServer) -> None:
    with Provider() as provider, server.client() as api:
        api.put("/api/v1/providers/bench", json={"base_url": provider.base_url}).raise_for_status()
        command = [sys.executable, "-m", "tests.integration.propagation_app", server.url, server.key]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        trace = Trace(api.get(f"/api/v1/traces/{done.stdout.strip()}").raise_for_status().json())
    (name, _, [answer]) = trace.tree()[0]
    assert (name, answer[0], len(trace.tree())) == ("web", "answer", 1)
    asked = [("chat gpt-4o-mini", "llm", [])]
    branches = [(f"branch {one}", "span", asked) for one in ("one", "two")]
    assert sorted(answer[2]) == [*branches, *((f"task {one}", "span", asked) for one in ("four", "three"))]
    calls = trace.of_kind("llm")
    said = {span["span_id"]: span["name"] for span in trace.spans}
    assert all(said[call["parent_id"]].endswith(call["input"][0]["content"]) for call in calls)
    assert {(call["user"], call["session"], call["service"]) for call in calls} == {
        ("ada", "parallel", "assay-gateway")
    }
