"""`assay quotas`, `sampling`, `exports` and `forwards` against a fake server."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.rest import FakeServer
from tests.unit.cli.conftest import Run

RULES = {"rules": [{"name": "pings", "match": {"name": "ping"}, "action": "drop"}], "tail": {"share": 0.1}}
EXPORT: dict[str, Any] = {
    "id": "exp_1", "name": "spans", "what": "spans", "every": "day", "format": "parquet", "target": {"folder": "bi"},
    "enabled": True, "next_at": None, "last": None,
}  # fmt: skip


def test_quotas_are_set_and_shown(cli: Run, fake_rest: FakeServer) -> None:
    use = {"quota": "spans_per_day", "limit": 10, "used": 5, "share": 0.5, "state": "open", "resets_at": None}
    fake_rest.on("PUT", "/api/v1/quotas", {})
    fake_rest.on("GET", "/api/v1/quotas", {"use": [{**use, "refused": 3}]})
    assert cli("quotas", "set", "spans_per_day=10", "--reason", "why").code == 0
    assert fake_rest.seen[0].json == {"limits": {"spans_per_day": 10}, "warn_at": 0.8, "reason": "why"}
    assert "50 %" in cli("quotas", "show").out
    assert cli("quotas", "set", "spans_per_day=many").code == 2


def test_rules_are_read_from_a_file(cli: Run, fake_rest: FakeServer, tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(RULES))
    counts = {"spans": 10, "of": 12, "kept_content": 7, "sampled_out": 2, "dropped": 1}
    counts |= {"lacking": {"calls": 1, "cost": {"usd": 2.5, "unknown": 0}}}  # type: ignore[dict-item]
    fake_rest.on(
        "POST", "/api/v1/sampling/preview", {**counts, "by_rule": [{"rule": "p", "action": "drop", "spans": 1}]}
    )
    fake_rest.on("PUT", "/api/v1/sampling", RULES)
    fake_rest.on("GET", "/api/v1/sampling", {**RULES, "waiting": {"spans": 4, "traces": 2}})
    told = cli("sampling", "preview", str(file))
    assert "7 would have kept" in told.out
    assert "(12 came in all)" in told.out
    assert "1 of these are calls of models ($2.5): they would be in no sum of costs" in told.out
    assert cli("sampling", "set", str(file)).code == 0
    assert fake_rest.seen[-1].json == {**RULES, "reason": None}
    assert "4 spans of 2 traces wait" in cli("sampling", "show").err
    file.write_text("[")
    assert cli("sampling", "set", str(file)).code == 2


@pytest.mark.parametrize(
    ("options", "target"),
    [
        (["--folder", "bi"], {"folder": "bi"}),
        (["--s3", "b/x", "--s3-setting", "key_env=K"], {"s3": "b/x", "key_env": "K"}),
    ],
    ids=["folder", "s3"],
)
def test_an_export_is_added(cli: Run, fake_rest: FakeServer, options: list[str], target: dict[str, str]) -> None:
    fake_rest.on("POST", "/api/v1/exports", EXPORT, status=201)
    assert cli("exports", "add", "spans", "-w", "kind=llm", "-w", "-name=a", "-w", "-name=b", *options).code == 0
    sent = fake_rest.seen[0].json
    assert (sent["target"], sent["filter"], sent["every"]) == (target, {"kind": "llm", "-name": ["a", "b"]}, "day")
    assert cli("exports", "add", "spans").code == 2


def test_files_are_listed_and_written_again(cli: Run, fake_rest: FakeServer) -> None:
    run = {"window_start": "2026-11-21T00:00:00Z", "status": "done", "rows": 5, "bytes": 9, "attempts": 1}
    fake_rest.on("GET", "/api/v1/exports", {"items": [EXPORT], "total": 1, "next": None})
    fake_rest.on("GET", "/api/v1/exports/spans/runs", {"items": [{**run, "file": "/x/y", "error": None}], "total": 1})
    fake_rest.on("POST", "/api/v1/exports/spans/run", run, status=202)
    fake_rest.on("DELETE", "/api/v1/exports/spans", None, status=204)
    assert "bi" in cli("exports", "list").out
    assert "/x/y" in cli("exports", "runs", "spans").out
    assert cli("exports", "run", "spans", "--window", "2026-11-21T00:00:00Z").code == 0
    assert fake_rest.seen[-1].json == {"window_start": "2026-11-21T00:00:00Z"}
    assert cli("exports", "remove", "spans").code == 0


def test_a_forward_is_put_tested_and_listed(cli: Run, fake_rest: FakeServer) -> None:
    state = {"name": "lake", "endpoint": "http://x", "state": "ok", "waiting": 0, "sent": 3, "rejected": 0}
    fake_rest.on("PUT", "/api/v1/forwards/lake", state)
    fake_rest.on("GET", "/api/v1/forwards", {"items": [{**state, "last_error": None}], "total": 1, "next": None})
    fake_rest.on("POST", "/api/v1/forwards/lake/test", {"ok": False, "status": 401, "error": "HTTP 401"})
    fake_rest.on("DELETE", "/api/v1/forwards/lake", None, status=204)
    assert cli("forwards", "put", "lake", "http://x", "-H", "authorization=env:T").code == 0
    assert fake_rest.seen[0].json["headers"] == {"authorization": "env:T"}
    assert fake_rest.seen[0].json["signals"] == ["traces"]
    assert "spans and log records" in cli("forwards", "put", "lake", "http://x", "--logs").out
    assert fake_rest.seen[1].json["signals"] == ["traces", "logs"]
    tested = cli("forwards", "test", "lake")
    assert (tested.code, "HTTP 401" in tested.out) == (1, True)
    assert "lake" in cli("forwards", "list").out
    assert cli("forwards", "remove", "lake").code == 0


def test_flags_are_shown_and_set(cli: Run, fake_rest: FakeServer) -> None:
    off = {"checks": [], "share": 1.0, "available": ["toxicity"], "today": {"scored": 0, "skipped": 0, "dropped": 0}}
    fake_rest.on("GET", "/api/v1/flags", off)
    assert "off; there are: toxicity" in cli("flags", "show").out
    on = {**off, "checks": ["toxicity"], "share": 0.1, "today": {"scored": 7, "skipped": 2, "dropped": 1}}
    fake_rest.on("PUT", "/api/v1/flags", on)
    assert cli("flags", "set", "toxicity", "--share", "0.1", "--reason", "why").code == 0
    assert fake_rest.seen[1].json == {"checks": ["toxicity"], "share": 0.1, "reason": "why"}
    fake_rest.on("GET", "/api/v1/flags", on)
    told = cli("flags", "show")
    assert "toxicity on 0.1 of the traces" in told.out
    assert "7 scored, 2 did not apply, 1 dropped" in told.out + told.err
