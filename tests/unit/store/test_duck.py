"""The DuckDB store: the conformance suite, and what is its own (the directory, the lock, the schema, a kill)."""

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from assay_server.core.errors import Corrupt, Unavailable
from assay_server.core.records import Facts
from assay_server.store import DuckStore, Store
from assay_server.store.schema import NEWEST, STEPS
from tests.conformance.store import StoreConformance, a_span

_HOLDER = """
import asyncio, sys
from assay_server.store import DuckStore
async def main():
    await DuckStore.open(sys.argv[1])
    print("held", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""

_WRITER = """
import asyncio, sys
from assay_server.core.records import Facts
from assay_server.store import DuckStore
from tests.conformance.store import a_span
async def main():
    store = await DuckStore.open(sys.argv[1])
    n = 0
    while True:
        n += 1
        await store.append(Facts(spans=[a_span(n, k) for k in range(1, 6)]))
        print(n, flush=True)
asyncio.run(main())
"""


class TestConformance(StoreConformance):
    async def reopen(self, path: Path) -> Store:
        return await DuckStore.open(path / "facts")


def _python(code: str, path: Path) -> subprocess.Popen[str]:
    root = str(Path(__file__).parents[3])
    environment = {**os.environ, "PYTHONPATH": root}
    return subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True, env=environment)


async def test_a_store_is_made_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is committed once: with a commit for each table and column most of a first start is waiting for the disk."""
    with monkeypatch.context() as broken:
        broken.setitem(STEPS, NEWEST, ("CREATE TABLE",))
        with pytest.raises(Exception, match="syntax error"):
            await DuckStore.open(tmp_path)
    with duckdb.connect(tmp_path / "facts.duckdb") as made:
        assert made.execute("SHOW TABLES").fetchall() == []
    store = await DuckStore.open(tmp_path)
    assert await store.scan("SELECT * FROM spans") == []
    await store.close()


async def test_a_directory_another_process_holds_is_refused_with_its_pid(tmp_path: Path) -> None:
    holder = _python(_HOLDER, tmp_path)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "held"
        with pytest.raises(Unavailable) as refusal:
            await DuckStore.open(tmp_path)
        assert str(holder.pid) in refusal.value.message
        assert refusal.value.fix is not None
    finally:
        holder.kill()
        holder.wait()
    store = await DuckStore.open(tmp_path)
    await store.close()


async def test_two_stores_of_one_process_cannot_share_a_directory(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path)
    with pytest.raises(Unavailable, match=str(os.getpid())):
        await DuckStore.open(tmp_path)
    await store.close()


async def test_a_store_of_a_newer_version_is_refused_and_untouched(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path)
    await store.append(Facts(spans=[a_span()]))
    await store.close()
    (tmp_path / "store.json").write_text(json.dumps({"assay-facts": 99}))
    before = {file.name: file.read_bytes() for file in tmp_path.glob("*.duckdb*")}
    with pytest.raises(Unavailable, match="newer") as refusal:
        await DuckStore.open(tmp_path)
    assert refusal.value.value == 99
    assert before == {file.name: file.read_bytes() for file in tmp_path.glob("*.duckdb*")}
    (tmp_path / "store.json").write_text(json.dumps({"assay-facts": 1}))
    store = await DuckStore.open(tmp_path)
    assert (await store.stats()).rows["spans"] == 1
    await store.close()


async def test_a_store_of_the_first_version_gets_what_is_new(tmp_path: Path) -> None:
    tmp_path.joinpath("store.json").write_text(json.dumps({"assay-facts": 1}))
    old = duckdb.connect(str(tmp_path / "facts.duckdb"))
    for statement in STEPS[1]:
        old.execute(statement)
    said = (
        (["a", "feature=search"], '{"tenant": "acme"}', "{}"),
        (["feature:tagged"], '{"feature": "sent", "assay.tenant": "other"}', '{"assay.cost_center": "4711"}'),
    )
    for n, status in enumerate(("ok", "error")):
        old.execute(
            "INSERT INTO spans"
            " (key, project, trace_id, span_id, name, kind, start_ns, end_ns, status, tags, attributes, resource)"
            " VALUES (?, 'prj_a', 't', ?, 'call', 'llm', ?, ?, ?, ?, ?::JSON::VARIANT, ?)",
            [n, str(n), 10 + n, 20 + n, status, *said[n]],
        )
    old.execute("INSERT INTO traces VALUES (7, 'prj_a', 't', 10)")
    old.close()
    for _ in range(2):  # its steps may run again
        store = await DuckStore.open(tmp_path)
        parts = await store.scan("SELECT * EXCLUDE (key) FROM trace_parts")
        stamps = await store.scan("SELECT stored_ns FROM spans UNION ALL SELECT stored_ns FROM traces")
        charged = await store.scan("SELECT feature, tenant, cost_center FROM spans ORDER BY span_id")
        await store.close()
        assert [tuple(row.values()) for row in charged] == [("search", "acme", None), ("tagged", "other", "4711")]
        assert [tuple(row.values()) for row in parts] == [("prj_a", "t", 10, 21, 2, 1, 1, 1)]
        assert [row["stored_ns"] for row in stamps] == [1, 1, 0]
    assert json.loads((tmp_path / "store.json").read_text()) == {"assay-facts": NEWEST}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"assay-facts": "x"}', '{"other": 1}'])
async def test_an_unreadable_version_is_told_and_nothing_touched(tmp_path: Path, text: str) -> None:
    (tmp_path / "store.json").write_text(text)
    with pytest.raises(Corrupt):
        await DuckStore.open(tmp_path)
    assert not list(tmp_path.glob("*.duckdb*"))


async def test_a_database_without_its_version_is_refused(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path)
    await store.close()
    (tmp_path / "store.json").unlink()
    with pytest.raises(Corrupt, match="without"):
        await DuckStore.open(tmp_path)


async def test_a_file_that_is_no_database_is_corrupt_or_unavailable(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text(json.dumps({"assay-facts": 1}))
    (tmp_path / "facts.duckdb").write_bytes(b"this is not a database" * 1000)
    with pytest.raises((Corrupt, Unavailable)):
        await DuckStore.open(tmp_path)


async def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Unavailable):
        await DuckStore.open(tmp_path / "file" / "facts")


async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    acknowledged = 0
    for _ in range(3):
        writer = _python(_WRITER, tmp_path)
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(12)]
        os.kill(writer.pid, signal.SIGKILL)
        told += writer.stdout.readlines()
        writer.wait()
        acknowledged = max(acknowledged, *(int(line) for line in told if line.endswith("\n")))
    store = await DuckStore.open(tmp_path)
    rows = await store.scan("SELECT count(*) AS spans, count(DISTINCT trace_id) AS traces FROM spans")
    await store.close()
    assert acknowledged >= 12
    assert rows[0]["traces"] >= acknowledged
    assert rows[0]["spans"] == rows[0]["traces"] * 5  # each batch is there whole


async def test_a_caller_who_goes_away_takes_the_query_along(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = await DuckStore.open(tmp_path)
    endless = "SELECT count(*) FROM range(100000000) a(x), range(100000000) b(y) WHERE (x * y) % 7 = 3"
    waiting = asyncio.create_task(store.scan(endless))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await store.close()  # would wait for the query to end
    await asyncio.sleep(0)
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_the_settings_that_keep_appends_short_are_in_force(tmp_path: Path) -> None:
    store = await DuckStore.open(tmp_path)
    rows = await store.scan(
        "SELECT name, value FROM duckdb_settings() WHERE name IN "
        "('max_vacuum_tasks', 'autoload_known_extensions', 'autoinstall_known_extensions', 'checkpoint_threshold')"
    )
    await store.close()
    found = {row["name"]: row["value"] for row in rows}
    assert found["max_vacuum_tasks"] == "0"
    assert found["autoload_known_extensions"] == found["autoinstall_known_extensions"] == "false"
    assert found["checkpoint_threshold"].startswith(("15", "16"))  # 16 MB, told in MiB


async def test_stamps_never_go_back_whatever_the_clock_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leaps = iter([5 * 10**18, 10**18, 10**18, 6 * 10**18, 1])
    monkeypatch.setattr("assay_server.store.appending.time.time_ns", lambda: next(leaps))
    for life in (1, 2):
        store = await DuckStore.open(tmp_path / "facts")
        for n in range(3 - life):
            await store.append(Facts(spans=[a_span(life, 10 * life + n)]))
        await store.close()
    store = await DuckStore.open(tmp_path / "facts")
    await store.append(Facts(spans=[a_span(3, 30)]))
    await store.append(Facts(spans=[a_span(3, 31)]))
    stamps = [row["stored_ns"] for row in await store.scan("SELECT stored_ns FROM spans ORDER BY span_id")]
    await store.close()
    first = 5 * 10**18
    assert stamps == [first, first + 1, first + 2, 6 * 10**18, 6 * 10**18 + 1]
