"""Which stored facts a bound of retention reaches: conditions over the store's tables."""

from dataclasses import dataclass

from assay_server.core.clock import DAY_NS
from assay_server.keeping.rules import Bound

# Events that clients sent; others (deployments, looks of canaries) tell a decision's story and stay.
_LOGS = "kind IN ('content', 'log', 'metric')"
_LOG_ENVIRONMENT = (
    "coalesce(json_extract_string(data, '$.resource.\"deployment.environment.name\"'),"
    " json_extract_string(data, '$.resource.\"deployment.environment\"'))"
)
_COUNTED = 10**15  # stores of the first version counted commits in `stored_ns`: below it there is no time of arrival


@dataclass(slots=True, frozen=True)
class Condition:
    """SQL with `?` for its values."""

    sql: str
    params: tuple[object, ...] = ()

    def also(self, other: "Condition") -> "Condition":
        return Condition(f"({self.sql}) AND ({other.sql})", (*self.params, *other.params))


def either(one: Condition, other: Condition) -> Condition:
    return Condition(f"(({one.sql}) OR ({other.sql}))", (*one.params, *other.params))


def old_spans(bound: Bound, project: str, until_ns: int) -> Condition:
    """Spans of traces that began before `until_ns`: a trace goes as a whole, if it took less than a day."""
    traces = Condition(
        "start_ns < ? AND trace_id IN (SELECT trace_id FROM traces WHERE project = ? AND start_ns < ?)",
        (until_ns + DAY_NS, project, until_ns),
    )
    return traces.also(_in_environment(bound, "environment"))


def spans_ahead(bound: Bound, until_ns: int) -> Condition:
    """Spans that were stored before `until_ns` and are dated far behind it: their sender's clock was ahead, and what it
    says shall not keep them longer than their own day of arrival would."""
    return _ahead("start_ns", until_ns).also(_in_environment(bound, "environment"))


def texts_ahead(bound: Bound, from_ns: int, until_ns: int) -> Condition:
    """The same, of those that still have their text and are dated `from_ns` or later."""
    return spans_ahead(bound, until_ns).also(Condition("start_ns >= ? AND let_go_ns IS NULL", (from_ns,)))


def old_logs(bound: Bound, until_ns: int) -> Condition:
    old = either(older(until_ns), _ahead("time_ns", until_ns))
    return Condition(_LOGS).also(old).also(_in_environment(bound, _LOG_ENVIRONMENT))


def span_texts(bound: Bound, from_ns: int, until_ns: int) -> Condition:
    """Spans that began in [from, until) and still have their text."""
    old = Condition("start_ns >= ? AND start_ns < ? AND let_go_ns IS NULL", (from_ns, until_ns))
    return old.also(_in_environment(bound, "environment"))


def log_texts(bound: Bound, from_ns: int, until_ns: int) -> Condition:
    old = Condition(
        "kind IN ('content', 'log') AND time_ns >= ? AND time_ns < ? AND let_go_ns IS NULL", (from_ns, until_ns)
    )
    return old.also(_in_environment(bound, _LOG_ENVIRONMENT))


def log_texts_ahead(bound: Bound, from_ns: int, until_ns: int) -> Condition:
    """As `texts_ahead`, of log records."""
    left = Condition("kind IN ('content', 'log') AND time_ns >= ? AND let_go_ns IS NULL", (from_ns,))
    return _ahead("time_ns", until_ns).also(left).also(_in_environment(bound, _LOG_ENVIRONMENT))


def score_texts(from_ns: int, until_ns: int) -> Condition:
    return Condition(
        "time_ns >= ? AND time_ns < ? AND let_go_ns IS NULL AND (reason IS NOT NULL OR metadata IS NOT NULL)",
        (from_ns, until_ns),
    )


def older(until_ns: int) -> Condition:
    """Scores and run items."""
    return Condition("time_ns < ?", (until_ns,))


def _ahead(time: str, until_ns: int) -> Condition:
    sql = f"{time} >= ? AND stored_ns < ? AND stored_ns > ? AND {time} > stored_ns + ?"
    return Condition(sql, (until_ns, until_ns, _COUNTED, DAY_NS))


def _in_environment(bound: Bound, column: str) -> Condition:
    if bound.environment is not None:
        return Condition(f"{column} = ?", (bound.environment,))
    if not bound.others:
        return Condition("true")
    return Condition(f"{column} IS NULL OR {column} NOT IN (SELECT unnest(?::VARCHAR[]))", (list(bound.others),))
