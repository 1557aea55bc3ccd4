"""What leaves by itself, after a restore."""

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from assay_server.governance import Audit
from assay_server.keeping import Backups, Outgoing, Places, held_in, restore
from assay_server.keeping.outgoing import hold
from assay_server.ledger import Ledger
from assay_server.store import DuckStore
from tests.fakes.clock import FakeClock
from tests.unit.keeping.conftest import PROJECT


@pytest.fixture
async def backup(ledger: Ledger, store: DuckStore, audit: Audit, clock: FakeClock, tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    backups = Backups(ledger, store, audit, clock, PROJECT, Places(data, tmp_path / "backups", None, "1.2.3"))
    asked = await backups.ask("key:a")
    await backups.work()
    return Path((await backups.get(asked["id"]))["path"])


def outgoing(data: Path, ledger: Ledger, audit: Audit) -> Outgoing:
    return Outgoing(data, ledger, audit, FakeClock(), PROJECT)


async def test_what_was_restored_holds_until_somebody_says_so(
    backup: Path, ledger: Ledger, audit: Audit, tmp_path: Path
) -> None:
    data = tmp_path / "back"
    manifest = await restore(backup, data)
    held = outgoing(data, ledger, audit)
    told: dict[str, Any] = held.held or {}
    assert (told["backup"], told["made_at"]) == (backup.name, manifest["made_at"])
    assert not held.may_leave()
    assert (await outgoing(data, ledger, audit).state())["held"] == told, "also after another start"
    assert (await held.start("user:ada", "the old one is off"))["held"] is None
    assert held.may_leave()
    assert held_in(data) is None
    await held.started()
    await held.start("user:ada")
    [event], _, _ = await audit.list(PROJECT, action="outgoing.start")
    assert (event["actor"], event["reason"]) == ("user:ada", "the old one is off")
    assert event["before"]["backup"] == backup.name


async def test_live_says_so_from_the_beginning_and_an_ordinary_start_holds_nothing(
    backup: Path, ledger: Ledger, audit: Audit, tmp_path: Path
) -> None:
    await restore(backup, tmp_path / "back", live=True)
    for data in (tmp_path / "back", tmp_path / "nowhere"):
        assert outgoing(data, ledger, audit).may_leave()


async def test_a_backup_of_a_server_that_holds_is_none_that_holds_and_jobs_wait_too(
    ledger: Ledger, store: DuckStore, audit: Audit, clock: FakeClock, tmp_path: Path
) -> None:
    """With `--live` the mark of the server that was backed up would have held the new one."""
    data = tmp_path / "held"
    data.mkdir()
    hold(data, {"made_at": "2026-11-21T08:00:00Z"}, "an earlier one", clock.now_ns())
    with contextlib.closing(sqlite3.connect(data / "jobs.sqlite")) as jobs:
        jobs.execute("CREATE TABLE t (a)")
    backups = Backups(ledger, store, audit, clock, PROJECT, Places(data, tmp_path / "backups", None, "1.2.3"))
    asked = await backups.ask("key:a")
    await backups.work()
    made = Path((await backups.get(asked["id"]))["path"])
    await restore(made, tmp_path / "live", live=True)
    await restore(made, tmp_path / "quiet")
    assert held_in(tmp_path / "live") is None
    assert (held_in(tmp_path / "quiet") or {})["backup"] == made.name
    there = [(tmp_path / name / "jobs.sqlite").exists() for name in ("live", "quiet")]
    assert there == [True, False], "a first new run would set all others going"


@pytest.mark.parametrize("written", ["", "[]", json.dumps({"backup": "x"})])
def test_a_mark_that_cannot_be_read_holds_too(written: str, tmp_path: Path) -> None:
    (tmp_path / "restored.json").write_text(written)
    assert held_in(tmp_path) == {"backup": None, "made_at": None, "restored_at": None}
