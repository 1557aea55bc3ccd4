"""`assay monitor` and `assay notify` against a fake server."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from assay_server.cli.monitor_words import metric_of, metric_words, rule_words, span_words
from tests.fakes.rest import FakeServer, problem
from tests.unit.cli.conftest import Run

FINDING = {"status": "alarm", "n": 120, "sentence": "Error rate: 20 % over 15 min (n = 120): above 5 %."}
MONITOR: dict[str, Any] = {
    "id": "mon_1",
    "name": "slow",
    "status": "alarm",
    "severity": "warning",
    "metric": {"name": "latency", "quantile": 0.95},
    "rule": {"kind": "threshold", "above": 2000.0},
    "window_s": 900,
    "every_s": 225,
    "evaluated_at": None,
    "silenced_until": "2026-11-21T10:00:00Z",
    "states": [{"group": None, "status": "alarm", "since": "2026-11-21T09:00:00Z", "finding": FINDING}],
}


def test_a_monitor_is_created_from_options(cli: Run, fake_rest: FakeServer) -> None:
    fake_rest.on("POST", "/api/v1/monitors", MONITOR, status=201)
    args = [
        "--metric",
        "score:quality",
        "--below",
        "0.8",
        "--window",
        "1h",
        "--filter",
        "model=a",
        "--filter",
        "model=b",
        "--filter",
        "attribute:http.route=/chat?a=b",
        "--group-by",
        "tag:team",
    ]
    told = cli("monitor", "create", "slow", *args, "--min-n", "30")
    assert told.code == 0
    assert fake_rest.seen[0].json == {
        "name": "slow",
        "metric": {"name": "score", "score": "quality"},
        "rule": {"kind": "threshold", "below": 0.8},
        "filter": {"model": ["a", "b"], "attribute:http.route": ["/chat?a=b"]},
        "window_s": 3600,
        "min_n": 30,
        "group_by": "tag:team",
    }
    assert "assay monitor test slow" in told.err


def test_a_monitor_is_tried_before_it_is_made(cli: Run, fake_rest: FakeServer) -> None:
    fire = {"at": "2026-11-20T09:00:00Z", "until": None, "finding": FINDING}
    spent = {"since": "2026-11-14T10:00:00Z", "until": "2026-11-21T10:00:00Z", "looks": 672, "blind": 12}
    told = {"findings": [FINDING], **spent, "fired": 1, "fires": [fire]}
    fake_rest.on("POST", "/api/v1/monitors/preview", told)
    said = cli("monitor", "create", "slow", "--metric", "error_rate", "--above", "0.05", "--try")
    assert [call.path for call in fake_rest.seen] == ["/api/v1/monitors/preview"]
    assert "It would have rung once since" in said.out
    assert "(672 looks, 12 of them with too little data)" in said.out
    assert f"still ringing: {FINDING['sentence']}" in said.out
    assert "now alarm" in said.err


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (["--change", "0.2"], {"kind": "change", "change": 0.2}),
        (["--missing"], {"kind": "missing"}),
        (["--objective", "0.99"], {"kind": "burn", "objective": 0.99}),
        (["--above", "2", "--below", "1"], {"kind": "threshold", "above": 2.0, "below": 1.0}),
    ],
)
def test_each_rule_has_an_option(cli: Run, fake_rest: FakeServer, options: list[str], rule: dict[str, Any]) -> None:
    fake_rest.on("POST", "/api/v1/monitors", MONITOR, status=201)
    assert cli("monitor", "create", "slow", "--metric", "error_rate", *options).code == 0
    assert fake_rest.seen[0].json["rule"] == rule


@pytest.mark.parametrize(
    ("written", "metric"),
    [
        ("score_rate:groundedness<0.5", {"score": "groundedness", "below": 0.5}),
        ("score_rate:a:b>-1", {"score": "a:b", "above": -1.0}),
    ],
)
def test_a_share_of_scores_is_written_with_its_line(
    cli: Run, fake_rest: FakeServer, written: str, metric: dict[str, Any]
) -> None:
    whole = {"name": "score_rate", **metric}
    fake_rest.on("POST", "/api/v1/monitors", MONITOR, status=201)
    assert cli("monitor", "create", "slow", "--metric", written, "--above", "0.05").code == 0
    assert fake_rest.seen[0].json["metric"] == whole
    rule = {"kind": "threshold", "above": 0.05}
    made = MONITOR | {"metric": whole, "rule": rule}
    fake_rest.on("GET", "/api/v1/monitors", {"items": [made], "total": 1, "next": None})
    listed = cli("monitor", "list").out
    assert written in listed
    assert "above 5 %" in listed


@pytest.mark.parametrize(
    "written", ["score_rate:groundedness", "score_rate:<0.5", "score_rate:a<low", "score_rate:a=1"]
)
def test_a_share_of_scores_without_its_line_is_misuse(cli: Run, fake_rest: FakeServer, written: str) -> None:
    told = cli("monitor", "create", "slow", "--metric", written, "--above", "0.05")
    assert (told.code, fake_rest.seen) == (2, [])
    assert "groundedness<0.5" in told.err


@pytest.mark.parametrize(
    "options",
    [[], ["--missing", "--above", "1"], ["--above", "1", "--window", "soon"], ["--above", "1", "--filter", "model"]],
)
def test_misuse_is_told_before_anything_is_sent(cli: Run, fake_rest: FakeServer, options: list[str]) -> None:
    assert cli("monitor", "create", "slow", "--metric", "count", *options).code == 2
    assert fake_rest.seen == []


def test_a_whole_definition_comes_from_a_file(cli: Run, fake_rest: FakeServer, tmp_path: Path) -> None:
    fake_rest.on("POST", "/api/v1/monitors", MONITOR, status=201)
    path = tmp_path / "monitor.json"
    path.write_text(json.dumps({"metric": "cost", "rule": {"kind": "change"}, "group_by": "model"}))
    assert cli("monitor", "create", "slow", "--file", path).code == 0
    assert fake_rest.seen[0].json == {"name": "slow", "metric": "cost", "rule": {"kind": "change"}, "group_by": "model"}


@pytest.mark.parametrize(
    ("held", "why"),
    [(b"[1, 2]", "no JSON object"), (b"{", "not JSON"), (b"", "not JSON"), (b"\xff\xfe\x00", "not UTF-8 text")],
)
def test_a_file_that_holds_no_definition_is_told_with_what_one_looks_like(
    cli: Run, fake_rest: FakeServer, tmp_path: Path, held: bytes, why: str
) -> None:
    path = tmp_path / "monitor.json"
    path.write_bytes(held)
    told = cli("monitor", "create", "slow", "--file", path)
    assert told.code == 2
    assert f"{path}: {why}" in told.err
    assert '"rule"' in told.err
    assert fake_rest.seen == []


@pytest.mark.parametrize("beside", [["--above", "5"], ["--missing"], ["--window", "1h"], ["--metric", "cost"]])
def test_what_stands_beside_a_file_is_refused_and_not_passed_over(
    cli: Run, fake_rest: FakeServer, tmp_path: Path, beside: list[str]
) -> None:
    path = tmp_path / "monitor.json"
    path.write_text(json.dumps({"metric": "cost", "rule": {"kind": "change"}}))
    told = cli("monitor", "create", "slow", "--file", path, *beside)
    assert told.code == 2
    assert "--file" in told.err
    assert fake_rest.seen == []


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("latency", "latency"),
        ("latency:p99", {"name": "latency", "quantile": 0.99}),
        ("ttft:0.5", {"name": "ttft", "quantile": 0.5}),
        ("slow_rate:2000", {"name": "slow_rate", "threshold_ms": 2000.0}),
        ("tokens:output", {"name": "tokens", "bucket": "output"}),
        ("judgements:tool_loop", {"name": "judgements", "score": "tool_loop"}),
        ("score:a:b", {"name": "score", "score": "a:b"}),
        ("score_rate:groundedness<0.5", {"name": "score_rate", "score": "groundedness", "below": 0.5}),
    ],
)
def test_a_metric_is_written_and_shown_in_one_way(
    cli: Run, fake_rest: FakeServer, written: str, sent: str | dict[str, Any]
) -> None:
    fake_rest.on("POST", "/api/v1/monitors", MONITOR, status=201)
    assert cli("monitor", "create", "slow", "--metric", written, "--above", "1").code == 0
    assert fake_rest.seen[0].json["metric"] == sent
    told = metric_words(sent if isinstance(sent, dict) else {"name": sent})
    assert metric_of(told) == sent


@pytest.mark.parametrize("written", ["cost:usd", "latency:fast", "latency:p", "error_rate:0.5", "slow_rate:2s"])
def test_what_a_metric_does_not_take_is_told_and_not_passed_over(cli: Run, fake_rest: FakeServer, written: str) -> None:
    """`latency:p99` was p95."""
    told = cli("monitor", "create", "slow", "--metric", written, "--above", "1")
    assert told.code == 2
    assert written in told.err
    assert fake_rest.seen == []


def test_a_budget_is_looked_at_over_its_own_windows(cli: Run, fake_rest: FakeServer) -> None:
    burns = MONITOR | {"rule": {"kind": "burn", "objective": 0.99}}
    fake_rest.on("POST", "/api/v1/monitors", burns, status=201)
    fake_rest.on("GET", "/api/v1/monitors", {"items": [burns, MONITOR], "total": 2, "next": None})
    told = cli("monitor", "create", "slow", "--metric", "error_rate", "--objective", "0.99")
    assert "looks every 225s at the last 5m to 3d" in told.out
    first, second = cli("monitor", "list").out.splitlines()[1:]
    assert ("5m to 3d" in first, "15m" in second) == (True, True)


def test_list_and_show_say_what_it_says(cli: Run, fake_rest: FakeServer) -> None:
    fake_rest.on("GET", "/api/v1/monitors", {"items": [MONITOR], "total": 1, "next": None})
    fake_rest.on("GET", "/api/v1/monitors/slow", MONITOR)
    assert "above 2,000 ms" in cli("monitor", "list").out
    assert "latency:p95" in cli("monitor", "list").out
    told = cli("monitor", "show", "slow")
    assert "20 % over 15 min (n = 120)" in told.out
    assert "silenced until" in told.err
    assert cli("monitor", "list", "--json").json["items"] == [MONITOR]


@pytest.mark.parametrize(("status", "code"), [("alarm", 1), ("ok", 0), ("unknown", 0)])
def test_a_test_answers_by_its_exit_code(cli: Run, fake_rest: FakeServer, status: str, code: int) -> None:
    fake_rest.on("POST", "/api/v1/monitors/slow/test", {"findings": [FINDING | {"status": status}]})
    told = cli("monitor", "test", "slow")
    assert (told.code, told.out.startswith(status)) == (code, True)


def test_a_silence_and_an_end(cli: Run, fake_rest: FakeServer) -> None:
    fake_rest.on("POST", "/api/v1/monitors/slow/silence", {"ends_at": "2026-11-21T10:00:00Z"}, status=201)
    fake_rest.on("DELETE", "/api/v1/monitors/slow", status=204)
    assert cli("monitor", "silence", "slow", "--for", "90m", "--reason", "deploy").code == 0
    assert fake_rest.seen[0].json == {"minutes": 90.0, "reason": "deploy"}
    assert cli("monitor", "delete", "slow").code == 0


def test_a_name_that_is_not_there_gets_those_like_it(cli: Run, fake_rest: FakeServer) -> None:
    fake_rest.on("GET", "/api/v1/monitors", {"items": [MONITOR], "total": 1, "next": None})
    fake_rest.on("GET", "/api/v1/monitors/slwo", problem(404, "There is no such monitor.", code="not_found"))
    told = cli("monitor", "show", "slwo")
    assert told.code != 0
    assert "did you mean slow?" in told.err


def test_an_address_is_read_from_stdin(cli: Run, fake_rest: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = {
        "id": "nch_1",
        "name": "ops",
        "service": "json",
        "enabled": True,
        "last_sent_at": None,
        "last_error": None,
    }
    fake_rest.on("POST", "/api/v1/notification-channels", channel, status=201)
    fake_rest.on("GET", "/api/v1/notification-channels", {"items": [channel], "total": 1, "next": None})
    fake_rest.on("POST", "/api/v1/notification-channels/nch_1/test", {"sent": False, "error": "no route", "took_ms": 1})
    fake_rest.on("DELETE", "/api/v1/notification-channels/nch_1", status=204)
    monkeypatch.setattr("sys.stdin", io.StringIO("json://host/secret\n"))
    told = cli("notify", "add", "ops", "--url", "-")
    assert fake_rest.seen[0].json["url"] == "json://host/secret"
    assert "secret" not in told.out + told.err
    assert "ops" in cli("notify", "list").out
    failed = cli("notify", "test", "ops")
    assert (failed.code, failed.out.strip()) == (1, "NOT SENT: no route")
    assert cli("notify", "remove", "ops").code == 0
    assert cli("notify", "remove", "nobody").code != 0


NIGHTS: dict[str, Any] = {
    "days": ["sat", "sun"],
    "from": "02:00",
    "until": "04:00",
    "time_zone": "Europe/Berlin",
}
SILENCE: dict[str, Any] = {
    "id": "sil_1",
    "subject": "mon_1",
    "starts_at": "2026-11-21T09:00:00Z",
    "ends_at": None,
    "repeats": NIGHTS,
    "silent_until": None,
    "next_at": "2026-11-22T01:00:00Z",
    "reason": "nightly load",
    "by": "key:a",
}


def test_a_silence_comes_again(cli: Run, fake_rest: FakeServer) -> None:
    fake_rest.on("GET", "/api/v1/monitors/slow", MONITOR)
    fake_rest.on("GET", "/api/v1/monitors", {"items": [MONITOR], "total": 1, "next": None})
    fake_rest.on("POST", "/api/v1/silences", SILENCE, status=201)
    fake_rest.on("GET", "/api/v1/silences", {"items": [SILENCE], "total": 1, "next": None})
    fake_rest.on("DELETE", "/api/v1/silences/sil_1", status=204)
    times = ["--from", "02:00", "--until", "04:00", "--zone", "Europe/Berlin", "--days", "Sat, sun"]
    told = cli("silence", "add", *times, "--monitor", "slow", "--reason", "nightly load")
    assert told.code == 0, told.err
    assert fake_rest.seen[-1].json == {"subject": "mon_1", "repeats": NIGHTS, "reason": "nightly load"}
    assert "slow is silent sat, sun 02:00–04:00 Europe/Berlin (sil_1)" in told.out
    listed = cli("silence", "list").out
    assert "slow" in listed
    assert "sat, sun 02:00–04:00 Europe/Berlin" in listed
    assert cli("silence", "end", "sil_1").code == 0


def test_a_silence_is_for_a_while_or_comes_again_but_not_both(cli: Run, fake_rest: FakeServer) -> None:
    once = SILENCE | {"repeats": None, "ends_at": "2026-11-21T10:00:00Z", "subject": None, "next_at": None}
    fake_rest.on("POST", "/api/v1/silences", once, status=201)
    assert "everything is silent from" in cli("silence", "add", "--for", "1h", "--reason", "x").out
    sent = fake_rest.seen[-1].json
    assert sent == {"minutes": 60, "reason": "x"}, "by the server's clock, whatever this machine's says"
    assert cli("silence", "add", "--reason", "x").code == 2
    assert cli("silence", "add", "--for", "1h", "--from", "02:00", "--reason", "x").code == 2
    assert cli("silence", "add", "--from", "02:00", "--reason", "x").code == 2


@pytest.mark.parametrize(
    ("rule", "metric", "words"),
    [
        ({"kind": "threshold", "above": 0.05}, "error_rate", "above 5 %"),
        ({"kind": "threshold", "above": 0.5, "below": 0.1}, "cost", "above 0.5 USD or below 0.1 USD"),
        ({"kind": "change", "change": 0.2, "direction": "up"}, "cost", "20 % above baseline"),
        ({"kind": "change", "change": 0.2, "direction": "both"}, "count", "20 % away from baseline"),
        ({"kind": "missing", "min_count": 1}, "count", "fewer than 1"),
        ({"kind": "burn", "objective": 0.999}, "error_rate", "spends the error budget of 99.9 % too fast"),
    ],
)
def test_rules_are_said_as_on_the_page(rule: dict[str, Any], metric: str, words: str) -> None:
    """They were written down as they are stored: `change change 0.2 direction up false_alarms_per_year 1`."""
    assert rule_words(rule, metric) == words


@pytest.mark.parametrize(("seconds", "words"), [(900, "15m"), (3600, "1h"), (86_400, "1d"), (90, "90s")])
def test_windows_are_said_as_they_are_given(seconds: int, words: str) -> None:
    assert span_words(seconds) == words
