"""The tasks that keep house: what one of them waits for keeps no other from its turn."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from assay_server.app.config import Config
from assay_server.app.ground import Site
from assay_server.app.keeping import keeping
from assay_server.core.records import Facts
from assay_server.governance import Audit
from assay_server.ingest import MediaShelf
from assay_server.keeping import Asked, Keeping, Outgoing
from assay_server.ledger import Ledger
from assay_server.store import DuckStore
from tests.fakes.clock import FakeClock
from tests.fakes.counters import NoCounters
from tests.unit.keeping.conftest import PROJECT, a_call


async def test_no_backup_waits_while_everything_is_indexed_anew_for_a_deletion(
    ledger: Ledger,
    store: DuckStore,
    audit: Audit,
    clock: FakeClock,
    shelf: MediaShelf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It took minutes on a busy machine, and a quarter of an hour where one deletion followed the other."""
    await store.append(Facts(spans=[a_call(1, user="ada")]))
    indexing, indexed = asyncio.Event(), asyncio.Event()

    async def purge() -> None:
        indexing.set()
        await indexed.wait()

    monkeypatch.setattr(store.texts, "purge", purge)
    site = Site(store, ledger, clock, lambda text, before="": (text, []), audit)
    outgoing = Outgoing(tmp_path, ledger, audit, clock, PROJECT)
    config = Config(data=tmp_path, backups=tmp_path / "backups")
    async with AsyncExitStack() as stack, asyncio.timeout(60):
        house = await keeping(config, site, PROJECT, str, shelf, NoCounters(), outgoing, stack)
        deletion = await house.deletions.ask(PROJECT, "key:a", Asked("ada"), "she asked")
        house.wake()
        await indexing.wait()
        backup = await house.backups.ask("key:a")
        assert [each["backup"] for each in await house.backups.copies()] == [backup["id"]], "a proof has to name it"
        house.wake()
        await _done(house, "backups", backup)
        assert (await house.deletions.get(PROJECT, deletion["id"]))["status"] == "running"
        indexed.set()
        await _done(house, "deletions", deletion)


async def _done(house: Keeping, noun: str, asked: dict[str, Any]) -> None:
    while True:
        found = await (
            house.backups.get(asked["id"]) if noun == "backups" else house.deletions.get(PROJECT, asked["id"])
        )
        if found["status"] == "done":
            return
        await asyncio.sleep(0.02)
