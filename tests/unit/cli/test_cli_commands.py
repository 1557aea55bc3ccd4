"""The commands: what they send, what they answer, and what their exit code says."""

import json
from pathlib import Path
from typing import Any

import pytest

from assay_server.cli.traces import tree
from tests.fakes.rest import Answer, FakeServer, Seen
from tests.unit.cli.conftest import Run

RELEASE = {
    "id": "rel_1",
    "name": "support",
    "version": 2,
    "content_hash": "sha256:ab",
    "prompts": {},
    "model": "local/m-2024-11-01",
    "verdicts": [],
    "live_on": [],
}
RUN = {
    "id": "run_1",
    "status": "done",
    "dataset": {"name": "golden", "version": 1, "id": "dsv_1"},
    "release": "rel_1",
    "progress": {"done": 80, "total": 80, "errors": 1},
    "scores": {"groundedness": {"n": 79, "errors": 1, "mean": 0.91, "ci": [0.88, 0.94], "method": "t"}},
    "cost": {"usd": None, "unknown": 80},
    "latency_ms": {"p50": 12.0, "p95": 1500.0},
}


def _verdict(verdict: str, **more: Any) -> dict[str, Any]:
    metric = {
        "metric": "groundedness",
        "kind": "baseline",
        "verdict": verdict,
        "n": 79,
        "errors": 1,
        "value": 0.80,
        "baseline": 0.91,
        "difference": -0.11,
        "ci": [-0.16, -0.06],
        "bound": -0.15,
        "margin": 0.03,
        "sentence": "It fell by 0.11.",
    }
    whole = {"id": "ver_1", "verdict": verdict, "release": "rel_1", "run": "run_1", "baseline_run": None}
    return whole | {"metrics": [metric], "sentence": f"The gate says {verdict}."} | more


def test_prompts_are_pushed_as_files_say(fake_rest: FakeServer, cli: Run, tmp_path: Path) -> None:
    (tmp_path / "answer.yaml").write_text("version: 1\nuser_template: '{q}'\ntemperature: 0\nmodel: local/m-2024\n")

    def push(seen: Seen) -> Answer:
        return Answer({"id": "prv_1", "version": 1, "content_hash": "sha256:" + "a" * 64, **seen.json}, 201)

    fake_rest.on("POST", "/api/v1/prompts", push)
    told = cli("prompt", "push", tmp_path)
    assert told.code == 0
    assert "answer@1" in told.out
    assert fake_rest.seen[0].json["parameters"] == {"temperature": 0}
    assert cli("prompt", "push", tmp_path, "--dry-run").code == 0
    assert len(fake_rest.seen) == 1


def test_faulty_files_send_nothing(fake_rest: FakeServer, cli: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("version: 1\nsystem: fine")
    (tmp_path / "b.yaml").write_text("system: 1")
    told = cli("prompt", "push", tmp_path)
    assert told.code == 2
    assert "b.yaml:1: 'version' is missing" in told.err
    assert fake_rest.seen == []


def test_pull_does_not_overwrite_what_differs(fake_rest: FakeServer, cli: Run, tmp_path: Path) -> None:
    prompt = {"id": "prv_1", "name": "answer", "version": 1, "template": {"user": "{q}"}}
    fake_rest.on("GET", "/api/v1/prompts", {"items": [prompt], "total": 1, "next": None})
    fake_rest.on("GET", "/api/v1/prompt-versions/answer", prompt)
    file = tmp_path / "out" / "answer.yaml"
    assert cli("prompt", "pull", tmp_path / "out").code == 0
    assert "{q}" in file.read_text()
    file.write_text("mine")
    assert cli("prompt", "pull", tmp_path / "out").code == 1
    assert file.read_text() == "mine"
    assert cli("prompt", "pull", tmp_path / "out", "--force").code == 0
    assert "{q}" in file.read_text()


def test_a_word_difference_is_marked_without_colour(fake_rest: FakeServer, cli: Run) -> None:
    words = [{"op": "equal", "text": "Be "}, {"op": "delete", "text": "kind"}, {"op": "insert", "text": "brief"}]
    changes = [
        {"part": "prompts.answer.system", "kind": "text", "words": words},
        {"part": "model", "from": "a", "to": None},
    ]
    fake_rest.on("GET", "/api/v1/releases/a@1/diff", {"changes": changes, "summary": "Two parts changed."})
    told = cli("release", "diff", "a@1", "a@2")
    assert "Be [-kind-]{+brief+}" in told.out
    assert "[-a-] → –" in told.out
    assert "Two parts changed." in told.err


def test_datasets_are_imported_whole_or_not_at_all(fake_rest: FakeServer, cli: Run, tmp_path: Path) -> None:
    file = tmp_path / "golden.jsonl"
    file.write_text('{"input": "a"}\n\nnope\n[1]\n')
    told = cli("dataset", "import", "golden", file)
    assert told.code == 2
    assert "golden.jsonl:3: not JSON" in told.err
    assert "golden.jsonl:4: an item is an object" in told.err
    file.write_text('{"input": "a", "expected": "b"}\n')
    made = {
        "id": "dsv_1",
        "name": "golden",
        "version": 1,
        "items": 1,
        "content_hash": "sha256:x",
        "scrubbed": {"EMAIL": 2},
    }
    fake_rest.on("POST", "/api/v1/datasets", made, status=201)
    told = cli("dataset", "import", "golden", file)
    assert told.code == 0
    assert "golden@1: 1 items" in told.out
    assert fake_rest.seen[0].json["items"] == [{"input": "a", "expected": "b"}]


def test_an_export_is_json_lines(fake_rest: FakeServer, cli: Run) -> None:
    items = [{"id": "itm_1", "input": "ä"}, {"id": "itm_2", "input": {"q": 1}}]
    fake_rest.on("GET", "/api/v1/datasets/golden/items", {"items": items, "total": 2, "next": None})
    told = cli("dataset", "export", "golden", "--version", "3")
    assert [json.loads(line) for line in told.out.splitlines()] == items
    assert fake_rest.seen[0].query["version"] == "3"
    assert cli("dataset", "export", "golden", "--json").json == {"items": items}


def test_a_release_from_a_deployment_file(fake_rest: FakeServer, cli: Run, tmp_path: Path) -> None:
    file = tmp_path / "production.yaml"
    file.write_text("deployment: {model: openai/m-2024-08-06, prompt_version: '1.10', retrieval_config_version: rc@2}")
    versions = [{"id": "prv_old", "version": 1, "metadata": {"version": "1.9"}}]
    versions.append({"id": "prv_new", "version": 2, "metadata": {"version": "1.10"}})
    fake_rest.on("GET", "/api/v1/prompts/support", {"items": versions, "total": 2, "next": None})
    fake_rest.on("POST", "/api/v1/releases", RELEASE, status=201)
    told = cli("release", "create", "support", "--prompt", "answer=support", "--deployment", file, "--parameter", "a=1")
    assert told.code == 0
    sent = fake_rest.calls("POST", "/api/v1/releases")[0].json
    assert sent["prompts"] == {"answer": "prv_new"}
    assert (sent["model"], sent["retrieval_config"]) == ("openai/m-2024-08-06", "rc@2")
    assert sent["parameters"] == {"a": 1}


@pytest.mark.parametrize(("verdict", "code"), [("pass", 0), ("fail", 1), ("inconclusive", 4)])
def test_the_gate_s_exit_code_is_its_answer(fake_rest: FakeServer, cli: Run, verdict: str, code: int) -> None:
    fake_rest.on("POST", "/api/v1/verdicts", _verdict(verdict), status=201)
    told = cli("gate", "run_1", "--suite", "support", "--baseline", "run_0")
    assert told.code == code
    for figure in ("groundedness", "79", "−0.1100", "[−0.1600, −0.0600]", "−0.1500", "margin 0.03"):
        assert figure in told.out
    assert f"{verdict.upper()}: The gate says {verdict}." in told.out
    assert cli("gate", "run_1", "--suite", "support", "--json").code == code
    assert fake_rest.seen[0].json == {"run": "run_1", "suite": "support", "baseline_run": "run_0"}


def test_a_run_waits_shows_and_judges(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.on("POST", "/api/v1/runs", RUN | {"status": "queued"}, status=201)
    fake_rest.on("GET", "/api/v1/runs/run_1", RUN)
    fake_rest.on("POST", "/api/v1/verdicts", _verdict("inconclusive"), status=201)
    told = cli("run", "golden@1", "--release", "support@2", "--wait")
    assert told.code == 0
    assert "[0.8800, 0.9400]" in told.out
    assert "unknown" in told.err
    assert cli("run", "golden@1", "--release", "support@2", "--suite", "support").code == 4
    assert fake_rest.calls("POST", "/api/v1/runs")[1].json["suite"] == "support"


def test_a_failed_run_is_a_no(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.on("POST", "/api/v1/runs", RUN | {"status": "queued"}, status=201)
    fake_rest.on("GET", "/api/v1/runs/run_1", RUN | {"status": "failed"})
    assert cli("run", "golden", "--release", "support", "--wait").code == 1
    assert cli("run", "golden", "--release", "support", "--wait", "--json").json["status"] == "failed"


def test_promote_and_rollback_name_what_is_live(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.on("POST", "/api/v1/channels/production/promote", {"name": "production", "release": RELEASE})
    fake_rest.on(
        "POST", "/api/v1/channels/production/rollback", {"name": "production", "release": RELEASE, "undone": "x"}
    )
    assert "production → support@2 (rel_1)" in cli("promote", "support", "--to", "production", "--reason", "good").out
    assert "production → support@2" in cli("rollback", "production", "-r", "bad").out
    assert cli("rollback", "production").code == 0  # one command, as is
    sent = [{"release": "support", "reason": "good"}, {"reason": "bad"}, {"reason": "no reason given"}]
    assert [seen.json for seen in fake_rest.seen] == sent


def test_watching_a_canary_ends_with_its_decision(fake_rest: FakeServer, cli: Run) -> None:
    canary = {
        "id": "can_1",
        "channel": "production",
        "status": "running",
        "share": 20,
        "candidate": RELEASE,
        "units": {"baseline": 800, "candidate": 200},
        "srm_p": 0.4,
        "metrics": [{"name": "user_feedback", "n": {"baseline": 800, "candidate": 200}, "difference": -0.2,
                     "ci": [-0.3, -0.1], "margin": 0.05, "decision": "worse"}],
        "decision": None,
    }  # fmt: skip

    def state(_: Seen) -> Answer:
        over = len(fake_rest.calls("GET", "/api/v1/canaries/can_1")) >= 3
        decision = {"action": "rollback", "sentence": "It is worse by 0.2.", "at": "2026-11-21T08:00:00Z"}
        return Answer(canary | ({"status": "rolled_back", "decision": decision} if over else {}))

    fake_rest.on("GET", "/api/v1/canaries", {"items": [canary], "total": 1, "next": None})
    fake_rest.on("GET", "/api/v1/canaries/can_1", state)
    told = cli("canary", "watch", "production", "--every", "0.1")
    assert told.code == 1
    assert "rollback: It is worse by 0.2." in told.out
    assert told.err.count("running 20 %, units 800/200") == 1  # a look that shows nothing new is not told


@pytest.mark.parametrize(("status", "code"), [("promoted", 0), ("held", 4), ("aborted", 1)])
def test_watching_ends_with_a_code(fake_rest: FakeServer, cli: Run, status: str, code: int) -> None:
    canary = {"id": "can_1", "channel": "production", "status": status, "share": 50}
    fake_rest.on("GET", "/api/v1/canaries/can_1", canary)
    assert cli("canary", "watch", "can_1").code == code


def test_a_canary_s_scores_know_their_side(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.on("POST", "/api/v1/canaries", {"id": "can_1", "share": 20}, status=201)
    scores = ["--score", "user_feedback=0.05", "--score", "latency=100:lower"]
    told = cli("canary", "start", "production", "support@2", *scores, "--steps", "20,50", "--error-margin", "0.02")
    assert told.code == 0
    assert fake_rest.seen[0].json == {
        "channel": "production",
        "release": "support@2",
        "steps": [20, 50],
        "scores": [{"name": "user_feedback", "margin": 0.05}, {"name": "latency", "margin": 100, "direction": "lower"}],
        "guardrails": {"error_rate": {"margin": 0.02}},
    }


def test_an_unknown_canary_says_where_to_look(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.on("GET", "/api/v1/canaries", {"items": [], "total": 0, "next": None})
    told = cli("canary", "show", "staging")
    assert told.code == 2
    assert "assay canary list" in told.err


def test_a_trace_is_a_tree() -> None:
    def span(identity: str, parent: str | None, **more: Any) -> dict[str, Any]:
        return {"span_id": identity, "parent_id": parent, "name": identity, "latency_ms": 5.0, "status": "ok", **more}

    spans = [
        span("root", "elsewhere", kind="agent"),
        span("find", "root", kind="retriever", documents=[{}, {}], input="q"),
        span("call", "root", kind="llm", model="m", tokens={"input_total": 9, "output_total": None}, cost=None),
        span("tool", "call", kind="tool", status="error", status_message="lost"),
    ]
    assert tree(spans) == [
        "agent root  5.0 ms",
        "├─ retriever find  5.0 ms  2 documents",
        "└─ llm call  5.0 ms  m  9 → – tokens  unknown",
        "   └─ tool tool  5.0 ms  error: lost",
    ]
    assert "│     → q" in tree(spans, full=True)


def test_two_traces_are_compared_and_a_call_is_written_as_a_test(fake_rest: FakeServer, cli: Run) -> None:
    rows = [
        {"depth": 0, "name": "agent", "a": {"latency_ms": 10.0}, "b": {"latency_ms": 20.0}, "changed": ["model"]},
        {"depth": 1, "name": "search", "a": None, "b": {"latency_ms": 5.0}, "changed": []},
    ]
    fake_rest.on("GET", "/api/v1/traces/t1/compare/t2", {"sentence": "The second took longer.", "rows": rows})
    told = cli("trace", "compare", "t1", "t2").out
    assert "The second took longer." in told
    assert "only in the second" in told
    fake_rest.on("GET", "/api/v1/traces/t1/spans/s1/test", {"filename": "test_x.py", "source": "import assay"})
    written = cli("trace", "test", "t1", "s1")
    assert (written.out.strip(), "pytest test_x.py" in written.err) == ("import assay", True)


def test_a_deep_trace_does_not_overflow() -> None:
    spans = [{"span_id": str(n), "parent_id": str(n - 1), "name": "s", "kind": "chain"} for n in range(3000)]
    assert len(tree(spans)) == 3000


def test_a_broken_audit_chain_is_a_no(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.on(
        "GET", "/api/v1/audit/verify", {"ok": False, "checked": 7, "broken": {"id": "aud_3", "seq": 3, "why": "hash"}}
    )
    assert cli("audit", "verify").code == 1
    fake_rest.on("GET", "/api/v1/audit/verify", {"ok": True, "checked": 7, "broken": None})
    assert cli("audit", "verify").code == 0


def test_what_ends_a_line_only_for_python_ends_none_in_json_lines(
    fake_rest: FakeServer, cli: Run, tmp_path: Path
) -> None:
    made = {"name": "golden", "version": 1, "items": 1, "content_hash": "sha256:1", "id": "dsv_1"}
    fake_rest.on("POST", "/api/v1/datasets", made, status=201)
    file = tmp_path / "golden.jsonl"
    file.write_text('\ufeff{"input": "one\u2028line"}\r\n', encoding="utf-8")
    assert cli("dataset", "import", "golden", file).code == 0
    assert fake_rest.seen[0].json["items"] == [{"input": "one\u2028line"}]


def test_a_golden_set_that_is_no_text_is_told_by_line(fake_rest: FakeServer, cli: Run, tmp_path: Path) -> None:
    file = tmp_path / "golden.jsonl"
    file.write_bytes(b'{"input": "a"}\n\xff\xfe\n')
    told = cli("dataset", "import", "golden", file)
    assert told.code == 2
    assert "golden.jsonl:2: not UTF-8 text" in told.err


def test_a_provider_nobody_added_is_told_as_such(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.on("GET", "/v1/models", {"object": "list", "data": []})
    fake_rest.on("GET", "/api/v1/providers", {"items": [], "total": 0, "next": None})
    told = cli("provider", "test", "nosuch")
    assert told.code == 2
    assert "There is no provider 'nosuch'" in told.err


def test_a_provider_is_tested_through_the_gateway(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.on("GET", "/v1/models", {"data": [{"id": "other/x"}, {"id": "local/smol"}]})
    reply = {"choices": [{"message": {"content": "OK"}}], "usage": {"prompt_tokens": 4, "completion_tokens": 1}}
    fake_rest.on("POST", "/v1/chat/completions", reply)
    told = cli("provider", "test", "local")
    assert "local/smol answers: 'OK'" in told.out
    assert fake_rest.seen[-1].json["model"] == "local/smol"


def test_suites_and_retrieval_configs_come_from_files(fake_rest: FakeServer, cli: Run, tmp_path: Path) -> None:
    suite, config = tmp_path / "s.yaml", tmp_path / "r.yaml"
    suite.write_text("metrics: [{metric: groundedness, margin: 0.03, direction: higher}]\nalpha: 0.05")
    config.write_text("name: minilm\nembedding_model: all-minilm-l6-v2\ntop_k: 4\nindex_built_at: 2026-01-01T00:00:00Z")
    fake_rest.on("PUT", "/api/v1/suites/support", {"name": "support"})
    fake_rest.on("POST", "/api/v1/retrieval-configs", {"id": "rc_1", "name": "minilm", "version": 1}, status=201)
    assert cli("suite", "put", "support", suite).code == 0
    assert cli("retrieval", "push", config).code == 0
    assert fake_rest.seen[0].json["alpha"] == 0.05
    assert fake_rest.seen[1].json["index_built_at"].startswith("2026-01-01T00:00:00")
    config.write_text("embedding_model: x\ncolour: red")
    told = cli("retrieval", "push", config)
    assert told.code == 2
    assert f"{config}:1: 'name' is missing\n{config}:2: nobody reads 'colour' here" in told.err


def test_what_the_server_refuses_of_a_suite_is_told_with_its_line(
    fake_rest: FakeServer, cli: Run, tmp_path: Path
) -> None:
    suite = tmp_path / "s.yaml"
    suite.write_text(
        "alpha: 0.05\nmetrics:\n  - metric: groundedness\n    bar: 0.8\n  - metric: nosuch\n    bar: 0.9\n"
    )
    detail = "metrics[1]: no check 'nosuch'; metrics[0]: 'direction' must be 'higher'"
    problem = {"status": 400, "code": "invalid_input", "detail": detail, "field": "metrics", "value": "s"}
    fake_rest.on("PUT", "/api/v1/suites/support", Answer(problem, 400))
    told = cli("suite", "put", "support", suite)
    assert told.code == 2
    assert f"{suite}:2: metrics[1] (line 5): no check 'nosuch'; metrics[0] (line 3): 'direction'" in told.err
    suite.write_text("metrics: []\n\nmetrix: 1\n")
    assert f"{suite}:3: nobody reads 'metrix' here" in cli("suite", "put", "support", suite).err


def test_keys_say_when_they_were_last_used(fake_rest: FakeServer, cli: Run) -> None:
    made = {"role": "ingest", "created_at": "2026-11-01T00:00:00Z", "revoked_at": None}
    used, never, old = (
        {"last_used_at": "2026-11-20T08:00:00Z", "use_known_since": made["created_at"]},
        {"last_used_at": None, "use_known_since": made["created_at"]},
        {"last_used_at": None, "use_known_since": "2026-11-15T00:00:00Z"},
    )
    rows = [{"id": f"key_{n}", "name": f"k{n}", **made, **use} for n, use in enumerate((used, never, old))]
    fake_rest.on("GET", "/api/v1/keys", {"items": rows, "total": 3, "next": None})
    table = cli("key", "list").out.splitlines()
    assert "2026-11-20" in table[-3]
    assert "never" in table[-2]
    assert "not since 2026-11-1" in table[-1]


def test_a_deletion_that_left_something_says_what(fake_rest: FakeServer, cli: Run) -> None:
    left = [{"where": "dataset golden, versions 1", "items": ["itm_1"], "why": "decide"}]
    whole = {"id": "del_1", "status": "done", "error": None, "found": {"spans": 3}, "held": [], "reason": "asked"}
    whole |= {"requested_at": "2026-11-20T08:00:00Z", "remaining": left}
    clean = whole | {"id": "del_2", "remaining": []}
    fake_rest.on("POST", "/api/v1/deletions", whole)
    fake_rest.on("GET", "/api/v1/deletions", {"items": [whole, clean], "total": 2, "next": None})
    told = cli("privacy", "delete", "--user", "u12", "--reason", "asked")
    assert (told.code, told.out) == (0, "deleted: 3 spans\n")
    assert "remains: dataset golden, versions 1 (itm_1): decide" in told.err
    assert cli("privacy", "delete", "--trace", "a" * 32, "--reason", "a key in it").code == 0
    assert [seen.json.get("trace_id") for seen in fake_rest.seen if seen.method == "POST"] == [None, "a" * 32]
    first, second = cli("privacy", "list").out.splitlines()[-2:]
    assert "dataset golden" in first
    assert "nothing here" in second
