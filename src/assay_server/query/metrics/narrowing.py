"""What spans, calls and traces are narrowed by: `{"kind": ["llm"], "-model": ["a", "b"]}`.

A word names a field, and the values of which it has one. With '-' in front it leaves out exactly what it would keep
without. Where traces are counted a trace is left out with all it has, wherever one of its spans says the value, as in
their list. The word `search` has lines of that list as its values: what is of a trace that one of them finds is kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.query.dimensions import EDGES, GROUPS, LONGEST_NS, OWN, dimension, groups_of, is_group, quoted
from assay_server.query.key_sets import ATTRIBUTE, ONE_OF_SETS, KeySets
from assay_server.query.metrics.searched import SEARCH, Found, Searched, Searches, line_of, names_runs
from assay_server.query.sql import Where, lines
from assay_server.store import TRACE_WIDE, Store

FILTERS = (*GROUPS, SEARCH)
"""What panels and monitors are narrowed by: `check_filter`."""

MOST_CONDITIONS = 100
"""Parts of all searches of a word: each is a question of its own, and some thousands take more memory than there is."""

Narrow = Mapping[str, Sequence[str]]

_MINUS = "-"
_OF_SPANS = frozenset((*OWN, "error_type", "status"))
_ONE_OF = " IN (SELECT unnest(?::VARCHAR[]))"
_OF_ANY = frozenset(("tag", "status", SEARCH))
_NONE: KeySets = {}


def check_filter(word: Any, at: str = "filter") -> None:
    """`at`: where it stands. Raises InvalidInput for what nothing is narrowed by."""
    known = isinstance(word, str) and (is_group(field_of(word)) or field_of(word) in _OF_ANY)
    if not known:
        fix = ", ".join(FILTERS) + "; with '-' in front it is left out"
        raise InvalidInput("There is no such filter.", field=at, value=word, fix=fix)


def check_values(word: str, values: Sequence[str], at: str) -> None:
    """Raises InvalidInput for a text that no database holds, and for searches that cannot be read or answered."""
    for value in values:
        if "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
            told = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            fix = "leave NUL and halves of characters out"
            raise InvalidInput("No text that is stored has such characters.", field=at, value=told, fix=fix)
    if field_of(word) == SEARCH:
        _check_lines(values, at)


async def found_by(store: Store, project: str, text: str | None, since_ns: int | None) -> Found | None:
    """What a line finds of the traces that are active at `since_ns` or later; None where none is given.

    Raises InvalidInput for one that cannot be read, and for words that too many traces have.
    """
    if text is None:
        return None
    check_values(SEARCH, [text], SEARCH)
    began_ns = None if since_ns is None else since_ns - LONGEST_NS
    return (await Searches(store).found(project, [text], began_ns, None))[text]


def _check_lines(texts: Sequence[str], at: str) -> None:
    conditions = 0
    for text in texts:
        try:
            conditions += len(line_of(text).parts)
        except InvalidInput as refused:
            raise InvalidInput(refused.message, field=at, value=refused.value, fix=refused.fix) from refused
    if conditions > MOST_CONDITIONS:
        fix = f"at most {MOST_CONDITIONS} parts in all lines together"
        raise InvalidInput(f"These searches have {conditions} parts.", field=at, value=texts[0][:80], fix=fix)


def searches_of(narrow: Narrow) -> list[str]:
    """The lines that have to be looked for."""
    return [text for word, values in narrow.items() if field_of(word) == SEARCH for text in values]


def asks_for_runs(narrow: Narrow) -> bool:
    """Traffic of evaluation runs counts where one is named."""
    kept = kept_by(narrow)
    return "run" in kept or any(map(names_runs, kept.get(SEARCH, ())))


def field_of(word: str) -> str:
    return word.removeprefix(_MINUS)


def kept_by(narrow: Narrow) -> dict[str, Sequence[str]]:
    """The words that have to hold."""
    return {word: values for word, values in narrow.items() if not word.startswith(_MINUS)}


def left_out_by(narrow: Narrow) -> dict[str, Sequence[str]]:
    """What may not hold, by its field."""
    return {field_of(word): values for word, values in narrow.items() if word.startswith(_MINUS)}


@dataclass(slots=True, frozen=True)
class Knowing:
    """What is known of what is asked for. `key_sets`: by attribute, of which sets of names spans are that can have it;
    `searched`: what each line finds."""

    key_sets: KeySets = field(default_factory=dict)
    searched: Searched = field(default_factory=dict)


_NOTHING = Knowing()


def narrowed(
    where: Where,
    narrow: Narrow,
    edges: Sequence[Any],
    *,
    of: str = "",
    known: Knowing = _NOTHING,
    whole: bool = False,
) -> None:
    """Adds conditions on a span (`of`: its table's alias and a dot).

    `known`: key sets of attributes that few of the spans within the edges have. `whole`: traces are counted.
    """
    for name, values in kept_by(narrow).items():
        condition, *params = _of_span(name, list(values), edges, of, known)
        where.add(condition, *params)
    if whole:
        without_traces(where, narrow, edges, of=of, known=known)
        return
    for name, values in left_out_by(narrow).items():
        condition, *params = _of_span(name, list(values), edges, of, known)
        where.add(_denied(condition), *params)


def narrowed_calls(
    where: Where,
    narrow: Narrow,
    edges: Sequence[Any],
    *,
    of: str,
    known: Knowing = _NOTHING,
    whole: bool = False,
) -> None:
    """The same for calls of `counted_calls`, which say themselves what their trace says, but for attributes."""
    for name, values in kept_by(narrow).items():
        condition, *params = _of_call(name, list(values), edges, of, known)
        where.add(condition, *params)
    for name, values in left_out_by(narrow).items():
        if whole:
            said, own = _traces(name, list(values), edges, known)
            where.add("NOT " + _in_trace(of, said), edges[0], *own)
        else:
            condition, *params = _of_call(name, list(values), edges, of, known)
            where.add(_denied(condition), *params)


def of_traces(where: Where, narrow: Narrow, edges: Sequence[Any], *, of: str = "", known: Knowing = _NOTHING) -> None:
    """Adds what is said of whole traces: those that a search finds, and none that may not be."""
    for name, values in kept_by(narrow).items():
        if name == SEARCH:
            condition, *params = _of_span(name, list(values), edges, of, known)
            where.add(condition, *params)
    without_traces(where, narrow, edges, of=of, known=known)


def without_traces(
    where: Where, narrow: Narrow, edges: Sequence[Any], *, of: str = "", known: Knowing = _NOTHING
) -> None:
    """Adds conditions on what has a `trace_id` or none: no span of its trace says what may not hold."""
    for name, values in left_out_by(narrow).items():
        said, params = _traces(name, list(values), edges, known)
        where.add(_denied(of + "trace_id IN (" + said + ")"), *params)


def _denied(condition: str) -> str:
    """Also where nobody knows whether it holds: what says no model is not of that model."""
    return "NOT coalesce(" + condition + ", false)"


def _of_span(name: str, given: list[str], edges: Sequence[Any], of: str, known: Knowing) -> tuple[Any, ...]:
    """A condition and its parameters."""
    if name in _OF_SPANS:
        return of + quoted(name) + _ONE_OF, given
    said, params = _traces(name, given, edges, known)
    in_trace = of + "trace_id IN (" + said + ")"
    if name in _OF_ANY:
        return in_trace, *params
    few = known.key_sets
    if name in few:
        return _Saying(name, edges, few).nearest(of, given, in_trace, params)
    by = dimension(name, few)
    own = of + by.own if name in TRACE_WIDE else by.own
    nearest = lines(own + " IS NULL AND", in_trace)
    return "(" + own + _ONE_OF + " OR (" + nearest + "))", *by.params, groups_of(name, given), *by.params, *params


def _of_call(name: str, given: list[str], edges: Sequence[Any], of: str, known: Knowing) -> tuple[Any, ...]:
    if name == SEARCH:
        said, params = _traces(name, given, edges, known)
        return _in_trace(of, said), edges[0], *params
    if name == "tag":
        return "list_has_any(" + of + "tags, ?::VARCHAR[])", given
    if name.startswith("tag:"):
        by = dimension(name)
        return by.own.replace("tags", of + "tags") + _ONE_OF, *by.params, given
    if name == "error_type":
        of_spans, params = _Saying(name, edges, _NONE).select("key", given)
        return of + "key IN (" + of_spans + ")", *params
    if name.startswith(ATTRIBUTE):
        found, params = _traces(name, given, edges, known)
        saying = _Saying(name, edges, known.key_sets)
        return saying.nearest(of, given, _in_trace(of, found), [edges[0], *params])
    return of + quoted(name) + _ONE_OF, given


def _in_trace(of: str, traces: str) -> str:
    """A condition on a call; its parameters are the project and those of `traces`."""
    parts = "(SELECT key FROM trace_parts WHERE project = ? AND trace_id IN"
    return lines(of + "trace IN", parts, "(", traces, "))")


def _traces(name: str, given: list[str], edges: Sequence[Any], known: Knowing) -> tuple[str, list[Any]]:
    """The ids of traces of which any span says one of the values, or that a search finds."""
    if name == SEARCH:
        found = [known.searched[text] for text in given]
        return "\nUNION ALL\n".join(each.sql for each in found), [param for each in found for param in each.params]
    return _Saying(name, edges, known.key_sets).select("trace_id", given)


@dataclass(slots=True, frozen=True)
class _Saying:
    """Spans within the edges that say what `name` stands for, of its key sets where they are known."""

    name: str
    edges: Sequence[Any]
    key_sets: KeySets

    def select(self, column: str, given: list[str] | None) -> tuple[str, list[Any]]:
        """Those that say one of the values; None: any."""
        known = self.key_sets.get(self.name)
        sets = [] if known is None else [list(known)]
        among = "" if known is None else ONE_OF_SETS + " AND"
        says, params = self._says(given)
        return lines("SELECT", column, "FROM spans WHERE", EDGES, "AND", among, says), [*self.edges, *sets, *params]

    def _says(self, given: list[str] | None) -> tuple[str, list[Any]]:
        if self.name == "tag":
            return "list_has_any(tags, ?::VARCHAR[])", [given]
        if self.name == "status":
            return "status" + _ONE_OF, [given]
        by = dimension(self.name, self.key_sets)
        if given is None:
            return by.own + " IS NOT NULL", by.params
        return by.own + _ONE_OF, [*by.params, groups_of(self.name, given)]

    def nearest(self, of: str, given: list[str], in_trace: str, params: list[Any]) -> tuple[Any, ...]:
        """A condition and its parameters: says one of the values, or nothing where its trace does (`in_trace`)."""
        says, own = self.select("key", given)
        speaks, any_value = self.select("key", None)
        nothing = lines(in_trace, "AND", of + "key NOT IN (", speaks, ")")
        return lines("(" + of + "key IN (", says, ") OR (", nothing, "))"), *own, *params, *any_value
