"""`assay connect`, and that its lines are the settings with which the bench's clients were recorded."""

import shlex

import pytest

from assay_server.core.connect import Connection, connections
from tests.clients.registered import Setting, clients
from tests.fakes.rest import FakeServer
from tests.unit.cli.conftest import Run

SETTING = Setting("http://assay:4600", "sk_me", "http://assay:4317", "http://provider/v1", "s")
NOT_OURS = {"OPENAI_BASE_URL", "OPENAI_API_KEY", "LANGFUSE_PUBLIC_KEY"}


def exported(connection: Connection) -> dict[str, str]:
    """The variables that the lines set, as a shell reads them."""
    lines = connection.filled(SETTING.url, SETTING.grpc, SETTING.key)
    words = [word for line in lines if line.startswith("export ") for word in shlex.split(line)[1:]]
    return dict(word.split("=", 1) for word in words)


@pytest.mark.parametrize("connection", [one for one in connections() if one.bench], ids=lambda one: one.client)
def test_the_lines_are_what_the_bench_proves(connection: Connection) -> None:
    proven = clients()[connection.bench or ""].environment(SETTING)
    said = exported(connection)
    assert {name: value for name, value in said.items() if name not in NOT_OURS} == {
        name: value for name, value in proven.items() if name not in NOT_OURS
    }


def test_every_client_has_three_lines_and_a_name_of_its_own() -> None:
    assert {len(one.lines) for one in connections()} == {3}
    assert len({one.client for one in connections()}) == len(connections())


def test_connect_prints_lines_without_the_key(fake_rest: FakeServer, cli: Run) -> None:
    told = cli("connect", "otel-python")
    first, second, _ = told.out.splitlines()
    assert (told.code, first) == (0, f"export OTEL_EXPORTER_OTLP_ENDPOINT={fake_rest.url}")
    assert second == 'export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer $ASSAY_API_KEY"'
    assert "sk_test" not in told.out + told.err
    assert fake_rest.seen == []


def test_connect_prints_the_key_when_asked(fake_rest: FakeServer, cli: Run) -> None:
    assert "export TRACELOOP_API_KEY=sk_test\n" in cli("connect", "traceloop", "--show-key").out
    grpc = cli("connect", "otel-grpc", "--json").json["lines"][1]
    assert grpc == "export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317"


def test_grpc_has_the_port_that_the_server_says(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.on("GET", "/api/v1/info", {"version": "1", "grpc_port": 5317})
    assert "export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:5317\n" in cli("connect", "otel-grpc").out
    fake_rest.on("GET", "/api/v1/info", {"version": "1", "grpc_port": 0})
    off = cli("connect", "otel-grpc")
    assert (off.code, off.out) == (2, "")
    assert "--grpc-port is 0, or the port was taken" in " ".join(off.err.replace("│", " ").split())
    fake_rest.stop()
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317\n" in cli("connect", "otel-grpc").out


def test_connect_knows_which_there_are(fake_rest: FakeServer, cli: Run) -> None:
    assert "vercel-ai" in cli("connect").out
    assert len(cli("connect", "--json").json["items"]) == len(connections())
    wrong = cli("connect", "prolog")
    assert wrong.code == 2
    assert "otel-python" in wrong.err
