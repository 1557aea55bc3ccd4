"""A file is there whole or not at all, also after a kill in the middle of writing it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assay_server.outbound.targets import FolderTarget

NAME = "day=2026-11-28/spans-09.parquet"


async def of(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_what_a_kill_left_half_written_is_gone_when_the_file_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "day=2026-11-28"
    folder.mkdir()
    left = folder / ".assay-spans-09.parquet-abc.part"  # a killed process takes nothing away behind itself
    others = folder / ".assay-spans-10.parquet-abc.part"  # perhaps being written now
    for path in (left, others):
        path.write_bytes(b"half")
    where, size = await FolderTarget(tmp_path).write(NAME, of(b"whole ", b"file"))
    assert sorted(path.name for path in folder.iterdir()) == [others.name, "spans-09.parquet"]
    assert (Path(where).read_bytes(), size) == (b"whole file", 10)


async def test_a_file_that_breaks_off_leaves_the_one_before_as_it_was(tmp_path: Path) -> None:
    target = FolderTarget(tmp_path)
    await target.write(NAME, of(b"before"))

    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        await asyncio.sleep(0)
        raise ValueError

    with pytest.raises(ValueError):
        await target.write(NAME, broken())
    assert [path.read_bytes() for path in (tmp_path / NAME).parent.iterdir()] == [b"before"]
