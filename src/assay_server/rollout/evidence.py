"""Who saw which arm, and what they thought of it: the port to the facts, and which of them count.

The rule: **a unit counts once, in the arm and the step in which it was first seen, with the scores of that step.**

The share grows from step to step and arms follow a sticky hash, so some units move from the baseline to the
candidate and none move back. Three ways to count them were weighed:

- *Drop the units that saw both arms.* Only baseline units can have moved, and only those that came back did: what is
  left of the baseline's early units are the ones who did not return, compared with all of the candidate's. Biased.
- *Count a unit in its first arm, with all its scores in that arm.* The movers' scores end with the step, those of the
  others go on: the arms cover different hours, and a change of the level over time looks like an effect. Biased.
- *Count first arm and first step only.* Inside a step the share is constant and the hash knows nothing of the
  unit, so whoever is first seen in it is split at random, and both arms cover the same hours. Nobody has seen the
  other arm before. The scores of later steps of returning units are lost, which are few bits anyway: they
  repeat a user who was already asked. Unbiased; this is what we do.

Comparing inside steps (strata) and adding up is `stats.difference`. A population that only ever returns gives no
new evidence after the first step; then evidence of the first step decides, and the later steps only ask
for active units (`min_units`), new or not.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from assay_server.core.records import Arm


@dataclass(frozen=True, slots=True)
class Window:
    """A step's time: spans that began in [since_ns, until_ns) belong to it; None: it goes on."""

    step: int
    share: float  # percent
    since_ns: int
    until_ns: int | None


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose facts are read."""

    project: str
    channel: str
    canary: str


@dataclass(frozen=True, slots=True)
class Exposure:
    """What one unit saw of one arm in a window: calls, and how many of them failed."""

    unit: str
    arm: Arm
    first_ns: int
    calls: int
    errors: int


@dataclass(frozen=True, slots=True)
class UnitScore:
    """The mean of one unit's scores of one name on one arm, for calls that began in a window."""

    unit: str
    arm: Arm
    n: int
    mean: float


class Evidence(Protocol):
    """Reads the facts of a canary, one answer per window. Failed judgements (scores with an error) are no scores.

    A unit is the user, else the session, else the trace: what the gateway assigns arms by.
    """

    async def exposures(self, of: Subject, windows: Sequence[Window]) -> Sequence[Sequence[Exposure]]: ...

    async def scores(self, of: Subject, name: str, windows: Sequence[Window]) -> Sequence[Sequence[UnitScore]]: ...

    async def arms(self, of: Subject) -> Mapping[str, Mapping[str, float | None]]:
        """Calls, errors, latency and cost of each arm that had traffic: for people, not for decisions."""


@dataclass(slots=True)
class Counted:
    """One step's part of the evidence, by arm."""

    window: Window
    new: Counter[str] = field(default_factory=Counter)  # units first seen in this step
    active: Counter[str] = field(default_factory=Counter)  # units seen in this step
    failing: Counter[str] = field(default_factory=Counter)  # new units that met an error
    values: dict[str, dict[str, list[float]]] = field(default_factory=dict)  # score -> arm -> unit means


def count(
    windows: Sequence[Window],
    exposures: Sequence[Sequence[Exposure]],
    scores: Mapping[str, Sequence[Sequence[UnitScore]]],
) -> list[Counted]:
    """Applies the rule above. `exposures` and each of `scores` hold one sequence per window."""
    first: dict[str, tuple[int, str]] = {}
    counted = []
    for position, (window, seen) in enumerate(zip(windows, exposures, strict=True)):
        step = Counted(window)
        _expose(step, position, seen, first)
        for name, per_window in scores.items():
            step.values[name] = _values(per_window[position], position, first)
        counted.append(step)
    return counted


def _expose(step: Counted, position: int, seen: Sequence[Exposure], first: dict[str, tuple[int, str]]) -> None:
    for exposure in sorted(seen, key=lambda one: one.first_ns):
        step.active[exposure.arm] += 1
        if exposure.unit in first:
            continue
        first[exposure.unit] = position, exposure.arm
        step.new[exposure.arm] += 1
        step.failing[exposure.arm] += exposure.errors > 0


def _values(scores: Sequence[UnitScore], position: int, first: Mapping[str, tuple[int, str]]) -> dict[str, list[float]]:
    arms: dict[str, list[float]] = {"baseline": [], "candidate": []}
    for score in scores:
        if first.get(score.unit) == (position, score.arm):
            arms[score.arm].append(score.mean)
    return arms
