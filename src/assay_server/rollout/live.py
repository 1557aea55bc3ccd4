"""The evidence of live traffic, read through `query.Comparisons`.

Comparisons answer "since"; a step is the difference of two such answers. Means and rates come with their n, so the
subtraction is exact: n, n*mean and failed calls of [a, b) are those since a minus those since b.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import cast

from assay_server.core.records import Arm
from assay_server.query import Comparisons, UnitMean, UnitOperations
from assay_server.rollout.evidence import Exposure, Subject, UnitScore, Window


class LiveEvidence:
    """The port `Evidence` on the store of facts."""

    def __init__(self, comparisons: Comparisons) -> None:
        self._comparisons = comparisons

    async def exposures(self, of: Subject, windows: Sequence[Window]) -> list[list[Exposure]]:
        since = await asyncio.gather(
            *(self._comparisons.operations_by_unit(*_of(of), window.since_ns) for window in windows)
        )
        keyed = [{(row.arm, row.unit): row for row in rows} for rows in since] + [{}]
        return [_exposures(earlier, later) for earlier, later in pairwise(keyed)]

    async def scores(self, of: Subject, name: str, windows: Sequence[Window]) -> list[list[UnitScore]]:
        since = await asyncio.gather(*(self._comparisons.units(*_of(of), name, window.since_ns) for window in windows))
        keyed = [{(row.arm, row.unit): row for row in rows} for rows in since] + [{}]
        return [_scores(earlier, later) for earlier, later in pairwise(keyed)]

    async def arms(self, of: Subject) -> dict[str, dict[str, float | None]]:
        found = await self._comparisons.operations(*_of(of))
        return {arm: asdict(operations) | {"error_rate": operations.error_rate} for arm, operations in found.items()}


def _of(of: Subject) -> tuple[str, str, str]:
    return of.project, of.channel, of.canary


def _exposures(
    earlier: Mapping[tuple[str, str], UnitOperations], later: Mapping[tuple[str, str], UnitOperations]
) -> list[Exposure]:
    found = []
    for key, row in earlier.items():
        after = later.get(key)
        calls, errors = row.n, row.error_rate * row.n
        if after is not None:
            calls, errors = calls - after.n, errors - after.error_rate * after.n
        if calls > 0:
            found.append(Exposure(row.unit, cast("Arm", row.arm), row.first_ns, calls, max(0, round(errors))))
    return found


def _scores(earlier: Mapping[tuple[str, str], UnitMean], later: Mapping[tuple[str, str], UnitMean]) -> list[UnitScore]:
    found = []
    for key, row in earlier.items():
        after = later.get(key)
        n, total = row.n, row.n * (row.mean or 0.0)
        if after is not None:
            n, total = n - after.n, total - after.n * (after.mean or 0.0)
        if n > 0:  # units whose judgements all failed have no mean: they are not scored, and not zero
            found.append(UnitScore(row.unit, cast("Arm", row.arm), n, total / n))
    return found
