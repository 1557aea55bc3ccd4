"""The words for the page of traces that lead to what a number was made of."""

from collections.abc import Mapping, Sequence
from typing import Any

from assay_server.query.measures import MEASURES, Metric

_WORDS = frozenset(
    {
        *("kind", "name", "model", "provider", "service", "user", "session", "release", "channel", "arm", "run"),
        *("environment", "tag", "status", "feature", "tenant", "cost_center"),
        *("prompt", "error_type"),
    }
)
"""Each may be said once there, with one value."""


def traces_of(
    narrow: Sequence[Mapping[str, Sequence[str]]], metric: Metric | None, group_by: str | None, group: str | None
) -> dict[str, Any] | None:
    """`{"model": "a", "status": "error"}`; None where the page has no words for it: a link may not show more."""
    said: dict[str, Any] = {}
    for each in narrow:
        for name, values in each.items():
            if not _say_field(said, name, values[0] if len(values) == 1 else None):
                return None
    if group_by is not None and not _say_field(said, group_by, group):
        return None
    if metric is not None and metric.name == "errors" and not _say(said, "status", "error"):
        return None
    if metric is not None and MEASURES[metric.name].family == "scores":
        said["score"] = ["schema_valid:lt:1" if metric.name == "schema_violations" else f"{metric.score}:ge:0"]
    return said


def _say_field(said: dict[str, Any], name: str, value: str | None) -> bool:
    kind, _, key = name.partition(":")
    if kind == "attribute" and value is not None:
        said["attribute"] = [*said.get("attribute", []), f"{key}:eq:{value}"]
        return True
    return _say(said, name, value)


def _say(said: dict[str, Any], name: str, value: str | None) -> bool:
    if value is None or name not in _WORDS or said.get(name, value) != value:
        return False
    said[name] = value
    return True
