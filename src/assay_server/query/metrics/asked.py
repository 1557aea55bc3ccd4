"""What is asked of the facts: whose, when, which, by what; and what the store knows of that beforehand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assay_server.query.dimensions import BY_SCORE, MARGIN_NS
from assay_server.query.key_sets import KeySets, few_of, sets_of
from assay_server.query.metrics.live import only_live
from assay_server.query.metrics.narrowing import Knowing, asks_for_runs, field_of, kept_by, narrowed, searches_of
from assay_server.query.metrics.searched import Searched, Searches
from assay_server.query.sql import Where
from assay_server.store import Store


@dataclass(frozen=True, slots=True)
class Range:
    """From `since_ns`, inclusive, to `until_ns`, exclusive."""

    since_ns: int
    until_ns: int

    @property
    def width_ns(self) -> int:
        return self.until_ns - self.since_ns

    def before(self) -> "Range":
        """The same length of time before it."""
        return Range(self.since_ns - self.width_ns, self.since_ns)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose spans, when, which (`narrowing`), and by what they are grouped. Each filter word may be said twice: both
    hold.

    `runs`: are there spans of evaluation runs (`live.has_runs`)? Where nobody knows, it is taken that there are.
    `labels_ever`: what people said counts whenever they said it, until the range's end.
    `key_sets`, `few` and `searched`: what `knowing` adds of the attributes and the searches in these.
    """

    project: str
    range: Range
    narrow: Sequence[Mapping[str, Sequence[str]]] = ()
    group_by: str | None = None
    runs: bool = True
    labels_ever: bool = False
    key_sets: KeySets = field(default_factory=dict)
    few: KeySets = field(default_factory=dict)
    searched: Searched = field(default_factory=dict)

    @property
    def known(self) -> Knowing:
        return Knowing(self.key_sets, self.searched)

    @property
    def known_few(self) -> Knowing:
        return Knowing(self.few, self.searched)

    def edges(self, margin_ns: int = 0) -> list[Any]:
        return [self.project, self.range.since_ns - margin_ns, self.range.until_ns + margin_ns]

    def around(self) -> list[Any]:
        """Edges of all that traces of the range may say: one that goes over an edge says some of it outside."""
        return self.edges(MARGIN_NS)

    @property
    def by_score(self) -> bool:
        """Judgements of every name, each in its group."""
        return self.group_by == BY_SCORE

    @property
    def only_live(self) -> bool:
        return not any(map(asks_for_runs, self.narrow))

    @property
    def words(self) -> set[str]:
        """The fields of which something has to hold."""
        return {name for narrow in self.narrow for name in kept_by(narrow)}

    @property
    def fields(self) -> set[str]:
        """These, and those of what is left out."""
        return {field_of(word) for narrow in self.narrow for word in narrow}


async def knowing(store: Store, asked: Asked, *, of_scores: bool = False, margin_ns: int = MARGIN_NS) -> Asked:
    """With what the store knows of the attributes that it is grouped and narrowed by: they need not be looked for in
    spans that cannot have them; and with what is searched for.

    `margin_ns`: so long before the range a trace may begin that says something of what is in it; of scores any may.
    A trace stands where its first commit began, which may be behind the range when its root came later.
    """
    key_sets = await sets_of(store, asked.project, [asked.group_by, *asked.fields])
    texts = [text for narrow in asked.narrow for text in searches_of(narrow)]
    since_ns = None if of_scores else asked.range.since_ns - margin_ns
    until_ns = None if of_scores else asked.range.until_ns + MARGIN_NS
    searched = await Searches(store).found(asked.project, texts, since_ns, until_ns)
    few = await few_of(store, key_sets, asked.edges())
    return replace(asked, key_sets=key_sets, few=few, searched=searched)


def conditions(
    asked: Asked,
    edges: Sequence[Any],
    *,
    whole: bool = False,
    narrow: Sequence[Mapping[str, Sequence[str]]] | None = None,
) -> Where:
    """`narrow`: what is left to say of spans, where a part was said of traces; whether runs count all of it tells."""
    where = Where()
    for each_narrow in asked.narrow if narrow is None else narrow:
        narrowed(where, each_narrow, edges, of="s.", known=asked.known_few, whole=whole)
    if asked.only_live:
        only_live(where, edges, runs=asked.runs, of="s.")
    of_failures(where, asked, "s.")
    if not where.conditions:
        where.add("true")
    return where


def of_failures(where: Where, asked: Asked, of: str) -> None:
    if asked.group_by == "error_type":
        where.add(of + "status = 'error'")
