"""A backup of a server whose decisions are in PostgreSQL: made, verified, restored as the command says, complete."""

import json
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.fixtures import otlp
from tests.fixtures.server import RunningServer

pytestmark = pytest.mark.postgresql


@pytest.fixture
def empty_url(postgresql_server: Path) -> Iterator[str]:
    """The address of another empty database, into which the dump is restored."""
    with psycopg.connect(f"host={postgresql_server} user=assay dbname=postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE restored")
        yield f"postgresql://assay@/restored?host={postgresql_server}"
        connection.execute("DROP DATABASE restored WITH (FORCE)")


def assay(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "assay_server.app.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def backed_up(client: httpx.Client) -> Path:
    # The first one that the server makes by itself may still be under way.
    _until(client, "/api/v1/backups", lambda found: all(one["status"] != "running" for one in found["items"]))
    made = client.post("/api/v1/backups", json={"reason": "before the upgrade"}).raise_for_status().json()
    address = f"/api/v1/backups/{made['id']}"
    done = _until(client, address, lambda found: found["status"] != "running")
    assert done["status"] == "done", done["error"]
    client.post(f"{address}/verify").raise_for_status()
    verified = _until(client, address, lambda found: found["verified_at"] or found["error"])
    assert verified["error"] is None
    return Path(str(done["path"]))


def _until(client: httpx.Client, address: str, met: object) -> dict[str, object]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found: dict[str, object] = client.get(address).raise_for_status().json()
        if met(found):  # type: ignore[operator]
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen")


@pytest.mark.timeout(300)  # several starts of a server
def test_decisions_in_postgresql_are_backed_up_and_come_back(
    tmp_path: Path, postgresql_url: str, empty_url: str
) -> None:
    server = RunningServer(tmp_path / "data", ASSAY_LEDGER_URL=postgresql_url).start()
    try:
        with server.client() as client:
            prompt = {"name": "greeting", "template": {"user": "Hello {name}, grüß dich"}}
            client.post("/api/v1/prompts", json=prompt).raise_for_status()
            client.post("/v1/traces", content=otlp.batch(otlp.seeded(1)).body, headers=otlp.PROTOBUF).raise_for_status()
            before = client.get("/api/v1/traces").json()["total"]
            backup = backed_up(client)
            later = {"name": "later", "template": {"user": "made after the backup"}}
            client.post("/api/v1/prompts", json=later).raise_for_status()
    finally:
        server.stop()
    manifest = json.loads((backup / "manifest.json").read_text())
    assert manifest["ledger"] == "ledger.dump"

    back = tmp_path / "back"
    assert assay("backup", "verify", str(backup)).returncode == 0
    restored = assay("restore", str(backup), "--data", str(back))
    assert restored.returncode == 0, restored.stderr
    advised = restored.stderr.removeprefix("next: ").split(", then ")[0].replace("URL", shlex.quote(empty_url))
    assert advised.startswith("pg_restore ")
    subprocess.run(shlex.split(advised), check=True, timeout=120)

    again = RunningServer(back, ASSAY_LEDGER_URL=empty_url).start()
    try:
        with again.client() as client:
            prompts = client.get("/api/v1/prompts").json()["items"]
            assert [each["name"] for each in prompts] == ["greeting"]
            assert client.get("/api/v1/traces").json()["total"] == before > 0
            assert client.get("/api/v1/audit/verify").json()["ok"] is True
            client.post("/api/v1/prompts", json=later).raise_for_status()
            backed_up(client)  # of the decisions of now, and not of the dump that stands in the data directory
    finally:
        again.stop()


def test_a_dump_that_is_damaged_or_ends_too_soon_is_no_backup(tmp_path: Path, postgresql_url: str) -> None:
    server = RunningServer(tmp_path / "data", ASSAY_LEDGER_URL=postgresql_url).start()
    try:
        with server.client() as client:
            backup = backed_up(client)
    finally:
        server.stop()

    ahead = _copy(backup, tmp_path / "ahead")
    manifest = json.loads((ahead / "manifest.json").read_text())
    manifest["audit"][0]["seq"] += 1000
    (ahead / "manifest.json").write_text(json.dumps(manifest))
    told = assay("backup", "verify", str(ahead))
    assert told.returncode == 1
    assert "ends before row" in told.stderr

    broken = _copy(backup, tmp_path / "broken")
    dump = bytearray((broken / "ledger.dump").read_bytes())
    dump[len(dump) // 2] ^= 1
    (broken / "ledger.dump").write_bytes(dump)
    told = assay("backup", "verify", str(broken))
    assert told.returncode == 1
    assert "ledger.dump" in told.stderr


def test_without_postgresqls_programs_it_says_what_to_install(tmp_path: Path, postgresql_url: str) -> None:
    path = str(Path(sys.executable).parent)
    server = RunningServer(tmp_path / "data", ASSAY_LEDGER_URL=postgresql_url, PATH=path).start()
    try:
        with server.client() as client:
            made = client.post("/api/v1/backups", json={}).raise_for_status().json()
            failed = _until(client, f"/api/v1/backups/{made['id']}", lambda found: found["status"] != "running")
    finally:
        server.stop()
    assert failed["status"] == "failed"
    assert "pg_dump" in str(failed["error"])
    assert "install PostgreSQL's client programs" in str(failed["error"])


def _copy(backup: Path, target: Path) -> Path:
    shutil.copytree(backup, target)
    return target
