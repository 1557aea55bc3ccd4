"""Applies checks to one answer and makes `Score` facts of what they say."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from assay_server.checks import Check, Outcome, Sample
from assay_server.core.records import RunItem, Score

_log = logging.getLogger(__name__)

LATE = frozenset({"cost_usd"})
"""What is known only after the answer's spans have arrived: scored at the end of the run."""


async def score(
    answer: RunItem, checks: Sequence[Check], metadata: Mapping[str, Any], schema: Mapping[str, Any] | None
) -> list[Score]:
    """One score per check that applies; a target that failed is an error of every check, not a missing score."""
    if answer.error is not None:
        return [_fact(answer, check, Outcome(error=f"no answer: {answer.error}")) for check in checks]
    sample = sample_of(answer, metadata, schema)
    outcomes = [(check, await _outcome(check, sample)) for check in checks]
    return [_fact(answer, check, outcome) for check, outcome in outcomes if outcome.skipped is None]


def sample_of(answer: RunItem, metadata: Mapping[str, Any], schema: Mapping[str, Any] | None) -> Sample:
    return Sample(
        input=answer.input or "",
        output=answer.output or "",
        expected=answer.expected,
        contexts=answer.contexts,
        metadata=metadata,
        output_schema=schema,
        latency_ms=answer.latency_ms,
        cost=answer.cost,
    )


async def _outcome(check: Check, sample: Sample) -> Outcome:
    try:
        return await check.check(sample)
    except Exception as error:  # noqa: BLE001  (a check may be anybody's code: its failure is a result, counted as such)
        _log.warning("Check %s failed: %s", check.name, type(error).__name__)
        return Outcome(error=f"the check failed: {type(error).__name__}: {error}")


def _fact(answer: RunItem, check: Check, outcome: Outcome) -> Score:
    return Score(
        project=answer.project,
        id=_score_id(answer, check.name),
        name=check.name,
        time_ns=answer.time_ns,
        source="code",
        value=outcome.value,
        label=outcome.label,
        error=outcome.error,
        reason=outcome.reason,
        author=check.name,
        version=check.version,
        trace_id=answer.trace_id,
        run=answer.run,
        item=answer.item,
        metadata={"repeat": answer.repeat},
    )


def _score_id(answer: RunItem, metric: str) -> str:
    """By what it judges: scoring again after a kill stores nothing twice."""
    identity = f"{answer.run}\0{answer.item}\0{answer.repeat}\0{metric}"
    return "scr_" + hashlib.sha256(identity.encode()).hexdigest()[:26]
