"""What traces are called, and which there are of a kind: by their roots.

The root is the first span without a parent. Where there is none, because the caller's spans go elsewhere or were lost,
it is the first of all, as in the list of traces.
"""

from assay_server.query.sql import lines


def roots(drawn: str = "true") -> str:
    """A CTE: `root(trace_id, name, start_ns)`, one for each trace whose root began in the window.

    Parameters: project, since, until. `drawn`: a condition on `trace_id`, where not all are looked at.
    """
    return lines(
        "root AS MATERIALIZED (SELECT trace_id, name, begun_ns AS start_ns FROM trace_said",
        *("WHERE project = ? AND begun_ns >= ? AND begun_ns < ? AND", drawn + ")"),
    )


def called(source: str) -> str:
    """The traces whose root has a name, among rows of spans. Parameters: those of `source` twice, then the name twice.

    Only traces in which some span is called so are asked for their root.
    """
    return lines(
        *("SELECT trace_id FROM", source, "AND trace_id IN (SELECT trace_id FROM", source, "AND name = ?)"),
        "GROUP BY trace_id HAVING arg_min(name, (parent_id IS NOT NULL, start_ns, span_id)) = ?",
    )
