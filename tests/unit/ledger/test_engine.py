"""One suite, two databases: what the ledger promises holds on SQLite and on PostgreSQL."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, inspect, literal, select, text

from assay_server.core.errors import AssayError, Conflict, Corrupt, InvalidInput, Refused, Unavailable
from assay_server.ledger import Ledger, holds, tables
from assay_server.ledger.schema import MIGRATIONS, REVISIONS, VERSION_TABLE, upgrade

providers = tables.registry.providers
projects = tables.accounts.projects


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.sqlite"
    found: str = request.getfixturevalue("postgresql_url")
    return found


@pytest.fixture
async def opened(url: str) -> AsyncIterator[Ledger]:
    ledger = await Ledger.open(url)
    await ledger.write(lambda c: c.execute(insert(projects).values(_project("prj_a"))))
    yield ledger
    await ledger.close()


async def test_a_write_is_seen_after_it_returned_and_after_reopening(opened: Ledger, url: str) -> None:
    await opened.write(_add("one"))
    assert await opened.read(_names) == ["one"]
    await opened.close()
    again = await Ledger.open(url)
    assert await again.read(_names) == ["one"]
    await again.close()


async def test_a_write_that_raises_leaves_nothing(opened: Ledger) -> None:
    def half(connection: Connection) -> None:
        _add("half")(connection)
        raise Refused("on second thoughts")

    with pytest.raises(Refused):
        await opened.write(half)
    assert await opened.read(_names) == []


async def test_writes_take_turns_so_that_read_decide_write_is_safe(opened: Ledger) -> None:
    def add_next(connection: Connection) -> None:
        seen = len(_names(connection))
        _add(f"n{seen}")(connection)

    await asyncio.gather(*(opened.write(add_next) for _ in range(20)))
    assert sorted(await opened.read(_names)) == sorted(f"n{i}" for i in range(20))


async def test_two_processes_take_turns_too(opened: Ledger, url: str) -> None:
    other = await Ledger.open(url)

    def add_next(connection: Connection) -> None:
        _add(f"n{len(_names(connection))}")(connection)

    await asyncio.gather(*(ledger.write(add_next) for _ in range(10) for ledger in (opened, other)))
    await other.close()
    assert len(await opened.read(_names)) == 20


async def test_a_reader_cannot_write(opened: Ledger) -> None:
    with pytest.raises((AssayError, Exception), match=r"(?i)read-?only"):
        await opened.read(_add("sneaked in"))
    assert await opened.read(_names) == []


async def test_a_reader_sees_one_moment(opened: Ledger) -> None:
    loop = asyncio.get_running_loop()

    def look_twice(connection: Connection) -> tuple[list[str], list[str]]:
        before = _names(connection)
        asyncio.run_coroutine_threadsafe(opened.write(_add("meanwhile")), loop).result()
        return before, _names(connection)

    assert await opened.read(look_twice) == ([], [])
    assert await opened.read(_names) == ["meanwhile"]


async def test_a_row_that_exists_is_a_conflict(opened: Ledger) -> None:
    await opened.write(_add("one"))
    with pytest.raises(Conflict):
        await opened.write(_add("one"))


async def test_a_row_of_no_project_is_refused(opened: Ledger) -> None:
    with pytest.raises(Conflict):
        await opened.write(_add("orphan", project="prj_nobody"))


async def test_a_ledger_of_a_newer_version_is_refused_and_untouched(opened: Ledger, url: str, tmp_path: Path) -> None:
    await opened.write(lambda c: c.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")))
    await opened.close()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(Refused, match="newer version") as refused:
        await Ledger.open(url)
    assert refused.value.value == "9999"
    assert {name: (tmp_path / name).read_bytes() for name in before} == before


async def test_the_schema_is_the_sum_of_the_migrations(opened: Ledger) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def differences(connection: Connection) -> list[object]:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), tables.metadata))

    assert await opened.read(differences) == []


async def test_of_keys_from_before_it_is_not_said_that_nobody_used_them(opened: Ledger) -> None:
    """What happened before uses were noted is unknown: a page that said `never` would have a key in use revoked."""
    key = {"id": "key_a", "project": "prj_a", "name": "old", "role": "ingest", "secret_hash": "h", "origin": "created"}

    def as_before(connection: Connection) -> None:
        for name in ("used_ns", "noted_ns"):
            connection.execute(text(f"ALTER TABLE keys DROP COLUMN {name}"))
        connection.execute(text("DROP TABLE told_figures"))  # of later revisions
        connection.execute(text("ALTER TABLE deletions DROP COLUMN trace_id"))
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '0013'"))
        names = ", ".join(key)
        values = ", ".join(f":{name}" for name in key)
        connection.execute(
            text(f"INSERT INTO keys ({names}, created_ns, created_by) VALUES ({values}, 5, 'key:test')"),
            key,
        )
        upgrade(connection)

    await opened.write(as_before)
    row = await opened.read(lambda c: c.execute(select(tables.accounts.keys)).one())
    assert row.used_ns is None
    assert row.noted_ns > row.created_ns == 5


async def test_constraints_of_the_migrations_are_those_of_the_schema(opened: Ledger) -> None:
    """What Alembic's comparison leaves out: primary keys."""

    def primary_keys(connection: Connection) -> dict[str, set[str]]:
        found = inspect(connection)
        return {t: set(found.get_pk_constraint(t)["constrained_columns"]) for t in tables.metadata.tables}

    expected = {name: {c.name for c in table.primary_key} for name, table in tables.metadata.tables.items()}
    assert await opened.read(primary_keys) == expected


def test_the_known_revisions_are_the_migrations_there_are() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    walked = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(walked)) == REVISIONS


async def test_an_address_of_something_else_is_refused_without_its_password() -> None:
    for url in ("mysql://root:hunter2@localhost/x", "nonsense", "sqlite://"):
        with pytest.raises(InvalidInput) as wrong:
            await Ledger.open(url)
        assert wrong.value.field == "ledger_url"
        assert "hunter2" not in f"{wrong.value}{wrong.value.value}"


async def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"dear diary, " * 500)
    with pytest.raises(Corrupt):
        await Ledger.open(f"sqlite:///{path}")
    assert path.read_bytes() == b"dear diary, " * 500


async def test_a_database_with_tables_of_others_keeps_them(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    ledger = await Ledger.open(f"sqlite:///{path}")
    assert await ledger.read(lambda c: inspect(c).has_table("theirs"))
    await ledger.close()


async def test_a_server_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await Ledger.open("postgresql://nobody@127.0.0.1:1/none?connect_timeout=2")


async def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    ledger = await Ledger.open(f"sqlite:///{tmp_path}/deep/ledger.sqlite")
    await ledger.close()
    assert (tmp_path / "deep" / "ledger.sqlite").stat().st_mode & 0o077 == 0


async def test_a_closed_ledger_says_so(tmp_path: Path) -> None:
    ledger = await Ledger.open(f"sqlite:///{tmp_path}/ledger.sqlite")
    await ledger.close()
    await ledger.close()
    with pytest.raises(Unavailable):
        await ledger.read(_names)


def _project(project: str) -> dict[str, object]:
    return {"id": project, "name": project, "home": True, "salt": "s", "created_ns": 0, "created_by": "key:test"}


def _add(name: str, project: str = "prj_a") -> Callable[[Connection], None]:
    row = {
        "project": project,
        "name": name,
        "kind": "openai",
        "base_url": "http://x",
        "created_ns": 0,
        "created_by": "k",
    }

    def add(connection: Connection) -> None:
        connection.execute(insert(providers).values(row))

    return add


def _names(connection: Connection) -> list[str]:
    return list(connection.execute(select(providers.c.name).order_by(providers.c.name)).scalars())


async def test_a_text_is_looked_for_letter_by_letter_however_long_it_is(opened: Ledger) -> None:
    long = "long 100%_" * 6000

    def found(connection: Connection) -> list[bool]:
        within = literal(f'{{"user": "{long}", "of": "Ada"}}')
        return [
            connection.execute(select(holds(within, part))).scalar_one()
            for part in (long, long + "x", '"Ada"', '"ada"')
        ]

    assert [bool(one) for one in await opened.read(found)] == [True, False, True, False]
