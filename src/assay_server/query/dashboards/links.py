"""The words for the page of traces that lead to what a number was made of."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from assay_server.query.dimensions import BY_SCORE
from assay_server.query.filters.line import excluding
from assay_server.query.metrics.measures import MEASURES, Metric
from assay_server.query.metrics.narrowing import kept_by, left_out_by
from assay_server.query.metrics.searched import SEARCH, line_of

_WORDS = frozenset(
    {
        *("kind", "name", "model", "provider", "service", "user", "session", "release", "channel", "arm", "run"),
        *("environment", "tag", "status", "feature", "tenant", "cost_center"),
        *("prompt", "prompt_version", "error_type", "endpoint"),
    }
)
"""Each may be said once there, with one value or several of which one must hold."""

_OF_ONE_SPAN = frozenset(
    {
        *("kind", "name", "model", "provider", "service", "error_type", "prompt", "prompt_version"),
        "attribute",
        "differs",
    }
)
"""What the page looks for in one and the same span."""

_TOGETHER = frozenset({"score", "attribute", "differs", "exclude", "text"})
"""What may be said twice there: all of it holds."""

_TRACE_ID = re.compile(r"[0-9a-fA-F]{32}")
"""Stands in a line by itself, but behind a '-' only with its field."""

_OF_MODELS = frozenset({"llm", "embedding", "reranker"})
"""Kinds of spans that say which model of which provider they called."""


def traces_of(
    narrow: Sequence[Mapping[str, Sequence[str]]], metric: Metric | None, group_by: str | None, group: str | None
) -> dict[str, Any] | None:
    """`{"kind": "llm", "differs": ["model:a"]}`; None where the page has no words for it: a link may not show more.

    Without a metric traces are counted.
    """
    said: dict[str, Any] = {}
    if not _say_filters(said, narrow, metric):
        return None
    if group_by is not None and (group is None or not (group_by == BY_SCORE or _say_field(said, group_by, [group]))):
        return None
    if metric is not None and metric.name == "errors" and not _say(said, "status", ["error"]):
        return None
    if metric is not None and MEASURES[metric.name].family == "scores":
        said["score"] = [_judged(metric, group if group_by == BY_SCORE else metric.score)]
    if "status" in said and not _is_same_status(said["status"], narrow, metric, group_by):
        return None
    if not _say_lines(said, [kept_by(each)[SEARCH] for each in narrow if SEARCH in kept_by(each)]):
        return None
    return {name: value[0] if name in _WORDS and len(value) == 1 else value for name, value in said.items()}


def _say_filters(said: dict[str, Any], narrow: Sequence[Mapping[str, Sequence[str]]], metric: Metric | None) -> bool:
    kept = [item for each in narrow for item in kept_by(each).items() if item[0] != SEARCH]
    left_out = [item for each in narrow for item in left_out_by(each).items()]
    return all(_say_field(said, *item) for item in kept) and all(_leave_out(said, metric, *item) for item in left_out)


def _is_same_status(
    values: Sequence[str], narrow: Sequence[Mapping[str, Sequence[str]]], metric: Metric | None, group_by: str | None
) -> bool:
    """The page has the status of traces: one that failed has a span that did, but one in which a span is `ok` may have
    failed. Of calls another span may be the one, and a trace is in the group of its first span."""
    name, family = ("requests", "requests") if metric is None else (metric.name, MEASURES[metric.name].family)
    own = group_by == "status" or any("status" in kept_by(each) for each in narrow)
    of_calls = family == "calls" or (family == "requests" and name != "requests")
    return set(values) == {"error"} and not (own and of_calls) and (group_by != "status" or family == "spans")


def _say_lines(said: dict[str, Any], searched: Sequence[Sequence[str]]) -> bool:
    """A line stands as it is in the page's own. Not where one of two lines has to hold, nor where both say a field, nor
    where both speak of a span: the page then looks for one span of which all of it is true. Nor where a quote is open,
    which takes in what stands behind it."""
    if any(len(texts) != 1 or _is_open(texts[0]) for texts in searched) or not searched:
        return not searched
    lines = list(dict.fromkeys(texts[0] for texts in searched))
    fields = [name for text in lines for name in line_of(text).filter if name not in _TOGETHER]
    of_spans = [*(name for name in said if name in _OF_ONE_SPAN)]
    of_lines = [text for text in lines if _OF_ONE_SPAN & set(line_of(text).filter)]
    if len(set(fields)) < len(fields) or set(fields) & set(said) or len(of_lines) + bool(of_spans) > 1:
        return False
    said["q"] = " ".join(lines)
    return True


def _is_open(text: str) -> bool:
    return text.count('"') % 2 == 1


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
    if name == SEARCH:
        lines = [line_of(text).parts for text in values]
        alone = all(len(parts) == 1 and parts[0].field != "text" and not parts[0].negated for parts in lines)
        if not alone or any(map(_is_open, values)):
            return False
        bare = [f"trace:{text.strip()}" if _TRACE_ID.fullmatch(text.strip()) else text.strip() for text in values]
        said["exclude"] = [*said.get("exclude", []), *bare]
        return True
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
