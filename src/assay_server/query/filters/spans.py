"""What a list of spans is narrowed to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay_server.query.filters.attributes import AttributeCondition, read_condition
from assay_server.query.key_sets import ONE_OF_SETS
from assay_server.query.sql import Where, lines
from assay_server.store import ANY_NAMES

_EQUAL = (
    *("trace_id", "parent_id", "kind", "model", "status", "release", "run", "session", "service"),
    *("environment", "prompt", "prompt_version", "span_id"),
)
_NAMED = lines("SELECT span_id FROM spans WHERE project = ? AND", ONE_OF_SETS)


@dataclass(slots=True, frozen=True)
class SpanFilter:
    """What a list of spans is narrowed to; None does not narrow.

    `attributes` (texts `key:op:value`) hold for the span, none of `unlike` does. Spans that have the attribute
    `lacking` are left out. With `outermost` there are those without a parent, those right below what is left out, and
    those that have the attribute `leading`. `named_by` is the attribute that says a span's own name, where it is called
    otherwise (a root has the name of its trace): then `name` is that.
    """

    trace_id: str | None = None
    parent_id: str | None = None
    kind: str | None = None
    name: str | None = None
    model: str | None = None
    status: str | None = None
    release: str | None = None
    run: str | None = None
    user: str | None = None
    session: str | None = None
    service: str | None = None
    environment: str | None = None
    prompt: str | None = None
    prompt_version: str | None = None
    span_id: str | None = None
    trace_ids: tuple[str, ...] = ()
    outermost: bool = False
    without: tuple[tuple[str, str], ...] = ()  # a field, and the value that it may not have
    tags: tuple[str, ...] = ()  # all of them
    min_latency_ms: float | None = None
    max_latency_ms: float | None = None
    min_cost: float | None = None
    max_cost: float | None = None
    attributes: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    lacking: str | None = None
    leading: str | None = None
    named_by: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None  # exclusive

    @property
    def named(self) -> set[str]:
        """The attributes of which it must be known in what sets of names they stand (`key_sets`)."""
        told = {read_condition(text).key for text in (*self.attributes, *self.unlike)}
        return told | {name for name in (self.lacking, self.leading, self.named_by) if name is not None}

    def conditions(self, project: str, key_sets: Mapping[str, Sequence[int]]) -> Where:
        """All but those over attributes, which are read slowly."""
        where = Where.project(project)
        for column in _EQUAL:
            where.equal(column, getattr(self, column))
        where.equal('"user"', self.user)
        where.without(self.without)
        if self.trace_ids:
            where.add("trace_id IN (SELECT unnest(?::VARCHAR[]))", list(self.trace_ids))
        for tag in self.tags:
            where.add("list_contains(tags, ?)", tag)
        for value, low, high in (
            ("(end_ns - start_ns) / 1e6", self.min_latency_ms, self.max_latency_ms),
            ("cost", self.min_cost, self.max_cost),
        ):
            for bound, test in ((low, ">="), (high, "<=")):
                if bound is not None:
                    where.add(f"{value} {test} ?", bound)
        if not _sure(key_sets, self.named_by):
            where.equal("name", self.name)
        self._place(where, project, key_sets)
        if self.since_ns is not None:
            where.add("start_ns >= ?", self.since_ns)
        if self.until_ns is not None:
            where.add("start_ns < ?", self.until_ns)
        return where

    def of_attributes(self, key_sets: Mapping[str, Sequence[int]]) -> Where:
        """Those over attributes. Raises `InvalidInput` for one that cannot be read."""
        where, named = Where(), _sure(key_sets, self.named_by)
        if self.name is not None and named:
            own, params = AttributeCondition(self.named_by or "", "eq", self.name).sql()
            either = "(name = ? AND NOT " + ONE_OF_SETS + " OR " + ONE_OF_SETS + " AND " + own + ")"
            where.add(either, self.name, named, named, *params)
        for text in self.attributes:
            condition = read_condition(text)
            said, params = condition.sql()
            where.add(ONE_OF_SETS + " AND " + said, list(key_sets[condition.key]), *params)
        for text in self.unlike:
            condition = read_condition(text)
            said, params = condition.sql()
            if sets := _sure(key_sets, condition.key):
                where.add("(" + ONE_OF_SETS + " AND " + said + ") IS NOT TRUE", sets, *params)
        return where

    def _place(self, where: Where, project: str, key_sets: Mapping[str, Sequence[int]]) -> None:
        """Whether it has a name is told by the set of its names: no attribute is read. A span of very many names is not
        looked into, as if it had none."""
        lacking, leading = (_sure(key_sets, name) for name in (self.lacking, self.leading))
        if lacking:
            where.add("NOT " + ONE_OF_SETS, lacking)
        if self.outermost:
            either = ["parent_id IS NULL"]
            either += ["parent_id IN (" + _NAMED + ")"] if lacking else []
            either += [ONE_OF_SETS] if leading else []
            params = [*([project, lacking] if lacking else []), *([leading] if leading else [])]
            where.add("(" + " OR ".join(either) + ")", *params)


def _sure(key_sets: Mapping[str, Sequence[int]], name: str | None) -> list[int]:
    return [one for one in key_sets.get(name or "", ()) if one != ANY_NAMES]
