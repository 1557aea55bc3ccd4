"""One of everything a project can hold, each with the same word in it, made over REST."""

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.fakes.otlp_requests import a_span, as_json
from tests.fixtures.server import RunningServer

T = TypeVar("T")

MARK = "quokka"
TRACE = "51" * 16


@contextmanager
def filled_server(folder: Path) -> Iterator[tuple[RunningServer, dict[str, str]]]:
    """A server that holds one of everything, and the ids and names of it."""
    running = RunningServer(folder / "data", hurried=True, ASSAY_EXPORT_DIR=str(folder / "exports")).start()
    with running.client() as http:
        made = fill(http)
    yield running, made
    running.kill()


def fill(http: httpx.Client) -> dict[str, str]:
    """The ids and names of what was made. Waits until the runs are done and the monitor has told."""
    made = _facts(http) | _registry(http) | _settings(http)
    made |= _evaluated(http, made) | _rolled_out(http, made)
    incident = _awaited(lambda: _items(http, "incidents"))[0]
    _awaited(lambda: _items(http, "notifications"))
    _awaited(lambda: _items(http, f"monitors/{made['monitor']}/evaluations"))
    _awaited(lambda: _items(http, "repricings"))
    return made | {"incident": incident["id"]}


def _facts(http: httpx.Client) -> dict[str, str]:
    now = time.time_ns()
    attributes = {
        "user.id": "quokka-user",
        "session.id": "quokka-session",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "quokka",
        "gen_ai.request.model": "quokka-model",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
        "assay.input": '[{"role": "user", "content": "what does a quokka eat?"}]',
        "assay.output": "a quokka eats grass",
    }
    span = a_span(trace_id=TRACE, name="quokka-span", start_ns=now - 2_000_000_000, end_ns=now, attributes=attributes)
    body = as_json(span, resource={"service.name": "quokka-service"})
    http.post("/v1/traces", content=body, headers={"content-type": "application/json"}).raise_for_status()
    judged = {"name": "quokka-score", "value": 1, "trace_id": TRACE, "span_id": span["span_id"]}
    [score] = _post(http, "scores", judged)["items"]
    made = http.post("/api/2.0/mlflow/experiments/create", json={"name": "quokka-experiment"}).raise_for_status().json()
    return {
        "score": score["id"],
        "experiment": made["experiment_id"],
        "media": _media(http),
        "trace": TRACE,
        "span": span["span_id"],
        "user": "quokka-user",
        "session": "quokka-session",
        "deletion": _deletion(http),
    }


def _deletion(http: httpx.Client) -> str:
    """Of somebody else than the user whom the other tests look for."""
    span = a_span(trace_id="52" * 16, name="gone", attributes={"user.id": "quokka-gone"})
    http.post("/v1/traces", content=as_json(span), headers={"content-type": "application/json"}).raise_for_status()
    made: str = _post(http, "deletions", {"user": "quokka-gone", "reason": "quokka asked"})["id"]
    _awaited(lambda: _get(http, f"deletions/{made}")["proof"])
    return made


def _media(http: httpx.Client) -> str:
    content = b"quokka"
    told = {"traceId": TRACE, "contentType": "text/plain", "contentLength": len(content), "field": "quokka"}
    told["sha256Hash"] = base64.b64encode(sha256(content).digest()).decode()
    asked = http.post("/api/public/media", json=told).raise_for_status().json()
    http.put(asked["uploadUrl"], content=content).raise_for_status()
    media: str = asked["mediaId"]
    return media


def _registry(http: httpx.Client) -> dict[str, str]:
    prompts = [
        _post(http, "prompts", {"name": "quokka-prompt", "template": {"user": f"{word} {{question}}"}})
        for word in ("Answer", "Explain")
    ]
    retrieval = {
        "name": "quokka-retrieval",
        "embedding_model": "minilm-l6-v2",
        "chunking": {"size": 200},
        "top_k": 4,
        "threshold": 0.2,
        "index_version": "v1",
        "index_built_at": "2026-11-01T00:00:00Z",
    }
    items = [{"id": f"i{n}", "input": f"quokka {n}", "expected": f"quokka {n}"} for n in range(3)]
    dataset = _post(http, "datasets", {"name": "quokka-dataset", "items": items})
    _put(http, "providers/quokka", {"base_url": "http://127.0.0.1:9/v1"})
    releases = [
        _post(
            http,
            "releases",
            {"name": "quokka-release", "prompts": {"answer": prompt["id"]}, "model": "quokka/model-2026-11-01"},
        )
        for prompt in prompts
    ]
    return {
        "prompt": prompts[0]["id"],
        "prompt2": prompts[1]["id"],
        "prompt_name": "quokka-prompt",
        "retrieval": _post(http, "retrieval-configs", retrieval)["id"],
        "dataset": "quokka-dataset",
        "dataset_id": dataset["id"],
        "release": releases[0]["id"],
        "release2": releases[1]["id"],
    }


def _settings(http: httpx.Client) -> dict[str, str]:
    hook = _post(http, "notification-channels", {"name": "quokka-hook", "url": "json://127.0.0.1:9/"})
    rule = {"kind": "threshold", "above": 0}
    monitor = {"name": "quokka-monitor", "metric": "count", "rule": rule, "window_s": 3600, "every_s": 5, "min_n": 1}
    made = _post(http, "monitors", monitor)
    silence = {"subject": made["id"], "ends_at": _tomorrow(), "reason": "quokka sleeps"}
    _put(http, "views/quokka-view", {"page": "traces", "query": {"user": "quokka-user"}})
    _put(http, "dashboards/quokka-dashboard", {"title": "quokka", "panels": [{"title": "n", "metrics": ["count"]}]})
    _put(http, "forwards/quokka-forward", {"endpoint": "http://127.0.0.1:9"})
    export = {"name": "quokka-export", "what": "scores", "format": "csv", "target": {"folder": "quokka"}}
    exported = _post(http, "exports", export)["id"]
    _put(http, "flags", {"checks": ["toxicity"], "share": 0.5})
    _put(http, "sampling", {"rules": [{"name": "quokka rule", "match": {"name": "quokka-ping"}, "action": "drop"}]})
    ping = as_json(a_span(trace_id=TRACE, span_id="52" * 8, name="quokka-ping"))
    http.post("/v1/traces", content=ping, headers={"content-type": "application/json"}).raise_for_status()
    price = _put(http, "prices/quokka-other-model", {"input": 1, "output": 2, "provider": "quokka"})
    _put(http, "retention", {"rules": [{"environment": "quokka-staging", "metadata_days": 36_500}]})
    key = _post(http, "keys", {"name": "quokka key", "role": "viewer"})
    _awaited(lambda: _items(http, "notifications"))  # before the silence: then nobody would be told
    return {
        "dashboard": "quokka-dashboard",
        "notification_channel": hook["id"],
        "export": exported,
        "monitor": made["id"],
        "silence": _post(http, "silences", silence)["id"],
        "price": price["id"],
        "key": key["id"],
    }


def _evaluated(http: httpx.Client, made: dict[str, str]) -> dict[str, str]:
    _put(http, "suites/quokka-suite", {"metrics": [{"metric": "exact_match", "bar": 0.5}]})
    recorded = [{"item": f"i{n}", "output": f"quokka {n}"} for n in range(3)]
    body = {"dataset": made["dataset"], "recorded": recorded, "metrics": ["exact_match"]}
    runs = [_post(http, "runs", body | {"release": made[name]})["id"] for name in ("release", "release2")]
    for run in runs:
        _awaited(partial(_is_done, http, run))
    verdict = _post(http, "verdicts", {"run": runs[0], "suite": "quokka-suite"})
    return {"run": runs[0], "run2": runs[1], "verdict": verdict["id"]}


def _is_done(http: httpx.Client, run: str) -> bool:
    return bool(_get(http, f"runs/{run}")["status"] == "done")


def _rolled_out(http: httpx.Client, made: dict[str, str]) -> dict[str, str]:
    _put(http, "channels/quokka-channel", {"requires_gate": False})
    _post(http, "channels/quokka-channel/promote", {"release": made["release"], "reason": "first"})
    scores = [{"name": "quokka-score", "margin": 0.05}]
    canary = {"channel": "quokka-channel", "release": made["release2"], "scores": scores}
    return {"channel": "quokka-channel", "canary": _post(http, "canaries", canary)["id"]}


def _tomorrow() -> str:
    return (datetime.now(UTC) + timedelta(days=1)).isoformat()


def _get(http: httpx.Client, path: str) -> Any:
    return http.get(f"/api/v1/{path}").raise_for_status().json()


def _items(http: httpx.Client, path: str) -> list[Any]:
    found: list[Any] = _get(http, path)["items"]
    return found


def _post(http: httpx.Client, path: str, body: Any) -> Any:
    return _told(http.post(f"/api/v1/{path}", json=body))


def _put(http: httpx.Client, path: str, body: Any) -> Any:
    return _told(http.put(f"/api/v1/{path}", json=body))


def _told(answer: httpx.Response) -> Any:
    assert answer.is_success, f"{answer.request.method} {answer.url}: {answer.text}"
    return answer.json()


def _awaited(look: Callable[[], T], at_most: float = 60) -> T:
    end = time.monotonic() + at_most
    while not (found := look()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
    return found
