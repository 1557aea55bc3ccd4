"""The index's files after a kill in the middle of a commit, and after a commit that failed."""

from pathlib import Path

import pytest

from assay_server.store.text.index import Bounds, Entry, TextIndex
from assay_server.store.text.words import wanted


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
