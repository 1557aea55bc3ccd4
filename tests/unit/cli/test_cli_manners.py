"""What holds for every command: help with an example, exit codes, errors, settings, streams."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from time import tzset
from typing import Any

import pytest
import typer

from assay_server.cli import app, run, settings
from assay_server.cli.terminal import colour, money, progress, when
from assay_server.core.errors import Unavailable
from tests.fakes.rest import FakeServer, problem
from tests.unit.cli.conftest import Run


def _commands(command: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        return [(path, command)]
    return [found for name, sub in inner.items() for found in _commands(sub, (*path, name))]


_ALL = _commands(typer.main.get_command(app))


@pytest.mark.parametrize("path", [path for path, _ in _ALL], ids=" ".join)
def test_every_help_has_an_example_of_its_own_and_json(path: tuple[str, ...], cli: Run) -> None:
    told = cli(*path, "--help")
    assert told.code == 0
    assert f"Example: assay {' '.join(path)} " in " ".join(told.out.split()) + " "
    assert "--json" in told.out or path == ("up",)


def test_the_contract_s_commands_are_there() -> None:
    wanted = """login, provider add, provider list, provider remove, provider test, prompt push, prompt pull,
    prompt list, prompt show, prompt diff, dataset import, dataset list, dataset show, dataset export, retrieval push,
    retrieval list, release create, release list, release show, release diff, run, gate, promote, rollback,
    canary start, canary show,
    canary watch, canary abort, canary list, trace list, trace show, trace compare, trace test, audit list,
    audit verify, incident list,
    incident show, key create, key list, key revoke"""
    assert {" ".join(name.split()) for name in wanted.split(",")} <= {" ".join(path) for path, _ in _ALL}


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 2), (401, 2), (403, 2), (404, 2), (409, 1), (422, 1), (429, 1), (500, 1), (502, 1), (503, 3)],
)
def test_errors_become_exit_codes(fake_rest: FakeServer, cli: Run, status: int, code: int) -> None:
    fake_rest.on("POST", "/api/v1/keys", problem(status, "Because.", fix="do this", request_id="req_1"))
    told = cli("key", "create", "app")
    assert told.code == code
    assert told.out == ""
    assert "error: Because.\nfix: " + ("assay login" if status == 401 else "do this\n") in told.err


def test_an_error_names_the_field_and_the_value_that_the_server_found_wrong(fake_rest: FakeServer, cli: Run) -> None:
    wrong = problem(400, "A field has a value that cannot be used.", field="rule.above", value=5, fix="0 to 1")
    fake_rest.on("POST", "/api/v1/keys", wrong)
    told = cli("key", "create", "app")
    assert told.err == "error: A field has a value that cannot be used.\nfield: rule.above: 5\nfix: 0 to 1\n"


def test_a_key_that_no_header_can_hold_is_misuse(cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_API_KEY", "sk_…")
    told = cli("trace", "list")
    assert told.code == 2
    assert "fix: copy the whole key" in told.err


def test_a_folder_is_no_file_to_export_to(cli: Run, tmp_path: Path) -> None:
    told = cli("export", "traces", "--to", str(tmp_path))
    assert told.code == 2
    assert "is a folder" in told.err


def test_with_json_an_error_is_a_document_too(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.on("GET", "/api/v1/providers", problem(403, "No.", field="role", value="score", code="forbidden"))
    told = cli("provider", "list", "--json")
    assert told.json == {
        "error": {"message": "No.", "code": "forbidden", "status": 403, "field": "role", "value": "score"}
    }


def test_nobody_there_is_three(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.stop()
    told = cli("trace", "list")
    assert told.code == 3
    assert "assay up" in told.err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["promot"], "Did you mean 'promote'"),
        (["trace", "lst"], "Did you mean 'list'"),
        (["gate", "run_1"], "--suite"),
        (["run", "golden"], "--release or --endpoint"),
        (["canary", "start", "production", "r", "--score", "x"], "user_feedback=0.05"),
        (["release", "create", "r", "--prompt", "nonsense"], "NAME=VALUE"),
        (["prompt", "push", "/no/such/file"], "does not exist"),
    ],
)
def test_misuse_is_two_and_says_how(cli: Run, args: list[str], said: str) -> None:
    told = cli(*args)
    assert told.code == 2
    assert said in told.err
    assert told.out == ""


def test_unknown_names_suggest_near_ones(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.on("GET", "/api/v1/releases/suport@2", problem(404, "There is no release 'suport'."))
    fake_rest.on(
        "GET", "/api/v1/releases", {"items": [{"name": "support"}, {"name": "other"}], "total": 2, "next": None}
    )
    told = cli("release", "show", "suport@2")
    assert told.code == 2
    assert "fix: did you mean support?" in told.err


def test_an_error_about_another_name_is_left_as_it_is(fake_rest: FakeServer, cli: Run) -> None:
    missing = problem(404, "No suite of this name.", field="suite", value="nosuch", fix="use one of: golden")
    fake_rest.on("POST", "/api/v1/runs", missing)
    fake_rest.on("GET", "/api/v1/datasets", {"items": [{"name": "support"}], "total": 1, "next": None})
    fake_rest.on("GET", "/api/v1/releases", {"items": [{"name": "support"}], "total": 1, "next": None})
    told = cli("run", "support", "--release", "support@1", "--suite", "nosuch")
    assert told.code == 2
    assert "fix: use one of: golden" in told.err


def test_a_version_that_is_not_there_is_told_as_such(fake_rest: FakeServer, cli: Run) -> None:
    missing = problem(404, "There is no release 'support@9'.", field="release", value="support@9")
    fake_rest.on("GET", "/api/v1/releases/support@9", missing)
    fake_rest.on("GET", "/api/v1/releases", {"items": [{"name": "support"}], "total": 1, "next": None})
    assert "'support' has no version 9" in cli("release", "show", "support@9").err


def test_without_a_key_one_is_told_how_to_sign_in(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.on("GET", "/api/v1/traces", problem(401, "No key was given.", fix="send 'Authorization: Bearer sk_…'"))
    told = cli("trace", "list")
    assert "fix: assay login" in told.err
    assert "Authorization" not in told.err


def test_login_tries_the_key_and_stores_it_for_this_user_only(
    fake_rest: FakeServer, cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ASSAY_URL")
    monkeypatch.delenv("ASSAY_API_KEY")
    fake_rest.on("GET", "/api/v1/info", {"version": "1", "project": "p", "role": "admin", "actor": "key:key_1"})
    assert cli("login", fake_rest.url, "--key", "sk_stored").code == 0
    assert stat.S_IMODE(settings.path().stat().st_mode) == 0o600
    fake_rest.on("GET", "/api/v1/providers", {"items": []})
    assert cli("provider", "list").code == 0
    assert fake_rest.seen[-1].headers["authorization"] == "Bearer sk_stored"


def test_a_stored_key_goes_to_no_other_server(fake_rest: FakeServer, cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.save(settings.Settings("https://assay.example", "sk_secret"))
    monkeypatch.delenv("ASSAY_API_KEY")
    cli("provider", "list")
    assert "authorization" not in fake_rest.seen[-1].headers


def test_a_key_nobody_knows_is_not_stored(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.on("GET", "/api/v1/info", {"version": "1", "project": None, "role": None, "actor": None})
    assert cli("login", fake_rest.url, "--key", "sk_wrong").code == 2
    assert not settings.path().exists()


def test_an_interrupt_and_a_closed_pipe_end_quietly(capsys: pytest.CaptureFixture[str]) -> None:
    broken = typer.Typer()

    @broken.command()
    def fail(how: str) -> None:
        raise {
            "interrupt": KeyboardInterrupt(),
            "file": FileNotFoundError(2, "No such file", "x.yaml"),
            "held": Unavailable("Another process holds it.", fix="stop it"),
        }[how]

    assert run(broken, ["interrupt"]) == 130
    assert run(broken, ["file"]) == 2
    assert run(broken, ["held"]) == 1
    assert "No such file: x.yaml" in capsys.readouterr().err


def test_the_help_needs_neither_http_client_nor_opentelemetry() -> None:
    program = """
import sys
from assay_server.cli import app, run
run(app, ["--help"])
print({"httpx", "opentelemetry", "yaml", "rich", "numpy"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.rstrip().endswith("set()")


def test_text_from_elsewhere_does_not_steer_the_terminal(fake_rest: FakeServer, cli: Run) -> None:
    row = {"trace_id": "t", "name": "\x1b]0;owned\x07", "status": "ok", "input": "a\x1b[2Jb\nc"}
    fake_rest.on("GET", "/api/v1/traces", {"items": [row], "total": 1, "next": None})
    told = cli("trace", "list")
    assert "\x1b" not in told.out
    assert "\x07" not in told.out


def test_a_pipe_gets_whole_lines_without_colour(fake_rest: FakeServer, tmp_path: Path) -> None:
    row = {"trace_id": "t" * 32, "name": "n" * 300, "status": "error", "input": "i"}
    fake_rest.on("GET", "/api/v1/traces", {"items": [row], "total": 1, "next": None})
    program = "import sys; from assay_server.cli import app, run; sys.exit(run(app, ['trace', 'list']))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True, env={**os.environ}
    )
    assert "n" * 300 in done.stdout
    assert "\x1b" not in done.stdout
    assert "next:" in done.stderr
    assert json.dumps(done.stdout).isascii()


_MAIN = "from assay_server.app.main import main; main()"


def test_a_reader_that_has_seen_enough_is_no_failure(fake_rest: FakeServer) -> None:
    """`assay sql … | head` ended with 1, the exit code of a gate that failed."""
    rows = [[number, "x" * 100] for number in range(5000)]
    columns = [{"name": "n", "type": "BIGINT"}, {"name": "t", "type": "VARCHAR"}]
    fake_rest.on("POST", "/api/v1/sql", {"columns": columns, "rows": rows, "truncated": False, "elapsed_ms": 1})
    piped = subprocess.Popen(
        [sys.executable, "-c", _MAIN, "sql", "SELECT 1"], stdout=subprocess.PIPE, env={**os.environ}
    )
    assert piped.stdout is not None
    assert piped.stdout.readline().split() == [b"N", b"T"]
    piped.stdout.close()
    assert piped.wait(60) == 0


@pytest.mark.parametrize(
    ("setting", "seen"),
    [
        ({"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "POSIX"}, "héllo 日本"),
        ({"PYTHONIOENCODING": "latin-1"}, "héllo ??"),
    ],
)
def test_texts_can_be_printed_wherever_they_go(fake_rest: FakeServer, setting: dict[str, str], seen: str) -> None:
    row = {"trace_id": "t", "name": "héllo 日本", "status": "ok", "input": None}
    fake_rest.on("GET", "/api/v1/traces", {"items": [row], "total": 1, "next": None})
    done = subprocess.run(
        [sys.executable, "-c", _MAIN, "trace", "list"],
        capture_output=True,
        timeout=60,
        env={**os.environ, **setting},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert seen in done.stdout.decode(setting.get("PYTHONIOENCODING", "utf-8"))


@pytest.mark.parametrize(
    ("zone", "time", "shown"),
    [
        ("UTC", "2026-11-21T08:00:00.123456Z", "2026-11-21 08:00:00+00:00"),
        ("Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25 02:30:00+02:00"),
        ("Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25 02:30:00+01:00"),
        ("America/New_York", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_a_time_says_by_which_clock_it_is(monkeypatch: pytest.MonkeyPatch, zone: str, time: str, shown: str) -> None:
    """Of the hour that comes twice nobody could tell which one was meant, nor of any other whose it was."""
    with monkeypatch.context() as here:
        here.setenv("TZ", zone)
        tzset()
        assert when(time) == shown
    tzset()


def test_progress_is_for_terminals(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as line:
        line.show(1, 2)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress() as line:
        line.show(1, 2, "3 errors")
    shown = capsys.readouterr().err
    assert "1/2 3 errors" in shown
    assert shown.endswith("\r\x1b[K")


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert colour("x", "red") == "x"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert colour("x", "red") != "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert colour("x", "red") == "x"


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        (None, "unknown"),
        (0.0, "$0"),
        (0.0125, "$0.0125"),
        (10.0, "$10"),
        (1.6e-7, "$0.00000016"),
        ({"usd": None, "unknown": 0}, "–"),
        ({"usd": None, "unknown": 3}, "unknown"),
        ({"usd": 0.5, "unknown": 0}, "$0.5"),
        ({"usd": 0.5, "unknown": 2}, "$0.5 + 2 unknown"),
    ],
)
def test_an_unknown_price_is_never_zero(cost: Any, said: str) -> None:
    assert money(cost) == said


@pytest.mark.parametrize("written", ["5", "null", "groundedness", "{metric: groundedness}"])
def test_metrics_of_a_suite_that_are_no_list_are_told_with_their_line(
    fake_rest: FakeServer, cli: Run, tmp_path: Path, written: str
) -> None:
    suite = tmp_path / "s.yaml"
    suite.write_text(f"alpha: 0.05\nmetrics: {written}\n")
    told = cli("suite", "put", "support", suite)
    assert told.code == 2
    assert f"{suite}:2: 'metrics' is no list." in told.err
    assert fake_rest.seen == []
