"""What spans can be grouped by; `narrowing` tells what they are narrowed by.

A user, a tag or a cost centre is often said at a trace's root alone. So for such fields a span takes what is nearest:
its own, else the first that any span of its trace says.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.query.key_sets import ATTRIBUTE, OF_PROVIDERS, ONE_OF_SETS, KeySets
from assay_server.query.sql import lines
from assay_server.store import PROVIDERS_ROUTE, TRACE_WIDE

OWN = ("model", "provider", "service", "name", "kind")
DIMENSIONS = (*OWN, *TRACE_WIDE, "endpoint", "error_type", "status", "tag", "tag:<key>", "attribute:<key>")

FIELDS = (
    "kind",
    "name",
    "model",
    "provider",
    "service",
    "environment",
    "user",
    "session",
    "feature",
    "tenant",
    "cost_center",
    "release",
    "channel",
    "arm",
    "prompt",
    "prompt_version",
    "run",
)
GROUPS = (*FIELDS, "error_type", "endpoint", "status", "tag", "tag:<key>", "attribute:<key>")
"""What panels and monitors are grouped by: `is_group`. What has several tags is in the group of each."""

BY_SCORE = "score"
"""In panels of scores of every name: by these."""

_KEYED = ("tag:", ATTRIBUTE)
_LONGEST_KEY = 2000
EDGES = "project = ? AND start_ns >= ? AND start_ns < ?"
"""Spans of one project in a range of time; its parameters are named `edges`."""

_MEETS = "project = ? AND last_ns >= ? AND start_ns < ?"
"""Traces with something in it."""

LONGEST_NS = 24 * 3_600_000_000_000
"""So long before a time a trace may begin that is active in it."""

MARGIN_NS = 6 * 3_600_000_000_000
"""A trace over the edge of a range says of what lies within what its other spans know; its root may be outside."""

_TAGGED = (
    "list_transform(list_filter(tags, lambda t: (starts_with(t, ? || ':') OR starts_with(t, ? || '='))"
    " AND length(t) > length(?) + 1), lambda t: substr(t, length(?) + 2))[1]"
)
"""The first of a key that has a value, as the door reads who is charged (`ingest.normalise`)."""

_SENT = "variant_extract(attributes, ?)"
_TEXT = f"left({_SENT}::VARCHAR, 1000)"  # as long as names of other fields may be
_ATTRIBUTE = (
    f"CASE WHEN ends_with({_SENT}::VARCHAR, '.0') AND variant_typeof({_SENT}) = 'DOUBLE'"
    f" THEN left({_SENT}::VARCHAR, -2) ELSE {_TEXT} END"
)
"""Some clients send `1` for what others send as `1.0`: that is one group."""

_PLACES = 4  # of its key


def is_group(name: Any) -> bool:
    return isinstance(name, str) and (name in GROUPS[:-2] or _is_keyed(name))


def _is_keyed(name: str) -> bool:
    return any(name.startswith(kind) and len(kind) < len(name) <= _LONGEST_KEY for kind in _KEYED)


@dataclass(slots=True, frozen=True)
class Dimension:
    """`own`: SQL over one span, with `params`. `wide`: the trace speaks for spans that say nothing. `many`: a list,
    and what the trace says is all there is. `told`, with `told_params`: the same over one row of the view `trace_said`,
    where it knows what the trace says."""

    own: str
    params: list[Any] = field(default_factory=list)
    wide: bool = False
    many: bool = False
    told: str | None = None
    told_params: list[Any] = field(default_factory=list)

    def across(self, edges: Sequence[Any]) -> tuple[str, list[Any]]:
        """(trace, own), and its parameters: the first value that any span of the trace says, and all of what has
        several. `trace` is the hash of its id."""
        if self.told is None:
            said = lines("(SELECT hash(trace_id) AS trace, start_ns,", self.own, "AS own FROM spans WHERE", EDGES, ")")
            first = lines("SELECT trace, arg_min(own, start_ns) AS own FROM", said, "WHERE own IS NOT NULL")
            return lines(first, "GROUP BY trace"), [*self.params, *edges]
        said = lines("(SELECT hash(trace_id) AS trace,", self.told, "AS own FROM trace_said WHERE", _MEETS, ")")
        return lines("SELECT * FROM", said, "WHERE own IS NOT NULL"), [*self.told_params, *edges]

    def said(self, edges: Sequence[Any], key_sets: Sequence[int] | None) -> tuple[str, list[Any]]:
        """CTEs, ending in a comma, and their parameters: `said`, the spans that say something, by their `of_key`, and
        `first`, what `across` is made of. Of an attribute that few have little is read; `key_sets` tells which."""
        among, sets = ("AND", []) if key_sets is None else ("AND " + ONE_OF_SETS + " AND", [list(key_sets)])
        sql = lines(
            *(
                "said AS MATERIALIZED (SELECT key AS of_key, hash(trace_id) AS trace, start_ns,",
                self.own,
                "AS own FROM spans",
            ),
            *("WHERE", EDGES, among, self.own, "IS NOT NULL),"),
            "first AS (SELECT trace, arg_min(own, start_ns) AS own FROM said GROUP BY trace),",
        )
        return sql, [*self.params, *edges, *sets, *self.params]


@dataclass(slots=True, frozen=True)
class GroupedCalls:
    """How calls of the store's view `counted_calls`, named `c`, get what they are grouped by.

    `ctes` (empty or ending in a comma) stand before, `joins` behind `c`; parameters in the order of their place: those
    of `ctes`, then those of `value`. Most of it the view says itself; what it does not is read of the spans.
    """

    value: str
    params: list[Any] = field(default_factory=list)
    ctes: str = ""
    cte_params: list[Any] = field(default_factory=list)
    joins: str = ""

    @classmethod
    def by(cls, group_by: str | None, edges: list[Any], key_sets: KeySets) -> "GroupedCalls":
        """`edges` and `key_sets` bound what is read of spans. Raises InvalidInput for a dimension nobody knows."""
        by = dimension(group_by, key_sets)
        if by.many:  # one row for each tag; a call without any keeps one
            return cls(each_tag("c.tags"))
        if group_by is None or group_by in _OF_CALLS:
            return cls("NULL::VARCHAR" if group_by is None else "c." + quoted(group_by))
        if group_by.startswith("tag:"):
            return cls(by.own.replace("tags", "c.tags"), by.params)
        if not by.wide:
            own = lines("own AS (SELECT key,", by.own, "AS own FROM spans WHERE", EDGES, "),")
            return cls("own.own", [], own, [*by.params, *edges], "LEFT JOIN own ON own.key = c.key")
        said, params = by.said(edges, key_sets.get(group_by))
        wide = lines(
            # By what calls know their trace by: to work it out of the ids takes as long as all the rest.
            "wide AS (SELECT p.key AS trace, first.own FROM first JOIN (SELECT key, any_value(hash(trace_id)) AS trace",
            "FROM trace_parts WHERE project = ? GROUP BY key) p ON p.trace = first.trace),",
        )
        joins = "LEFT JOIN said ON said.of_key = c.key LEFT JOIN wide ON wide.trace = c.trace"
        return cls("coalesce(said.own, wide.own)", [], lines(said, wide), [*params, edges[0]], joins)


_OF_CALLS = frozenset((*OWN, *TRACE_WIDE, "endpoint"))


_KNOWN_NONE: KeySets = {}


def dimension(group_by: str | None, key_sets: KeySets = _KNOWN_NONE) -> Dimension:
    """`key_sets`: of which an endpoint is found by what of it is cheap to read.

    Raises InvalidInput for one that nobody knows.
    """
    if group_by is None:
        return Dimension("NULL::VARCHAR")
    if group_by in (*OWN, *TRACE_WIDE):
        wide = group_by in TRACE_WIDE
        return Dimension(quoted(group_by), wide=wide, told=quoted(group_by) if wide else None)
    if group_by == "tag":
        return Dimension("tags", wide=True, many=True, told="tags")
    if group_by in {"error_type", "status"}:
        return Dimension(group_by)
    if group_by == "endpoint":
        return _endpoint(key_sets.get(OF_PROVIDERS))
    kind, _, key = group_by.partition(":")
    if key and kind == "tag":
        return Dimension(_TAGGED, [key] * 4, wide=True, told=_TAGGED, told_params=[key] * 4)
    if key and kind == "attribute":
        return Dimension(_ATTRIBUTE, [key] * _PLACES, wide=True)
    raise InvalidInput(
        "Nothing is grouped by that.", field="group_by", value=group_by, fix=f"use one of {', '.join(DIMENSIONS)}"
    )


def _endpoint(of_providers: Sequence[int] | None) -> Dimension:
    """A span's route, unless it is a provider's, or the name of a root.

    In one expression the engine reads `span.kind` of every span, a second of CPU for a million: those of providers are
    looked for first, among the few that may be, and left out by their key, which is of one span of one project.
    """
    root = "CASE WHEN parent_id IS NULL THEN name END"
    theirs, params = PROVIDERS_ROUTE, list[Any]()
    if of_providers is not None:
        theirs, params = lines("key IN (SELECT key FROM spans WHERE", ONE_OF_SETS, "AND", theirs, ")"), [of_providers]
    route = "CASE WHEN NOT " + theirs + " THEN " + _TEXT + " END"
    own = "coalesce(" + route + ", " + root + ")"
    return Dimension(own, [*map(list, params), "http.route"], wide=True, told="endpoint")


def groups_of(name: str, values: Sequence[str]) -> list[str]:
    """The groups that these values are in: `1.0` of an attribute is in that of `1`, unless it is a text."""
    if not name.startswith(ATTRIBUTE):
        return list(values)
    return [*values, *(whole for value in values if (whole := value.removesuffix(".0")) != value)]


def all_of(tags: str) -> str:
    """SQL that puts the lists of several rows together."""
    return "list_distinct(flatten(list(" + tags + ")))"


def each_tag(tags: str, *, once: bool = False) -> str:
    """SQL that makes a row for each different tag of a list, and one with NULL of an empty one. `once`: the list has
    each once, as those of traces have: of a million lists `list_distinct` takes half a second."""
    several = "" if once else "WHEN len(" + tags + ") > 1 THEN list_distinct(" + tags + ") "
    return "unnest(CASE " + several + "WHEN len(" + tags + ") > 0 THEN " + tags + " ELSE [NULL] END)"


def quoted(name: str) -> str:
    return '"' + name + '"'
