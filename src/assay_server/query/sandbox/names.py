"""`user` where no table has such a column: the engine would answer with its own user's name, for each row the same.

SQL's word for who asks stands for a column where there is one. `SELECT user FROM scores` would otherwise be answered by
a name that nobody here has.
"""

from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.query.sandbox.views import VIEWS

_WORD = "user"

_HAVING = {view.name: any(column.name == _WORD for column in view.columns) for view in VIEWS}


def check_names(part: Any, known: bool = False) -> None:
    """`known`: whether something around here has a column of that name. Raises `InvalidInput`."""
    if isinstance(part, list):
        for each in part:
            check_names(each, known)
    elif isinstance(part, dict):
        kind = part.get("type")
        if kind == "SELECT_NODE":
            known = known or _has(part.get("from_table")) or _names(part)
        elif kind in ("SET_OPERATION_NODE", "RECURSIVE_CTE_NODE"):  # what it is ordered by are its own columns
            part = {name: each for name, each in part.items() if name != "modifiers"}
        elif part.get("class") == "LAMBDA":  # whose arguments may have any name
            known = True
        elif part.get("class") == "COLUMN_REF" and not known:
            _refuse(part.get("column_names") or [])
        for each in part.values():
            check_names(each, known)


def _refuse(path: list[str]) -> None:
    if len(path) == 1 and path[0].lower() == _WORD:
        fix = f"join one of {', '.join(sorted(name for name, has in _HAVING.items() if has))} by trace_id"
        raise InvalidInput(f"No table in this FROM has a column {_WORD}.", field="sql", value=_WORD, fix=fix)


def _has(relation: Any) -> bool:
    """Whether what stands behind a FROM may have the column: a query or a CTE may."""
    kind = relation.get("type") if isinstance(relation, dict) else "EMPTY"
    if kind == "JOIN":
        return _has(relation.get("left")) or _has(relation.get("right"))
    if kind == "BASE_TABLE" and not relation.get("column_name_alias"):
        path = (relation.get("qualified_name") or {}).get("path") or [relation.get("table_name")]
        return _HAVING.get(str(path[-1]).lower(), True)
    return kind != "EMPTY"


def _names(node: dict[str, Any]) -> bool:
    return any(str(each.get("alias")).lower() == _WORD for each in node.get("select_list") or [])
