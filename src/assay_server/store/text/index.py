"""The index on disk: one tantivy document for each text, with the trace that holds it. Every method blocks.

A document is written once; a search is a query built by hand, never a parsed string, so that no input is a mistake.
"""

import json
import os
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.store.seen import key_of
from assay_server.store.text.documents import Entry, document_of, schema_of_texts
from assay_server.store.text.words import Phrase, Wanted, analyzer

_VERSION = "v1"
"""Of documents and words: an index of another version is made anew."""

_HEAP = 48_000_000  # bytes of the one writer
_HITS_PER_TRACE = 6  # asked for at once: a trace often holds a word in several texts
_SPARE = 1.25  # how much more is asked for than what was found so far makes likely to be enough
_COMMON = 50_000  # texts
_FIRST_WINDOW_NS, _LONGEST_WINDOW_NS = 3_600 * 10**9, 1_000 * 86_400 * 10**9
"""Common words are first looked for in the traces of the last hour, then further back; at last everywhere."""
_WIDER = 8  # at most, from one window to the next
_NEVER = -(1 << 62)
_LOWEST_PRIORITY = 19


@dataclass(slots=True, frozen=True)
class Bounds:
    """Starts of traces, nanoseconds; `until_ns` is exclusive. `within`: only these traces."""

    since_ns: int | None = None
    until_ns: int | None = None
    within: tuple[str, ...] | None = None


@dataclass(slots=True, frozen=True)
class Found:
    """Traces, `(start_ns, trace_id)`, newest first; `complete` where there are no others."""

    traces: list[tuple[int, str]]
    complete: bool


class TextIndex:
    """One per store. Any thread may search while another writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / _VERSION
        self._writing = threading.Lock()
        self._schema = schema_of_texts()
        self._index = self._open(folder)
        self._writer: Any = None
        self._hurries = False
        self._counting = threading.Lock()
        self._counts: dict[str, int] = {}  # texts by project, of those that were asked for
        self._version = 0  # of what a search finds

    def newest(self) -> int:
        """The `stored_ns` up to which rows are indexed; -1 in an empty index."""
        import tantivy

        self._index.reload()
        hits = self._index.searcher().search(tantivy.Query.all_query(), 1, count=False, order_by_field="stored").hits
        return int(hits[0][0]) if hits else -1

    def add(self, entries: Iterable[Entry], instead_of: Sequence[tuple[str, str]] = ()) -> None:
        """All of them at once, durable on return, in the place of what there was of the traces (project, id) named.

        What is replaced is found no more; its words leave the disk with `clear`.
        """
        added: Counter[str] = Counter()
        with self._changed(None if instead_of else added) as writer:
            if instead_of:  # by query: a deletion by term takes every number as a signed one, and finds nothing
                writer.delete_documents_by_query(self._of_traces(instead_of))
            for entry in entries:
                writer.add_document(document_of(entry))
                added[entry.project] += 1

    def hurry(self, wanted: bool) -> None:
        """Whether to write and merge with the priority of everybody else, or with what others leave. Where others leave
        nothing a commit waits for seconds."""
        with self._writing:
            if wanted == self._hurries:
                return
            self._hurries = wanted
            writer, self._writer = self._writer, None
            if writer is not None:
                _end(writer)  # it holds nothing: what it was told is committed; only its threads have the priority

    def find(self, project: str, want: Wanted, bounds: Bounds, limit: int) -> Found:
        """Common words are looked for among the newest texts first. Raises `InvalidInput` where the beginning of a word
        fits too many.
        """
        searcher = self._index.searcher()
        window = _FIRST_WINDOW_NS if self._is_common(searcher, want, bounds) else _LONGEST_WINDOW_NS
        end = time.time_ns() if bounds.until_ns is None else bounds.until_ns
        while window < _LONGEST_WINDOW_NS and end - window > (bounds.since_ns or _NEVER):
            found = self._find(searcher, project, want, replace(bounds, since_ns=end - window), limit)
            if not found.complete:
                return found
            window *= int(min(max(2, _SPARE * (limit + 1) / max(1, len(found.traces))), _WIDER))
        return self._find(searcher, project, want, bounds, limit)

    def _is_common(self, searcher: Any, want: Wanted, bounds: Bounds) -> bool:
        """Would all texts with the words be many more than those that are needed?"""
        words = [word for phrase in want.phrases for word in phrase.words[: -1 if phrase.open_end else None]]
        rarest = min((searcher.doc_freq("body", word) for word in words), default=0)
        return bounds.within is None and rarest > _COMMON

    def _find(self, searcher: Any, project: str, want: Wanted, bounds: Bounds, limit: int) -> Found:
        query = self._query(project, want, bounds)
        asked = limit * _HITS_PER_TRACE
        while True:
            try:
                hits = searcher.search(query, asked, count=False, order_by_field="start").hits
            except ValueError as error:
                raise InvalidInput(
                    "Too many words begin like that.", field="text", fix="write more of the word before the star"
                ) from error
            keys = searcher.fast_field_values("trace_key", [address for _, address in hits])
            first: dict[Any, Any] = {}
            for key, hit in zip(keys, hits, strict=True):
                first.setdefault(key, hit)
            starts = [int(start) for start, _ in first.values()]
            # Traces of one start come in no order: all of the last one's are needed to tell which come first.
            if len(hits) < asked or (len(starts) > limit and starts[-1] < starts[limit - 1]):
                break
            asked = max(2 * asked, int(_SPARE * asked * limit / len(first)))
        last = starts[limit - 1] if len(starts) > limit else _NEVER
        chosen = [(start, address) for start, address in first.values() if start >= last]
        traces = [(int(start), bytes(searcher.doc(address)["trace"][0]).decode()) for start, address in chosen]
        traces.sort(reverse=True)
        return Found(traces[:limit], complete=len(hits) < asked and len(first) <= limit)

    def clear(self) -> None:
        """Nothing is left, on the disk neither."""
        with self._changed(None) as writer:
            writer.delete_all_documents()
        with self._writing:
            self._writer.garbage_collect_files()

    def count(self, project: str) -> int:
        """Texts of a project. Counting looks at each of them, so it is done once, and what is added is added up."""
        with self._counting:
            if project in self._counts:
                return self._counts[project]
            version, searcher = self._version, self._index.searcher()
        count = int(searcher.search(self._query(project, Wanted(()), Bounds()), 1, count=True).count)
        with self._counting:
            if version == self._version:
                self._counts[project] = count
        return count

    def move_to(self, folder: Path) -> None:
        """Puts the files of this closed index in the place of another's; those who still read that one may go on."""
        there = folder / _VERSION
        shutil.rmtree(there, ignore_errors=True)
        self._folder.rename(there)

    def close(self) -> None:
        with self._writing:
            if self._writer is not None:
                self._writer.rollback()
                self._writer = None

    @contextmanager
    def _changed(self, added: Mapping[str, int] | None) -> Iterator[Any]:
        """The writer; what it was told is durable and found behind it, or, after an error, as if it had not been.

        `added` says, once it was told, how many texts by project; None where some were taken away.
        """
        with self._writing:
            writer = self._writer = self._writer or self._make_writer()
            try:
                yield writer
                writer.commit()
            except BaseException:
                self._writer = None  # with what it holds; a writer may not go on after an error
                _end(writer)
                raise
            with self._counting:
                self._index.reload()
                self._version += 1
                self._counts = {} if added is None else {of: n + added.get(of, 0) for of, n in self._counts.items()}

    def _open(self, folder: Path) -> Any:
        """What is there, or an empty index in the place of one that is of another version or broken."""
        import tantivy

        for other in folder.glob("v*"):
            if other != self._folder:
                shutil.rmtree(other, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            index = tantivy.Index(self._schema, path=str(self._folder), reuse=True)
            index.register_tokenizer("words", analyzer())
            index.searcher()
        except (ValueError, OSError):
            shutil.rmtree(self._folder)
            self._folder.mkdir()
            index = tantivy.Index(self._schema, path=str(self._folder), reuse=False)
            index.register_tokenizer("words", analyzer())
        return index

    def _make_writer(self) -> Any:
        """Its threads inherit the priority of the one that makes it, and nobody may raise theirs again: what writes
        segments out and puts them together takes what others leave. (Words are taken apart by a thread of each commit,
        at the priority of whoever commits.)"""
        calm = not self._hurries

        def make() -> Any:
            if calm and sys.platform == "linux":  # elsewhere priorities are of whole processes
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST_PRIORITY)
            return self._index.writer(heap_size=_HEAP, num_threads=1)

        _remove_half_done(self._folder)
        with ThreadPoolExecutor(1, thread_name_prefix="assay-text-writer") as maker:
            return maker.submit(make).result()

    def _query(self, project: str, want: Wanted, bounds: Bounds) -> Any:
        from tantivy import FieldType, Occur, Query

        parts = [Query.term_query(self._schema, "project", project)]
        parts += [self._phrase(phrase) for phrase in want.phrases]
        if bounds.since_ns is not None or bounds.until_ns is not None:
            since, until = bounds.since_ns, None if bounds.until_ns is None else bounds.until_ns - 1
            parts.append(Query.range_query(self._schema, "start", FieldType.Integer, since, until))
        if bounds.within is not None:
            parts.append(self._of_traces([(project, trace_id) for trace_id in bounds.within]))
        return Query.boolean_query([(Occur.Must, part) for part in parts])

    def _of_traces(self, traces: Sequence[tuple[str, str]]) -> Any:
        from tantivy import Query

        return Query.term_set_query(self._schema, "trace_key", [key_of(*trace) for trace in traces])

    def _phrase(self, phrase: Phrase) -> Any:
        from tantivy import Query

        *first, last = phrase.words
        if phrase.open_end and first:
            return Query.regex_phrase_query(self._schema, "body", [*first, last + ".*"])
        if phrase.open_end:
            return Query.regex_query(self._schema, "body", last + ".*")
        if first:
            return Query.phrase_query(self._schema, "body", list(phrase.words))
        return Query.term_query(self._schema, "body", last)


def _end(writer: Any) -> None:
    """Lets go of a writer that failed: as long as anybody remembers it, a traceback too, there can be no other."""
    with suppress(ValueError, OSError):
        writer.wait_merging_threads()


def _remove_half_done(folder: Path) -> None:
    """Notes of deleted texts that a kill left behind before the index named them.

    The next commit has the number of the one that was killed, so it writes a file of the same name, and tantivy does
    not write over one: nothing would be indexed any more, nor anybody deleted.
    """
    segments = json.loads((folder / "meta.json").read_text())["segments"]
    named = {
        f"{segment['segment_id'].replace('-', '')}.{segment['deletes']['opstamp']}.del"
        for segment in segments
        if segment["deletes"]
    }
    for file in folder.glob("*.del"):
        if file.name not in named:
            file.unlink(missing_ok=True)
