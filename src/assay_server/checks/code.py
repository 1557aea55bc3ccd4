"""Checks that are plain code: a function `Sample -> Outcome` with its documentation, made a `Check`."""

from collections.abc import Callable
from dataclasses import dataclass

from assay_server.checks.sample import About, LatencyClass, Outcome, Sample


@dataclass(slots=True, frozen=True)
class CodeCheck:
    """Deterministic and quick: no model, no network."""

    name: str
    version: str
    about: About
    judge: Callable[[Sample], Outcome]
    latency_class: LatencyClass = "instant"

    async def check(self, sample: Sample) -> Outcome:
        return self.judge(sample)
