"""The index's files after a kill in the middle of a commit, and after a commit that failed."""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from assay_server.store.text.documents import Entry
from assay_server.store.text.feed import Feed
from assay_server.store.text.index import Bounds, TextIndex
from assay_server.store.text.pending import Round
from assay_server.store.text.words import wanted
from tests.fixtures.waiting import until


def entries(*traces: str, word: str = "refund") -> list[Entry]:
    return [Entry("prj_a", trace, 1, 1, (f"{word} for {trace}",)) for trace in traces]


def traces(index: TextIndex, words: str) -> list[str]:
    return sorted(trace for _, trace in index.find("prj_a", wanted(words), Bounds(), 10).traces)


def killed_before_its_last_step(folder: Path) -> None:
    """Deletes texts as far as a kill lets it: the note of what is deleted is there, the index does not name it."""
    meta = folder / "v1" / "meta.json"
    before = meta.read_bytes()
    index = TextIndex(folder)
    index.add([], instead_of=[("prj_a", "t1")])
    index.close()
    del index
    assert list((folder / "v1").glob("*.del"))
    meta.write_bytes(before)


def test_a_kill_between_a_commits_files_and_its_name_is_made_good(tmp_path: Path) -> None:
    index = TextIndex(tmp_path)
    index.add(entries("t1", "t2"))
    index.close()
    del index
    killed_before_its_last_step(tmp_path)
    again = TextIndex(tmp_path)
    assert traces(again, "refund") == ["t1", "t2"]
    again.add([], instead_of=[("prj_a", "t1")])  # the same once more, as it is done after a start
    again.add(entries("t3"))
    assert traces(again, "refund") == ["t2", "t3"]
    again.close()
    assert traces(TextIndex(tmp_path), "refund") == ["t2", "t3"], "a note that is named stays"


def test_after_a_commit_that_failed_the_next_writer_finds_the_lock_free(tmp_path: Path) -> None:
    index = TextIndex(tmp_path)
    index.add(entries("t1"))
    kept = []
    for _ in range(3):
        with pytest.raises(ZeroDivisionError) as failure:
            index.add(Entry("prj_a", "t2", 1 // 0, 1, ("never",)) for _ in range(1))
        kept.append(failure)  # whoever remembers the error remembers its frames, and in them the writer
    index.add(entries("t3"))
    assert traces(index, "refund") == ["t1", "t3"]
    index.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere priorities are of whole processes")
def test_an_index_in_a_hurry_takes_its_turn_like_everybody_else(tmp_path: Path) -> None:
    index = TextIndex(tmp_path)
    index.add(entries("t1"))
    assert lowest(priorities_of_writers()) == 19
    for hurried, priority in ((True, os.getpriority(os.PRIO_PROCESS, 0)), (False, 19)):
        index.hurry(hurried)
        until(lambda: not priorities_of_writers())
        index.add(entries(f"t{2 + hurried}"))
        assert lowest(priorities_of_writers()) == priority
    assert traces(index, "refund") == ["t1", "t2", "t3"]
    index.close()


def priorities_of_writers() -> list[int]:
    """Of those that stay: the thread that takes words apart is made anew by every commit, of whoever commits."""
    priorities = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended while it was looked at
            if (task / "comm").read_text().startswith(("merge_thread", "segment_updater")):
                priorities.append(os.getpriority(os.PRIO_PROCESS, int(task.name)))
    return priorities


def lowest(priorities: list[int]) -> int:
    assert priorities, "no thread of a writer runs"
    assert len(set(priorities)) == 1, priorities
    return priorities[0]


async def test_the_index_hurries_once_it_falls_behind_until_it_is_near_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(sql: str, params: Sequence[Any]) -> list[dict[str, Any]]:
        return []

    index = TextIndex(tmp_path)
    hurried: list[bool] = []
    monkeypatch.setattr(index, "hurry", hurried.append)
    feed = Feed(index, nothing, asyncio.to_thread)

    async def index_what_was_stored(seconds_ago: float) -> None:
        until = time.time_ns() - int(seconds_ago * 1e9)
        feed.pending = [Round([], until)]
        await feed.some()

    for seconds_ago in (4_000, 100):  # it is made anew
        await index_what_was_stored(seconds_ago)
    assert hurried == []
    for seconds_ago in (2, 20, 26, 20, 14, 3):
        await index_what_was_stored(seconds_ago)
    assert hurried == [False, True, False]
    index.close()
