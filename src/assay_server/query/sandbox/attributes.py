"""A person's SQL reads one attribute as `attributes->>'$."http.route"'`, out of JSON that is written for every row.

The store can give a single attribute at a tenth of that, where it is asked for beside the rows themselves. So in a
query whose table is one of the spans, such an expression becomes a column of a view that is the same but for those
columns, under a name that nobody can write: the query has been checked before, and is once more when it is written.
Anything out of the ordinary stays as it is.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay_server.query.sql import lines

READING_ATTRIBUTES = {"spans": "spans with attributes", "calls": "calls with attributes"}
"""View -> the one with a column for each attribute asked for."""

_MOST = 20  # attributes of one query
_READS_TEXT = frozenset({"->>", "json_extract_string"})
_PATHS = tuple(
    re.compile(path, re.ASCII) for path in (r'\$\."([\w.:/@ -]+)"', r"\$\.([A-Za-z_]\w*)", r"([A-Za-z_][\w.:@ -]*)")
)
"""What names one attribute. No quotes, no backslashes: it is written into SQL."""

_Tree = dict[str, Any]


@dataclass(slots=True, frozen=True)
class Reading:
    """The query's tree, and the attributes that it reads from columns, in their order."""

    tree: _Tree
    attributes: tuple[str, ...]


def column_of(number: int) -> str:
    return f"attribute {number}"


def as_column(number: int, attribute: str, nobody_has: Collection[str] = ()) -> str:
    """SQL over a row of the stored `spans`; what `->>` makes of the same. To look for what nobody has takes longest."""
    if attribute in nobody_has:
        return f'NULL::VARCHAR AS "{column_of(number)}"'
    value = f"variant_extract(attributes, '{attribute}')"
    return lines(
        *("CASE WHEN variant_typeof(", value, ") = 'VARCHAR' THEN", value, "::VARCHAR"),
        *("WHEN", value, "IS NULL THEN NULL ELSE", value, "::JSON ->> '$' END AS", f'"{column_of(number)}"'),
    )


def read_from_columns(parsed: _Tree) -> Reading | None:
    """`parsed` (`json_serialize_sql` of a query that was checked) is changed in place; None where nothing is."""
    top = parsed["statements"][0]["node"]
    if any(name in _cte_names(top) for name in (*READING_ATTRIBUTES, *READING_ATTRIBUTES.values())):
        return None
    found = _Found()
    for node in _nodes(top):
        _select(node, found, named=node is not top)
    return Reading(parsed, tuple(found.numbers)) if found.numbers else None


@dataclass(slots=True)
class _Found:
    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, attribute: str) -> int | None:
        if attribute not in self.numbers and len(self.numbers) >= _MOST:
            return None
        return self.numbers.setdefault(attribute, len(self.numbers))


def _nodes(part: Any) -> Iterator[_Tree]:
    for each in _parts(part):
        if each.get("type") == "SELECT_NODE":
            yield each


def _parts(part: Any) -> Iterator[_Tree]:
    if isinstance(part, list):
        for each in part:
            yield from _parts(each)
    elif isinstance(part, dict):
        yield part
        for each in part.values():
            yield from _parts(each)


def _cte_names(part: Any) -> set[str]:
    maps = (each.get("cte_map") or {} for each in _parts(part))
    recursive = {str(each["cte_name"]).lower() for each in _parts(part) if "cte_name" in each}
    return recursive.union(str(cte["key"]).lower() for found in maps for cte in found.get("map", []))


def _select(node: _Tree, found: _Found, *, named: bool) -> None:
    """`named`: somebody around the query may name its columns, so that no expression may lose its name."""
    table = node.get("from_table") or {}
    view = str(table.get("table_name", "")).lower()
    if table.get("type") != "BASE_TABLE" or view not in READING_ATTRIBUTES or table.get("column_name_alias"):
        return
    alias = str(table.get("alias") or table["table_name"]).lower()
    own = [each for name, part in node.items() if name not in {"from_table", "cte_map"} for each in _outside(part)]
    if any(_sees_all_columns(each, alias) or _hides_attributes(each) for each in own):
        return
    reads = [(each, attribute) for each in own if (attribute := _attribute_of(each, alias)) is not None]
    if named and any(_is_unnamed(each) for each in node["select_list"]):
        return
    numbered = [(each, number) for each, attribute in reads if (number := found.number(attribute)) is not None]
    for each, number in numbered:
        _replace(each, number)
    if numbered:
        table["alias"] = table.get("alias") or table["table_name"]
        _rename(table, READING_ATTRIBUTES[view])


def _outside(part: Any) -> Iterator[_Tree]:
    """Parts of the query itself: what is in a query within, or in a lambda, has a scope of its own."""
    if isinstance(part, list):
        for each in part:
            yield from _outside(each)
    elif isinstance(part, dict):
        yield part
        if part.get("class") not in {"SUBQUERY", "LAMBDA"}:
            for each in part.values():
                yield from _outside(each)


def _sees_all_columns(part: _Tree, alias: str) -> bool:
    if part.get("class") == "STAR":
        return True
    names = _column(part)
    return len(names) == 1 and names[0] == alias


def _hides_attributes(part: _Tree) -> bool:
    """Is something else called so here?"""
    return str(part.get("alias", "")).lower() == "attributes"


def _is_unnamed(part: _Tree) -> bool:
    return part.get("class") != "COLUMN_REF" and not part.get("alias")


def _attribute_of(part: _Tree, alias: str) -> str | None:
    """The one attribute that an expression reads as text."""
    if part.get("class") != "FUNCTION" or part.get("function_name") not in _READS_TEXT:
        return None
    given = [each.get("expression") or {} for each in part.get("arguments", [])]
    if len(given) != 2 or _column(given[0]) not in (["attributes"], [alias, "attributes"]):
        return None
    literal = given[1].get("literal") or {}
    if given[1].get("class") != "CONSTANT" or literal.get("kind") != "STRING":
        return None
    path = str(literal.get("text", ""))
    return next((match[1] for pattern in _PATHS if (match := pattern.fullmatch(path))), None)


def _column(part: _Tree) -> Sequence[str]:
    """Its names, as DuckDB folds them; empty where it is no column."""
    return [str(name).lower() for name in part.get("column_names", [])] if part.get("class") == "COLUMN_REF" else []


def _replace(part: _Tree, number: int) -> None:
    names = part["arguments"][0]["expression"]["column_names"]
    column = {**part["arguments"][0]["expression"], "alias": part.get("alias", "")}
    part.clear()
    part.update({**column, "column_names": [*names[:-1], column_of(number)]})


def _rename(table: _Tree, name: str) -> None:
    table["table_name"] = name
    table["qualified_name"] = {**table.get("qualified_name", {}), "path": [name]}
