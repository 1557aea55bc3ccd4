"""MLflow's search expressions, as far as our own filters answer the same question. Anything else is refused."""

import re
from collections.abc import Callable
from typing import Any

from assay_server.core.errors import InvalidInput
from assay_server.ingest import Experiment
from assay_server.query import Order, TraceFilter

_CLAUSE = re.compile(
    r"\s*(?P<name>[\w.`\- ]+?)\s*(?P<op>>=|<=|!=|=|>|<|LIKE|ILIKE|IN)\s*(?P<value>'[^']*'|\"[^\"]*\"|[\d.]+)\s*",
    re.IGNORECASE,
)
_ORDER = re.compile(
    r"\s*(?:(?:attributes?|trace)\.)?`?(?P<field>timestamp(?:_ms)?|execution_time(?:_ms)?)`?(?:\s+(?P<way>asc|desc))?\s*",
    re.IGNORECASE,
)
_AND = re.compile(r"\s+AND\s+", re.IGNORECASE)
_STATUS = {"OK": "ok", "ERROR": "error"}
_MS = 1_000_000
_LARGEST = 1 << 63

_Narrowed = dict[str, Any]


def filter_of(expression: str, experiment: Experiment | None) -> TraceFilter:
    """Raises InvalidInput naming the part that cannot be answered."""
    narrowed: _Narrowed = {} if experiment is None else {"tag": f"experiment:{experiment.name}"}
    for clause in _AND.split(expression.strip()) if expression.strip() else ():
        narrowed |= _understood(clause)
    return TraceFilter(**narrowed)


def order_of(asked: Any) -> Order | None:
    """None for the newest first. Raises InvalidInput for what no list is sorted by, and for several at once."""
    clauses = [asked] if isinstance(asked, str) else (asked or [])
    if not clauses:
        return None
    found = _ORDER.fullmatch(str(clauses[0])) if isinstance(clauses, list) and len(clauses) == 1 else None
    if found is None:
        fix = "one of timestamp_ms and execution_time_ms, with ASC or DESC behind it"
        raise InvalidInput("Traces cannot be sorted by this.", field="order_by", value=str(asked)[:80], fix=fix)
    by = "start" if found["field"].lower().startswith("timestamp") else "latency"
    descending = (found["way"] or "asc").lower() == "desc"
    return None if by == "start" and descending else Order(by, descending)


def _understood(clause: str) -> _Narrowed:
    match = _CLAUSE.fullmatch(clause)
    if match is None:
        raise _refusal(clause)
    name = match["name"].replace("`", "").lower()
    for prefix in ("attributes.", "attribute.", "trace."):
        name = name.removeprefix(prefix)
    answer = _FIELDS.get((name, match["op"]))
    if answer is None:
        raise _refusal(clause)
    return answer(match["value"].strip("'\""), clause)


def _status(value: str, clause: str) -> _Narrowed:
    if value.upper() not in _STATUS:
        raise _refusal(clause)
    return {"status": _STATUS[value.upper()]}


def _number(field: str, scale: int, add: int = 0) -> Callable[[str, str], _Narrowed]:
    def narrowed(value: str, clause: str) -> _Narrowed:
        try:
            found = int(float(value)) * scale + add
        except (ValueError, OverflowError) as error:
            raise _refusal(clause) from error
        if abs(found) >= _LARGEST:
            raise _refusal(clause)
        return {field: found}

    return narrowed


def _text(field: str) -> Callable[[str, str], _Narrowed]:
    return lambda value, _: {field: value}


_FIELDS: dict[tuple[str, str], Callable[[str, str], _Narrowed]] = {
    ("status", "="): _status,
    ("state", "="): _status,
    ("timestamp_ms", ">="): _number("since_ns", _MS),
    ("timestamp_ms", ">"): _number("since_ns", _MS, _MS),
    ("timestamp_ms", "<"): _number("until_ns", _MS),
    ("timestamp_ms", "<="): _number("until_ns", _MS, _MS),
    ("timestamp", ">="): _number("since_ns", _MS),
    ("timestamp", "<"): _number("until_ns", _MS),
    ("execution_time_ms", ">="): _number("min_latency_ms", 1),
    ("execution_time_ms", "<="): _number("max_latency_ms", 1),
    ("metadata.mlflow.trace.user", "="): _text("user"),
    ("metadata.mlflow.trace.session", "="): _text("session"),
    ("request_metadata.mlflow.trace.user", "="): _text("user"),
    ("request_metadata.mlflow.trace.session", "="): _text("session"),
}


def _refusal(clause: str) -> InvalidInput:
    return InvalidInput(
        f"'{clause.strip()[:80]}' cannot be searched for here.",
        field="filter",
        value=clause[:80],
        fix="use status, timestamp_ms, execution_time_ms, metadata.`mlflow.trace.user` or `mlflow.trace.session`",
    )
