"""The most common questions: what people asked, grouped by likeness.

A sample of the traces, average-linkage clusters by cosine distance (scipy), each named by the question nearest to all
others of it. Words tell at once (TF-IDF of words and pairs of words), but two ways to ask the same with no word in
common stay apart. Where this machine has a model that embeds, meanings tell a few seconds later, and whoever looks then
sees those.
"""

import asyncio
import logging
import math
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from assay_server.core.errors import AssayError
from assay_server.core.own_ways import OwnWays
from assay_server.core.ports import Embeds
from assay_server.query.commits import IN_COMMITS, commits_of
from assay_server.query.dashboards.likeness import clusters_of, telling
from assay_server.query.dashboards.links import traces_of
from assay_server.query.dimensions import EDGES
from assay_server.query.metrics.asked import Asked, Range
from assay_server.query.metrics.live import only_live
from assay_server.query.metrics.narrowing import narrowed
from assay_server.query.shapes import question_of
from assay_server.query.sql import Where, lines
from assay_server.query.traces.said import SPEAKING
from assay_server.stats import wilson
from assay_server.store import Limits, Store

_SAMPLE = 1000
_MOST_CLUSTERS = 12
_EXAMPLES = 3
_WORDS = 4
_KEPT_S = 600
_MINUTE_NS, _STEPS = 60_000_000_000, 500  # a range's end may be off by so small a part of it
_MOST_KEPT = 64
_RETRY_S = 600.0  # after the model could not be run

_BENEATH = lines(
    "SELECT trace_id, arg_min(input, start_ns) AS input FROM spans WHERE project = ?",
    "AND trace_id IN (SELECT unnest(?::VARCHAR[])) AND",
    IN_COMMITS,
    "AND kind IN (SELECT unnest(?::VARCHAR[])) AND input IS NOT NULL GROUP BY trace_id",
)

_log = logging.getLogger(__name__)


class Questions:
    """Works in a thread, and keeps what it found for ten minutes: a dashboard that many look at costs once."""

    def __init__(self, store: Store, embeds: Embeds | None = None) -> None:
        self._store = store
        self._embeds = embeds
        self._silent_until = -math.inf
        self._kept: dict[Any, tuple[float, dict[str, Any]]] = {}
        self._turn = asyncio.Lock()  # one at a time: they are the heaviest panels there are
        self._meanings: OwnWays[None] = OwnWays()

    async def close(self) -> None:
        await self._meanings.close()

    async def read(self, asked: Asked) -> dict[str, Any]:
        """The clusters, largest first, with shares and their intervals; `others` are questions that stand alone.

        `coming`: these are by words, and in some seconds there will be those by meaning.
        """
        narrow = tuple(tuple(sorted((name, tuple(values)) for name, values in each.items())) for each in asked.narrow)
        key = (asked.project, *_about(asked.range), narrow)
        async with self._turn:
            found = self._kept.get(key)
            if found is None or time.monotonic() - found[0] > _KEPT_S:
                sample = _Sample(*await self._sample(asked), traces_of(asked.narrow, None, None, None))
                found = self._keep(key, await asyncio.to_thread(sample.clustered))
                if self._embeds is not None and sample.texts and time.monotonic() > self._silent_until:
                    found[1]["coming"] = True
                    self._meanings.begin({key: partial(self._read_meanings, self._embeds, key, sample, found[1])})
        return found[1]

    def _keep(self, key: Any, made: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        while len(self._kept) >= _MOST_KEPT:
            self._kept.pop(next(iter(self._kept)))
        found = self._kept[key] = (time.monotonic(), made)
        return found

    async def _read_meanings(self, embeds: Embeds, key: Any, sample: "_Sample", by_words: dict[str, Any]) -> None:
        """Puts what meanings say in the place of what words say."""
        try:
            vectors = await embeds.embed(sample.texts)
        except AssayError as error:
            _log.warning("questions stay grouped by words: %s", error)
            self._silent_until = time.monotonic() + _RETRY_S
            self._keep(key, {**by_words, "coming": False})
        else:
            self._keep(key, await asyncio.to_thread(sample.clustered, vectors, embeds.name))

    async def _sample(self, asked: Asked) -> tuple[list[dict[str, Any]], int]:
        """Traces by chance, the same each time and in the same order: those whose ids hash lowest."""
        where = Where()
        for narrow in asked.narrow:
            narrowed(where, narrow, asked.around(), known=asked.known_few, whole=True)
        if asked.only_live:
            only_live(where, asked.around(), runs=asked.runs)
        conditions = lines("WHERE", EDGES, "AND parent_id IS NULL", *(f"AND {each}" for each in where.conditions))
        params = [*asked.edges(), *where.params]
        counted = await self._store.scan(lines("SELECT count(*) AS n FROM spans", conditions), params)
        sql = lines(
            'SELECT trace_id, input, "user" FROM spans WHERE rowid IN (SELECT rowid FROM spans',
            conditions,
            "ORDER BY hash(trace_id) LIMIT ?) ORDER BY hash(trace_id), span_id",
        )
        rows = await self._store.scan(sql, [*params, _SAMPLE], limits=Limits(_SAMPLE, 30))
        return await self._with_questions(asked.project, rows), counted[0]["n"]

    async def _with_questions(self, project: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Where a root says none (a web server's span), that of the first call beneath it."""
        silent = [row["trace_id"] for row in rows if row["input"] is None]
        if not silent:
            return rows
        commits = await commits_of(self._store, project, silent)
        found = await self._store.scan(_BENEATH, [project, silent, commits, list(SPEAKING)], limits=Limits(_SAMPLE, 30))
        said = {row["trace_id"]: row["input"] for row in found}
        return [row if row["input"] is not None else {**row, "input": said.get(row["trace_id"])} for row in rows]


def _about(asked: Range) -> tuple[int, int]:
    """How long a range is, and about when it ends: one that ends now is not another one each minute."""
    width = asked.until_ns - asked.since_ns
    return width // _MINUTE_NS, asked.until_ns // max(_MINUTE_NS, width // _STEPS)


class _Sample:
    """Some of the traces, and what was asked in them."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], total: int, traces: Any) -> None:
        self._asked = [(question, row) for row in rows if (question := question_of(row["input"])) is not None]
        self._of = {"n": total, "sampled": len(rows), "read": len(self._asked)}
        self._traces = traces
        self.texts = [question for question, _ in self._asked]

    def clustered(self, meanings: Any = None, model: str = "") -> dict[str, Any]:
        """By their words; with `meanings` (of `model`) by those, where they are known."""
        told = "words (TF-IDF)" if meanings is None else f"meaning ({model}), words (TF-IDF) where it is not English"
        found = [members for members in clusters_of(self.texts, meanings) if len(members) > 1][:_MOST_CLUSTERS]
        return {
            "type": "questions",
            **self._of,
            "method": f"{told}, average linkage by cosine distance",
            "coming": False,
            "clusters": [_cluster(members, self._asked, self.texts) for members in found],
            "others": len(self.texts) - sum(map(len, found)),
            "traces": self._traces,
        }


def _cluster(
    members: Sequence[int], asked: Sequence[tuple[str, Mapping[str, Any]]], texts: Sequence[str]
) -> dict[str, Any]:
    """`share` is that of the sampled questions; its interval says what the sample knows of all."""
    inside = set(members)
    distinct = list(dict.fromkeys(asked[at][0] for at in members))
    first = {question: asked[at][1]["trace_id"] for at in reversed(members) for question in (asked[at][0],)}
    rest = [text for at, text in enumerate(texts) if at not in inside]
    return {
        "label": distinct[0],
        "n": len(members),
        "share": len(members) / len(texts),
        "ci": list(wilson(len(members), len(texts))),
        "users": len({user for at in members if (user := asked[at][1]["user"]) is not None}),
        "words": telling([texts[at] for at in members], rest, _WORDS),
        "examples": [{"text": text, "trace_id": first[text]} for text in distinct[:_EXAMPLES]],
    }
