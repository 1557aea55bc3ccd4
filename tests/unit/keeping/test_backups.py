"""Backups: made while facts come in, whole or not there, and refused when one byte is another."""

import asyncio
import errno
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from assay_server.app import ground
from assay_server.core.errors import AssayError, Conflict, Corrupt, InvalidInput, NotFound, Refused, Unavailable
from assay_server.core.records import Facts
from assay_server.governance import Audit
from assay_server.keeping import Backups, Places, facts_of, restore, verify
from assay_server.ledger import Ledger, tables
from assay_server.store import Bounds, DuckStore
from tests.fakes.clock import FakeClock
from tests.unit.keeping.conftest import DAY_S, PROJECT, a_call


@pytest.fixture
def places(tmp_path: Path) -> Places:
    data = tmp_path / "data"
    data.mkdir()
    (data / "salt").write_bytes(b"salt")
    (data / "media").mkdir()
    (data / "media" / "picture").write_bytes(b"\x89PNG")
    return Places(data, data / "backups", None, "1.2.3")


@pytest.fixture
def backups(ledger: Ledger, store: DuckStore, audit: Audit, clock: FakeClock, places: Places) -> Backups:
    return Backups(ledger, store, audit, clock, PROJECT, places)


async def make(backups: Backups) -> dict[str, Any]:
    asked = await backups.ask("key:a", "before the upgrade")
    await backups.work()
    return await backups.get(asked["id"])


async def test_what_was_acknowledged_before_it_began_is_in_it(
    backups: Backups, store: DuckStore, tmp_path: Path, audit: Audit
) -> None:
    acknowledged = 0
    stop = asyncio.Event()

    async def load() -> None:
        nonlocal acknowledged
        while not stop.is_set():
            await store.append(Facts(spans=[a_call(acknowledged + 1)]))
            acknowledged += 1
            await asyncio.sleep(0)

    loading = asyncio.create_task(load())
    while acknowledged < 20:
        await asyncio.sleep(0.01)
    asked = await backups.ask("key:a")
    before = acknowledged
    await backups.work()
    stop.set()
    await loading
    done = await backups.get(asked["id"])
    await restore(Path(done["path"]), tmp_path / "back")
    restored = await DuckStore.open(tmp_path / "back" / "facts")
    spans = {row["span_id"] for row in await restored.scan("SELECT span_id FROM spans")}
    found = await restored.texts.find(PROJECT, "in 7", Bounds(), 10)
    await restored.close()
    ledger = await Ledger.open(f"sqlite:///{tmp_path}/back/ledger.sqlite")
    chain = await Audit(ledger, FakeClock(), lambda text: (text, [])).verify(PROJECT)
    await ledger.close()
    assert done["status"] == "done"
    assert before >= 20
    assert {f"{n:016x}" for n in range(1, before + 1)} <= spans
    assert done["rows"]["spans"] == len(spans)
    assert (chain["ok"], chain["checked"]) == (True, 1)
    assert (tmp_path / "back" / "salt").read_bytes() == b"salt"
    assert (tmp_path / "back" / "media" / "picture").read_bytes() == b"\x89PNG"
    assert [trace_id for _, trace_id in found.traces] == [f"{7:032x}"]  # the text index is made anew from the facts


async def test_it_tells_facts_and_no_inner_tables(backups: Backups, store: DuckStore) -> None:
    await store.append(Facts(spans=[a_call(1), a_call(2)]))
    done = await make(backups)
    assert done["rows"] == {"spans": 2, "traces": 2, "scores": 0, "run_items": 0, "events": 0}
    assert facts_of(await verify(Path(done["path"]))) == done["rows"]


async def test_a_backup_of_a_backup_folder_does_not_grow(backups: Backups, clock: FakeClock, store: DuckStore) -> None:
    await store.append(Facts(spans=[a_call(1)]))
    first = await make(backups)
    clock.advance(1)
    second = await make(backups)
    names = [each["name"] for each in json.loads((Path(second["path"]) / "manifest.json").read_text())["files"]]
    assert first["path"] != second["path"]
    assert [name for name in names if name.startswith("backups")] == []
    assert set(names) == {"facts/facts.duckdb", "facts/store.json", "ledger.sqlite", "media/picture", "salt"}


async def test_it_is_verified_by_restoring(backups: Backups, store: DuckStore, clock: FakeClock, audit: Audit) -> None:
    await store.append(Facts(spans=[a_call(1), a_call(2)]))
    done = await make(backups)
    clock.advance(60)
    await backups.verify("key:b", done["id"])
    await backups.work()
    told = await backups.get(done["id"])
    assert (told["verified_at"], told["error"]) == ("2026-11-21T08:01:00.000000Z", None)
    folder = Path(told["path"])
    assert [each.name for each in folder.parent.iterdir()] == [folder.name]  # nothing is left of the verifying
    (folder / "salt").write_bytes(b"tlas")
    await backups.verify("key:c", done["id"])
    await backups.work()
    told = await backups.get(done["id"])
    assert told["verified_at"] is None
    assert "salt" in told["error"]
    events, _, _ = await audit.list(PROJECT, action="backup.verify")
    assert [(event["actor"], event["subject"]) for event in events] == [("key:c", done["id"]), ("key:b", done["id"])]


def _flip(folder: Path) -> None:
    file = folder / "facts" / "facts.duckdb"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def _change(**values: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps({**manifest, **values}))

    return change


@pytest.mark.parametrize(
    ("damage", "error", "told"),
    [
        pytest.param(_flip, Corrupt, "facts.duckdb is not as it was", id="a-flipped-bit"),
        pytest.param(lambda at: (at / "ledger.sqlite").unlink(), Corrupt, "ledger.sqlite is missing", id="missing"),
        pytest.param(_change(schema={"facts": 999, "ledger": "0001"}), Refused, "newer", id="newer-facts"),
        pytest.param(_change(schema={"facts": 1, "ledger": "9999"}), Refused, "newer", id="newer-ledger"),
        pytest.param(_change(format=99), Refused, "newer", id="newer-format"),
        pytest.param(lambda at: (at / "manifest.json").unlink(), InvalidInput, "no backup", id="no-manifest"),
        pytest.param(lambda at: (at / "manifest.json").write_text("{"), Corrupt, "manifest", id="broken-manifest"),
        pytest.param(_change(files=[{"name": "../x", "bytes": 1, "sha256": ""}]), Corrupt, "outside", id="escape"),
        pytest.param(_change(rows={"spans": 7}), Corrupt, "rows", id="other-counts"),
        pytest.param(_change(audit=[{"project": PROJECT, "seq": 99, "hash": ""}]), Corrupt, "chain", id="short-chain"),
    ],
)
async def test_a_broken_backup_is_refused(
    backups: Backups, store: DuckStore, damage: Callable[[Path], None], error: type[AssayError], told: str
) -> None:
    await store.append(Facts(spans=[a_call(1)]))
    folder = Path((await make(backups))["path"])
    assert (await verify(folder))["rows"]["spans"] == 1
    damage(folder)
    with pytest.raises(error, match=told):
        await verify(folder)


async def test_a_folder_with_something_in_it_is_not_touched(backups: Backups, store: DuckStore, tmp_path: Path) -> None:
    done = await make(backups)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("x")
    with pytest.raises(InvalidInput, match="not empty"):
        await restore(Path(done["path"]), tmp_path / "full")
    assert [each.name for each in (tmp_path / "full").iterdir()] == ["mine"]


async def test_two_commands_never_fill_the_same_folder(backups: Backups, store: DuckStore, tmp_path: Path) -> None:
    """Both found it empty, and each wrote its files over those of the other."""
    await store.append(Facts(spans=[a_call(1)]))
    folder, data = Path((await make(backups))["path"]), tmp_path / "back"
    both = await asyncio.gather(*(restore(folder, data) for _ in range(2)), return_exceptions=True)
    refused = [each for each in both if isinstance(each, AssayError)]
    assert len(refused) == 1
    assert type(refused[0]) in {Refused, InvalidInput}
    assert not (data / "restoring").exists()
    assert {"facts", "ledger.sqlite", "restored.json"} < {each.name for each in data.iterdir()}


async def test_half_of_a_backup_is_no_data_directory(
    backups: Backups, store: DuckStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that started on it made decisions anew, or sent what should have waited."""
    folder, data = Path((await make(backups))["path"]), tmp_path / "back"

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(sys.modules["assay_server.keeping.restore"], "hold", full)
        with pytest.raises(Unavailable, match="No space left"):
            await restore(folder, data)
    with pytest.raises(Refused, match="cut short"):
        ground.make(data)
    with pytest.raises(Refused, match="cut short"):
        await restore(folder, data)
    shutil.rmtree(data)
    await restore(folder, data)
    ground.make(data)


async def test_one_at_a_time_and_one_that_was_killed_begins_anew(backups: Backups, store: DuckStore) -> None:
    asked = await backups.ask("key:a")
    with pytest.raises(Conflict):
        await backups.ask("key:a")
    part = Path(asked["path"] + ".part")
    part.mkdir(parents=True)
    (part / "half").write_text("x")
    await backups.work()
    done = await backups.get(asked["id"])
    assert done["status"] == "done"
    assert not part.exists()
    assert not (Path(done["path"]) / "half").exists()


async def test_one_that_was_whole_when_the_server_was_killed_is_done(
    backups: Backups, ledger: Ledger, store: DuckStore
) -> None:
    """Its name was taken, so it failed at the next start: a backup that nobody listed, and that no day removed."""
    await store.append(Facts(spans=[a_call(1)]))
    done = await make(backups)
    table = tables.keeping.backups
    await ledger.write(lambda c: c.execute(update(table).values(status="running", manifest=None, took_s=None)))
    await backups.work()
    again = await backups.get(done["id"])
    assert (again["status"], again["bytes"], again["rows"]) == ("done", done["bytes"], done["rows"])


async def test_where_it_is_restored_it_is_known_as_done(
    backups: Backups, clock: FakeClock, places: Places, tmp_path: Path
) -> None:
    """Its own row was copied while it was being made: it was made again there, and no proof of deletion named it."""
    done = await make(backups)
    moved = Path(done["path"]).rename(tmp_path / "moved")
    await restore(moved, tmp_path / "back")
    ledger = await Ledger.open(f"sqlite:///{tmp_path}/back/ledger.sqlite")
    audit = Audit(ledger, clock, lambda text: (text, []))
    there = Backups(ledger, None, audit, clock, PROJECT, places)  # type: ignore[arg-type]  # makes none
    await there.work()
    copies = await there.copies()
    await ledger.close()
    assert [(each["backup"], each["where"]) for each in copies] == [(done["id"], str(moved))]
    assert (await verify(moved))["rows"] is not None


async def test_files_that_come_and_go_do_not_spoil_it(
    backups: Backups, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    (places.data / "media" / "half.part").write_bytes(b"x")
    real = shutil.copy2

    def copy(source: Path, target: Path) -> Any:
        if source.name == "half.part":
            source.unlink()
        return real(source, target)

    monkeypatch.setattr(shutil, "copy2", copy)
    done = await make(backups)
    assert done["status"] == "done", done["error"]
    assert (Path(done["path"]) / "media" / "picture").exists()


async def test_backups_deep_in_the_data_are_in_no_backup(
    ledger: Ledger, store: DuckStore, audit: Audit, clock: FakeClock, places: Places
) -> None:
    deep = Backups(ledger, store, audit, clock, PROJECT, Places(places.data, places.data / "own" / "kept", None, "1"))
    (places.data / "own").mkdir()
    (places.data / "own" / "note").write_text("x")
    done = await make(deep)
    assert done["status"] == "done", done["error"]
    assert [each.name for each in (Path(done["path"]) / "own").iterdir()] == ["note"]


async def test_a_disk_that_refuses_is_told(backups: Backups, store: DuckStore, places: Places) -> None:
    places.root.write_text("a file where the folder should be")
    failed = await make(backups)
    assert failed["status"] == "failed"
    assert "disk" in failed["error"]
    with pytest.raises(Conflict):
        await backups.verify("key:b", failed["id"])


async def test_they_expire_and_can_be_removed(
    ledger: Ledger, store: DuckStore, audit: Audit, clock: FakeClock, places: Places
) -> None:
    kept = Backups(ledger, store, audit, clock, PROJECT, places)
    short = Backups(ledger, store, audit, clock, PROJECT, Places(places.data, places.root, 7, "1"))
    first, second = await make(kept), await make(short)
    copies = [each["expires_at"] for each in await kept.copies()]
    clock.advance(7 * DAY_S)
    await kept.work()
    assert Path(second["path"]).exists(), "the clock may be wrong: nothing goes for an hour"
    clock.advance(3600)
    await kept.work()
    found, total, _ = await kept.list()
    assert copies == [None, "2026-11-28T08:00:00.000000Z"]
    assert ([each["id"] for each in found], total) == ([first["id"]], 1)
    assert not Path(second["path"]).exists()
    await kept.delete("key:a", first["id"])
    assert not Path(first["path"]).exists()
    with pytest.raises(NotFound):
        await kept.get(first["id"])


async def test_a_clock_that_leaps_ahead_removes_no_backup(
    ledger: Ledger, store: DuckStore, audit: Audit, clock: FakeClock, places: Places
) -> None:
    """All of them were gone within seconds, and no setting right of the clock brought them back."""
    short = Backups(ledger, store, audit, clock, PROJECT, Places(places.data, places.root, 7, "1"))
    made = await make(short)
    for _ in range(3):
        clock.advance(3600)
        await short.work()
    clock.advance(365 * DAY_S)
    await short.work()
    clock.advance(1800 - 365 * DAY_S)  # somebody set it right within the hour
    await short.work()
    clock.advance(3600)
    await short.work()
    assert Path(made["path"]).exists()


async def test_what_a_kill_left_of_a_verification_goes_at_the_next_start(backups: Backups, places: Places) -> None:
    """It is a whole copy, which no deletion and no list of backups knows of."""
    done = await make(backups)
    left = places.root / ".verify-killed" / "data"
    left.mkdir(parents=True)
    (left / "ledger.sqlite").write_bytes(b"what somebody wrote")
    again = Backups(backups._ledger, backups._store, backups._audit, backups._clock, PROJECT, places)
    await again.work()
    assert sorted(each.name for each in places.root.iterdir()) == [Path(done["path"]).name]
