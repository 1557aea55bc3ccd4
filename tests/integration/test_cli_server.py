"""The commands and the SDK against a real server: what they send is what it understands, and the other way round."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import assay
from assay_server.cli import app, run
from tests.fakes.rest import Answer, FakeServer, Seen, serving
from tests.fixtures.server import RunningServer

PROMPT = """\
version: 1
model: talk/parrot-2024-11-01
temperature: 0
system: You are kind.
user_template: "{question}"
changelog:
  - {version: 1, date: 2026-11-01, change: first}
"""


@pytest.fixture
def upstream() -> Iterator[FakeServer]:
    """An OpenAI-compatible server that repeats the last message."""

    def repeat(seen: Seen) -> Answer:
        message = {"role": "assistant", "content": seen.json["messages"][-1]["content"]}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
        reply = {"id": "c", "object": "chat.completion", "created": 0, "model": seen.json["model"]}
        return Answer(reply | {"choices": [choice], "usage": usage})

    with serving() as server:
        server.on("POST", "/v1/chat/completions", repeat)
        yield server


class Cli:
    """One command line after the other; each must end with the code that is expected."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def text(self, *args: str | Path, code: int = 0) -> str:
        self._capsys.readouterr()
        ended = run(app, [str(arg) for arg in args])
        told = self._capsys.readouterr()
        assert ended == code, f"{args}\n{told.out}\n{told.err}"
        return told.out

    def __call__(self, *args: str | Path, code: int = 0) -> Any:
        return json.loads(self.text(*args, "--json", code=code))


@pytest.fixture
def cli(
    server: RunningServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Cli:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("ASSAY_URL", raising=False)
    monkeypatch.delenv("ASSAY_API_KEY", raising=False)
    made = Cli(capsys)
    assert made("login", server.url, "--key", server.key)["role"] == "admin"
    return made


def _files(folder: Path) -> None:
    (folder / "prompts" / "cli").mkdir(parents=True)
    (folder / "prompts" / "cli" / "answer.yaml").write_text(PROMPT)
    (folder / "retrieval.yaml").write_text(
        "{name: cli-rc, embedding_model: minilm-l6-v2, chunking: {size: 200}, top_k: 4, threshold: 0.2, "
        "index_version: v1, index_built_at: 2026-11-01T00:00:00Z}"
    )
    items = [{"id": f"i{n}", "input": {"question": f"say {n}"}, "expected": f"say {n}"} for n in range(8)]
    (folder / "golden.jsonl").write_text("\n".join(map(json.dumps, items)))
    (folder / "suite.yaml").write_text("metrics: [{metric: exact_match, bar: 0.9}]")


def test_from_files_to_a_refused_promotion(cli: Cli, upstream: FakeServer, tmp_path: Path) -> None:
    _files(tmp_path)
    cli("provider", "add", "talk", "--base-url", f"{upstream.url}/v1")
    assert "talk" in {provider["name"] for provider in cli("provider", "list")["items"]}
    assert cli("provider", "test", "talk", "--model", "parrot-2024-11-01")["answer"] == "Say OK."

    pushed = cli("prompt", "push", tmp_path / "prompts")["items"]
    again = cli("prompt", "push", tmp_path / "prompts")["items"]
    assert [each["id"] for each in pushed] == [each["id"] for each in again]
    assert "cli/answer" in cli.text("prompt", "list")
    cli("prompt", "pull", tmp_path / "pulled", "cli/answer")
    cli("prompt", "push", tmp_path / "pulled")
    assert cli("prompt", "show", "cli/answer")["version"] == 1
    assert "You are kind." in cli.text("prompt", "show", "cli/answer@1")
    cli("retrieval", "push", tmp_path / "retrieval.yaml")
    assert "minilm-l6-v2" in cli.text("retrieval", "list")

    assert cli("dataset", "import", "cli-golden", tmp_path / "golden.jsonl")["items"] == 8
    assert len(cli("dataset", "export", "cli-golden")["items"]) == 8
    assert "cli-golden" in cli.text("dataset", "list")

    model = ["--model", "talk/parrot-2024-11-01"]
    made = ["--prompt", "answer=cli/answer@1", *model, "--retrieval", "cli-rc@1"]
    release = cli("release", "create", "cli-release", *made)
    other = cli("release", "create", "cli-release", *made, "--parameter", "temperature=1")
    assert other["version"] == 2
    assert "cli-release@2" in cli.text("release", "list")
    assert "talk/parrot-2024-11-01" in cli.text("release", "show", "cli-release@1")
    assert cli("release", "diff", "cli-release@1", "cli-release@2")["changes"]
    cli.text("release", "diff", "cli-release@1", "cli-release@2")
    assert "did you mean cli-release?" in cli("release", "show", "cli-relaese", code=2)["error"]["fix"]

    cli("suite", "put", "cli-suite", tmp_path / "suite.yaml")
    assert "cli-suite" in cli.text("suite", "list")
    verdict = cli("run", "cli-golden", "--release", "cli-release@1", "--suite", "cli-suite", code=4)
    assert (verdict["verdict"], verdict["release"]) == ("inconclusive", release["id"])
    run_id = verdict["run"]
    assert "exact_match" in cli.text("runs", run_id)
    assert "say 3" in cli.text("runs", run_id, "--items")
    judged = cli.text("gate", run_id, "--suite", "cli-suite", code=4)
    assert "INCONCLUSIVE: " in judged
    assert "inconclusive: " not in judged
    second = cli("run", "cli-golden", "--release", "cli-release@2", "--suite", "cli-suite", code=4)["run"]
    assert "exact_match" in cli.text("compare", run_id, second)
    assert run_id in cli.text("runs")

    cli("channel", "create", "cli-gated")
    promote = ["promote", "cli-release@1", "--to", "cli-gated", "--reason", "try"]
    refused = cli(*promote, code=1)["error"]
    assert "inconclusive: inconclusive" not in refused["message"].lower()
    assert "assay channel create cli-gated --no-gate" in refused["fix"]


def test_promote_resolve_observe_roll_back(
    cli: Cli, server: RunningServer, upstream: FakeServer, tmp_path: Path
) -> None:
    _files(tmp_path)
    cli("provider", "add", "talk", "--base-url", f"{upstream.url}/v1")
    cli("prompt", "push", tmp_path / "prompts")
    made = ["--prompt", "answer=cli/answer@1", "--model", "talk/parrot-2024-11-01"]
    first = cli("release", "create", "cli-live", *made)
    second = cli("release", "create", "cli-live", *made, "--parameter", "temperature=1")
    cli("channel", "create", "cli-open", "--no-gate")
    for each in (first, second):
        cli("promote", each["id"], "--to", "cli-open", "--reason", "ship it")
    assert "cli-live@2" in cli.text("channel", "show", "cli-open")

    assay.init(server.url, server.key)
    try:
        with assay.context(user="ada", session="s"), assay.span("request", kind="chain") as span:
            release = assay.release("cli-open")
            assert release.id == second["id"]
            assert release.render("answer", question="why?")[-1]["content"] == "why?"
            assay.score("user_feedback", 1)
        assert assay.flush(10)
        with assay.Client(server.url, server.key) as client:
            told = client.chat.complete(release.model, variables={"question": "say 7"}, user="ada")
            assert told["choices"][0]["message"]["content"] == "say 7"
    finally:
        assay.shutdown()

    assert span.trace_id is not None
    found = cli("trace", "show", span.trace_id)
    [stored] = found["spans"]
    assert (stored["user"], stored["session"], stored["kind"]) == ("ada", "s", "chain")
    assert (stored["release"], stored["channel"]) == (second["id"], "cli-open")
    assert [score["name"] for score in found["scores"]] == ["user_feedback"]
    assert "chain request" in cli.text("trace", "show", span.trace_id, "--content")
    assert span.trace_id in cli.text("trace", "list", "--user", "ada")

    undone = cli("rollback", "cli-open", "--reason", "wrong answers")
    assert undone["release"]["id"] == first["id"]
    assert "wrong answers" in cli.text("audit", "list")
    assert cli("audit", "verify")["ok"] is True
    assert "cli-open" in cli.text("channel", "list")


def test_keys_canaries_and_incidents(cli: Cli) -> None:
    made = cli("key", "create", "cli-app", "--role", "score")
    assert made["secret"].startswith("sk_")
    assert made["id"] in cli.text("key", "list")
    cli("key", "revoke", made["id"])
    assert cli("canary", "list")["items"] == []
    assert cli("incident", "list")["items"] == []
    cli.text("canary", "list")
    cli.text("incident", "list")
    assert cli("canary", "show", "nowhere", code=2)["error"]["field"] == "canary"
    assert cli("trace", "show", "0" * 32, code=2)["error"]["status"] == 404


def test_the_plain_opentelemetry_example_is_understood(cli: Cli, server: RunningServer) -> None:
    example = Path(__file__).parents[2] / "examples" / "quickstart" / "opentelemetry_only.py"
    settings = {**os.environ, "ASSAY_URL": server.url, "ASSAY_API_KEY": server.key}
    done = subprocess.run(
        [sys.executable, str(example)], env=settings, capture_output=True, text=True, timeout=60, check=True
    )
    found = cli(*done.stdout.removeprefix("trace: assay ").split())
    call = next(span for span in found["spans"] if span["kind"] == "llm")
    assert (call["model"], call["tokens"]["input_total"]) == ("gpt-4o-2024-08-06", 12)
    assert call["cost"] > 0
