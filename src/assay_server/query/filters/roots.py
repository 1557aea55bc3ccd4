"""What traces are called, and which there are of a kind: by their roots.

The root is the first span without a parent. Where there is none, because the caller's spans go elsewhere or were lost,
it is the first of all, as in the list of traces.
"""

from typing import Any

from assay_server.query.dimensions import MARGIN_NS
from assay_server.query.sql import lines

_FIRST = "trace_id, arg_min(name, (start_ns, span_id)) AS name, min(start_ns) AS start_ns FROM spans WHERE project = ?"


def roots(drawn: str = "true") -> str:
    """A CTE: `root(trace_id, name, start_ns)`, one for each trace that began in the window. For `roots_params`.

    `drawn`: a condition on `trace_id`, where not all are looked at.
    """
    within = "AND start_ns >= ? AND start_ns < ? AND " + drawn
    return lines(
        *("root AS MATERIALIZED (SELECT", _FIRST, "AND parent_id IS NULL", within),
        *("GROUP BY trace_id UNION ALL SELECT", _FIRST, within, "AND trace_id IN (SELECT trace_id FROM trace_sums"),
        *("  WHERE project = ?", within, "AND hash(trace_id) NOT IN (SELECT hash(trace_id) FROM spans"),
        *("  WHERE project = ? AND parent_id IS NULL", within + ")) GROUP BY trace_id)"),
    )


def roots_params(project: str, since_ns: int, until_ns: int) -> list[Any]:
    window = [project, since_ns, until_ns]
    return [*window, *window, *window, project, since_ns - MARGIN_NS, until_ns + MARGIN_NS]


def called(source: str) -> str:
    """The traces whose root has a name, among rows of spans. Parameters: those of `source` twice, then the name twice.

    Only traces in which some span is called so are asked for their root.
    """
    return lines(
        *("SELECT trace_id FROM", source, "AND trace_id IN (SELECT trace_id FROM", source, "AND name = ?)"),
        "GROUP BY trace_id HAVING arg_min(name, (parent_id IS NOT NULL, start_ns, span_id)) = ?",
    )
