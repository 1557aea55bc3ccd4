import asyncio
import os
import socket
from pathlib import Path

import pytest

from assay_server.app import doctor
from assay_server.app.config import Config
from assay_server.store import DuckStore
from tests.fakes.rest import serving
from tests.fixtures.server import free_port


def _about(findings: list[doctor.Finding], about: str) -> doctor.Finding:
    return next(finding for finding in findings if finding.about == about)


def test_a_good_installation_is_healthy(tmp_path: Path) -> None:
    findings = doctor.examine(Config(data=tmp_path / "new", port=free_port()))

    assert doctor.healthy(findings)
    assert "will be made" in _about(findings, "data directory").says


def test_a_variable_that_nobody_reads_is_told_with_the_one_that_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Backups that were to be removed after 30 days were kept for ever, and nothing said so."""
    monkeypatch.setenv("ASSAY_BACKUP_DAY", "30")
    findings = doctor.examine(Config(data=tmp_path / "new", port=free_port()))
    told = _about(findings, "ASSAY_BACKUP_DAY")
    assert (told.level, "ASSAY_BACKUP_DAYS" in (told.fix or "")) == ("warning", True)
    assert doctor.healthy(findings)


def test_a_taken_port_is_a_fault_with_a_fix(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        findings = doctor.examine(Config(data=tmp_path, port=taken.getsockname()[1]))

    assert not doctor.healthy(findings)
    assert "--port" in (_about(findings, "port").fix or "")


def test_a_port_where_assay_answers_is_no_fault(tmp_path: Path) -> None:
    with serving() as server:
        server.on("GET", "/api/v1/info", {"version": "0.1.0", "api_version": "1"})
        findings = doctor.examine(Config(data=tmp_path, port=int(server.url.rsplit(":", 1)[1])))

    assert _about(findings, "port").level == "ok"


def test_what_a_running_server_says_of_itself_is_told(tmp_path: Path) -> None:
    with serving() as server:
        server.on("GET", "/api/v1/info", {"version": "0.1.0", "api_version": "1"})
        server.on("GET", "/readyz", {"status": "not ready", "faults": {"facts": "The disk is full."}}, status=503)
        findings = doctor.examine(Config(data=tmp_path, port=int(server.url.rsplit(":", 1)[1])))

    assert not doctor.healthy(findings)
    assert _about(findings, "facts").says == "The disk is full."


async def test_a_data_directory_that_a_server_holds_is_told_with_its_process(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path / "facts")
    try:
        alone = _about(doctor.examine(Config(data=tmp_path, port=free_port())), "data directory")
        with serving() as server:
            server.on("GET", "/api/v1/info", {"version": "0.1.0", "api_version": "1"})
            beside = await asyncio.to_thread(doctor.examine, Config(data=tmp_path, port=int(server.url.split(":")[2])))
    finally:
        await store.close()
    after = _about(doctor.examine(Config(data=tmp_path, port=free_port())), "data directory")

    assert alone.level == "fault", "another server could not start"
    assert f"process {os.getpid()}" in alone.says
    assert _about(beside, "data directory").level == "ok"
    assert f"process {os.getpid()}" in _about(beside, "data directory").says
    assert (after.level, after.says) == ("ok", str(tmp_path))


def test_a_log_that_was_set_aside_is_told(tmp_path: Path) -> None:
    (tmp_path / "facts").mkdir()
    (tmp_path / "facts" / "broken-17.wal").write_bytes(b"")
    finding = _about(doctor.examine(Config(data=tmp_path, port=free_port())), "facts")

    assert finding.level == "warning"
    assert "broken-17.wal" in finding.says


def test_an_address_of_another_machine_is_not_told_as_a_taken_port(tmp_path: Path) -> None:
    finding = _about(doctor.examine(Config(data=tmp_path, port=free_port(), host="192.0.2.1")), "port")

    assert (finding.level, finding.says) == ("fault", "192.0.2.1 is no address of this machine")


def test_a_public_address_without_tls_is_said_aloud(tmp_path: Path) -> None:
    exposed = doctor.examine(Config(data=tmp_path, port=free_port(), host="0.0.0.0"))
    proxied = doctor.examine(Config(data=tmp_path, port=free_port(), host="0.0.0.0", public_url="https://a.example"))

    assert _about(exposed, "network").level == "warning"
    assert _about(proxied, "network").level == "ok"


def test_every_finding_that_is_not_ok_says_how_to_fix_it(tmp_path: Path) -> None:
    findings = doctor.examine(Config(data=tmp_path, port=free_port(), host="0.0.0.0"))

    assert [finding for finding in findings if finding.level != "ok" and not finding.fix] == []
