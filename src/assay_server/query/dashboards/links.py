"""The words for the page of traces that lead to what a number was made of."""

from collections.abc import Mapping, Sequence
from typing import Any

from assay_server.query.dimensions import BY_SCORE
from assay_server.query.measures import MEASURES, Metric
from assay_server.query.narrowing import kept_by, left_out_by
from assay_server.query.search_line import excluding

_WORDS = frozenset(
    {
        *("kind", "name", "model", "provider", "service", "user", "session", "release", "channel", "arm", "run"),
        *("environment", "tag", "status", "feature", "tenant", "cost_center"),
        *("prompt", "prompt_version", "error_type", "endpoint"),
    }
)
"""Each may be said once there, with one value or several of which one must hold."""

_OF_MODELS = frozenset({"llm", "embedding", "reranker"})
"""Kinds of spans that say which model of which provider they called."""


def traces_of(
    narrow: Sequence[Mapping[str, Sequence[str]]], metric: Metric | None, group_by: str | None, group: str | None
) -> dict[str, Any] | None:
    """`{"kind": "llm", "differs": ["model:a"]}`; None where the page has no words for it: a link may not show more.

    Without a metric traces are counted.
    """
    said: dict[str, Any] = {}
    for each in narrow:
        for name, values in kept_by(each).items():
            if not _say_field(said, name, values):
                return None
    for each in narrow:
        for name, values in left_out_by(each).items():
            if not _leave_out(said, metric, name, values):
                return None
    if group_by is not None and (group is None or not (group_by == BY_SCORE or _say_field(said, group_by, [group]))):
        return None
    if metric is not None and metric.name == "errors" and not _say(said, "status", ["error"]):
        return None
    if metric is not None and MEASURES[metric.name].family == "scores":
        said["score"] = [_judged(metric, group if group_by == BY_SCORE else metric.score)]
    return {name: value[0] if name in _WORDS and len(value) == 1 else value for name, value in said.items()}


def _judged(metric: Metric, score: str | None) -> str:
    if metric.name == "schema_violations":
        return "schema_valid:lt:1"
    if metric.name == "score_rate":
        line = f"gt:{metric.above:.10g}" if metric.below is None else f"lt:{metric.below:.10g}"
        return f"{score}:{line}"
    return f"{score}:exists:"


def _say_field(said: dict[str, Any], name: str, values: Sequence[str]) -> bool:
    kind, _, key = name.partition(":")
    if kind == "attribute" and len(values) == 1:
        said["attribute"] = [*said.get("attribute", []), f"{key}:eq:{values[0]}"]
        return True
    return _say(said, name, values)


def _say(said: dict[str, Any], name: str, values: Sequence[str]) -> bool:
    """Where a field is said twice, what holds both times may hold; of tags a trace may have one for each."""
    before = said.get(name, values)
    both = [value for value in values if value in before]
    if not both or name not in _WORDS or (name == "tag" and set(before) != set(values)):
        return False
    said[name] = both
    return True


def _leave_out(said: dict[str, Any], metric: Metric | None, name: str, values: Sequence[str]) -> bool:
    """A trace that is left out as a whole is excluded there. One of which a span counts and another does not has one
    that says another value: only where those that count say any."""
    family = "requests" if metric is None else MEASURES[metric.name].family
    if family in {"spans", "calls"} and name in {"kind", "name", "service", "model", "provider"}:
        of_models = family == "calls" or set(said.get("kind", [""])) <= _OF_MODELS
        if name in {"model", "provider"} and not of_models:
            return False
        said["differs"] = [*said.get("differs", []), *(f"{name}:{value}" for value in values)]
        return True
    if family in {"spans", "calls"} and name in {"status", "error_type"}:
        return False
    if name == "status" and set(values) != {"error"}:  # a trace is `ok` where nothing in it failed
        return False
    parts = [excluding(name, value) for value in values]
    if not all(parts):
        return False
    said["exclude"] = [*said.get("exclude", []), *parts]
    return True
