"""May this query run? Decided on DuckDB's own syntax tree, part by part, by lists of what is allowed.

A relation must be one of the caller's views or a CTE that is in scope just there: a name that is a CTE elsewhere in
the query would otherwise reach the catalogue (or, with the Python driver, a variable of this program).
"""

from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches
from math import prod
from typing import Any

from assay_server.core.errors import InvalidInput, NotInSql
from assay_server.query.sandbox.grammar import (
    CLASSES,
    FUNCTIONS,
    INSTEAD,
    MODIFIERS,
    NODES,
    ORDERS,
    RELATIONS,
    TABLE_FUNCTIONS,
    TYPES,
)

_Tree = dict[str, Any]
_PLAIN = NODES | RELATIONS | MODIFIERS | ORDERS
_DEEPEST = 400
_NEAR = 0.8  # of `get_close_matches`
_MOST_COPIES = 1000  # of one CTE, once each mention stands for what it names


def check(parsed: _Tree, views: frozenset[str]) -> frozenset[str]:
    """The views a parsed text reads (`json_serialize_sql` of it). Raises `InvalidInput` or `NotInSql`."""
    if parsed.get("error"):
        raise _unreadable(parsed)
    statements = parsed.get("statements") or []
    if len(statements) != 1:
        raise InvalidInput("One SELECT at a time.", field="sql", fix="send the statements one by one")
    walk = _Walk(views)
    walk.visit(statements[0].get("node"), frozenset(), 0)
    if prod(walk.mentions.values()) > _MOST_COPIES:
        raise InvalidInput(
            "CTEs that name each other this often grow without end.", field="sql", fix="name fewer twice"
        )
    return frozenset(walk.read)


class _Walk:
    """Meets every part of a tree; `scope` holds the lower-case names of the CTEs that can be seen there."""

    def __init__(self, views: frozenset[str]) -> None:
        self._views = views
        self.read: set[str] = set()
        self.mentions: Counter[str] = Counter()
        """How often each CTE is named. The product bounds the copies that planning makes; no limit ends that."""

    def visit(self, part: Any, scope: frozenset[str], depth: int) -> None:
        if depth > _DEEPEST:
            raise InvalidInput("The query is nested too deeply.", field="sql", fix="write it as several CTEs")
        if isinstance(part, list):
            for each in part:
                self.visit(each, scope, depth + 1)
        elif isinstance(part, dict):
            self._meet(part, scope)
            inner = self._with_ctes(part, scope, depth)
            for name, each in self._parts(part):
                self.visit(each, _own_name(part, inner) if name == "right" else inner, depth + 1)

    def _with_ctes(self, node: _Tree, scope: frozenset[str], depth: int) -> frozenset[str]:
        """The scope inside a query: each CTE sees those before it, and not itself."""
        for cte in (node.get("cte_map") or {}).get("map", []):
            self.visit(cte["value"], scope, depth + 1)
            scope |= {_lower(cte["key"])}
        return scope

    def _parts(self, part: _Tree) -> Iterator[tuple[str, Any]]:
        """What is inside and not looked at yet: of a table function only its arguments, for its name was."""
        for name, each in part.items():
            if name == "function" and part.get("type") == "TABLE_FUNCTION":
                yield from each.items()
            elif name != "cte_map":
                yield name, each

    def _meet(self, part: _Tree, scope: frozenset[str]) -> None:
        kind = part.get("type")
        if "class" in part:
            self._expression(part)
        elif isinstance(kind, str) and kind not in _PLAIN:
            raise _forbidden(kind.replace("_", " ").lower())
        elif kind == "BASE_TABLE":
            self._relation(part, scope)
        elif kind == "TABLE_FUNCTION":
            _named(part.get("function") or {}, TABLE_FUNCTIONS)

    def _expression(self, part: _Tree) -> None:
        kind = part["class"]
        if kind not in CLASSES:
            raise _forbidden(str(kind).lower())
        if kind == "FUNCTION":
            _named(part, FUNCTIONS)
        elif kind == "WINDOW":
            _window(part)
        elif kind == "TYPE":
            _type(part)

    def _relation(self, part: _Tree, scope: frozenset[str]) -> None:
        path = _path(part)
        name = _lower(path[-1]) if path else ""
        if len(path) == 1 and name in scope:
            self.mentions[name] += 1
            return
        if len(path) != 1 or name not in self._views or part.get("at_clause"):
            raise NotInSql(
                f"There is no table {'.'.join(path)} here.",
                field="sql",
                value=".".join(path),
                fix="use one of " + ", ".join(sorted(self._views)),
            )
        self.read.add(name)


def _own_name(node: _Tree, scope: frozenset[str]) -> frozenset[str]:
    """A recursive CTE sees itself in its right half; in the left one its name still means what it meant outside."""
    return scope | {_lower(node["cte_name"])} if node.get("type") == "RECURSIVE_CTE_NODE" else scope


def _lower(name: str) -> str:
    """As DuckDB folds names: ASCII alone. `str.lower` would take the Kelvin sign for a k, and let a name pass."""
    return name.translate(_FOLDED)


_FOLDED = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def _named(part: _Tree, allowed: frozenset[str]) -> None:
    path = _path(part) or [str(part.get("function_name"))]
    if len(path) != 1 or _lower(path[0]) not in allowed or _lower(str(part.get("function_name"))) not in allowed:
        raise _no_function(path)


def _window(part: _Tree) -> None:
    """Windows carry their function by name where it is an aggregate, otherwise by type."""
    names = _path(part) or [str(part.get("function_name") or "")]
    if len(names) != 1 or (names[0] and _lower(names[0]) not in FUNCTIONS):
        raise _no_function(names)


def _type(part: _Tree) -> None:
    path = _path(part) or [str(part.get("type_name"))]
    if len(path) != 1 or _lower(path[0]) not in TYPES:
        raise _forbidden(f"the type {'.'.join(path)}")


def _path(part: _Tree) -> list[str]:
    """A name with whatever stands before its dots, however the tree tells it."""
    return [str(step) for step in (part.get("qualified_name") or {}).get("path", [])] or list(_parts(part))


def _parts(part: _Tree) -> Iterator[str]:
    for names in (("catalog_name", "catalog"), ("schema_name", "schema"), ("table_name",)):
        yield from (part[name] for name in names if part.get(name))


def _forbidden(what: str, fix: str | None = None) -> NotInSql:
    return NotInSql(f"{what[0].upper()}{what[1:]} may not be used here.", field="sql", value=what, fix=fix or _FIX)


def _no_function(path: list[str]) -> NotInSql:
    """With what does the same, or is spelled nearly so, where there is such a function."""
    asked = _lower(path[-1])
    near = [INSTEAD[asked]] if asked in INSTEAD else get_close_matches(asked, FUNCTIONS, 3, _NEAR)
    named = f"use {' or '.join(near)}; " if near else ""
    return _forbidden(f"the function {'.'.join(path)}", f"{named}GET /api/v1/sql/schema lists the functions there are")


def _unreadable(parsed: _Tree) -> InvalidInput:
    position = str(parsed.get("position"))
    at = f" (at character {int(position) + 1})" if position.isdecimal() else ""
    told = str(parsed.get("error_message") or "This is not SQL.")
    told = told.partition(' Use "SET ')[0]  # nobody may set anything here
    if told.startswith("Only SELECT"):  # the engine's word speaks of how we ask it
        told = "This is no SELECT."
    return InvalidInput(f"{told}{at}", field="sql", fix=_FIX)


_FIX = "only SELECT is understood; GET /api/v1/sql/schema lists tables and functions"
