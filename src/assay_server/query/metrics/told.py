"""Whose a span is, where only its trace says so: so people are counted who used a model, or met an error."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay_server.query.dimensions import dimension
from assay_server.query.metrics.searched import SEARCH
from assay_server.store import TRACE_WIDE

COUNTED = {"users": "user", "sessions": "session"}
"""Metrics that count different ones, and the column that names them."""

OF_TRACES = frozenset((*TRACE_WIDE, "tag", SEARCH))
"""What is narrowed to by these has all spans of a trace, also the one that says whose it is."""


@dataclass(frozen=True, slots=True)
class Told:
    """Spans `s` with what their traces say in columns of their own names; without any, as they are.

    `ctes` (empty or ending in a comma) have the parameters; `columns` and `joins` none.
    """

    ctes: str = ""
    params: Sequence[Any] = ()
    columns: str = "s.*"
    joins: str = ""

    @classmethod
    def by(cls, names: Sequence[str], around: Sequence[Any]) -> "Told":
        """`around`: the edges of all that their traces may say."""
        if not names:
            return cls()
        names = sorted(set(names))
        across = {name: dimension(name).across(around) for name in names}
        said = ", ".join(f'coalesce(s."{name}", of_{name}.own) AS "{name}"' for name in names)
        return cls(
            "".join(f"of_{name} AS ({sql}),\n" for name, (sql, _) in across.items()),
            [param for _, params in across.values() for param in params],
            f"s.* REPLACE ({said})",
            " ".join(f"LEFT JOIN of_{name} ON of_{name}.trace = hash(s.trace_id)" for name in names),
        )
