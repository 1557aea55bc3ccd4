"""One look at a canary: what the evidence says now. Pure; `decide` turns it into a move."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from assay_server.rollout.evidence import Counted
from assay_server.rollout.plan import Plan, Watched
from assay_server.stats import (
    SMALLEST_ARM,
    Difference,
    Events,
    Split,
    Stratum,
    bounds,
    chi_square_p,
    difference,
    e_value,
    rare_event_e_value,
    sample,
    sequential_p,
)

Finding = Literal["worse", "not_worse", "undecided", "unmeasured"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A score on both arms. `difference` is candidate minus baseline; each end of `ci` holds at all looks.

    worse: rolls the canary back; not_worse: the loss is below the margin for sure; unmeasured: too few units.
    """

    name: str
    n: Mapping[str, int]
    mean: Mapping[str, float | None]
    difference: float | None
    ci: tuple[float, float] | None
    p: float | None  # of "no difference", valid at all looks
    margin: float
    direction: str
    decision: Finding

    @property
    def within_margin(self) -> bool:
        """The difference as observed is no larger a loss than the margin."""
        sign = 1 if self.direction == "higher" else -1
        return self.difference is not None and sign * self.difference > -self.margin


@dataclass(frozen=True, slots=True)
class Guardrail:
    """The rate of units that met a bad event, on both arms; `e` is the evidence that the candidate has more."""

    name: str
    n: Mapping[str, int]
    events: Mapping[str, int]
    rate: Mapping[str, float | None]
    difference: float | None
    margin: float
    e: float
    alarm_at: float
    decision: Literal["worse", "not_worse", "undecided"]


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that is known at one moment. `units` were counted, `active` were seen in the current step."""

    at_ns: int
    step: int
    units: Mapping[str, int]
    active: Mapping[str, int]
    srm_p: float | None
    srm_chi_square_p: float | None
    metrics: tuple[Metric, ...]
    guardrails: tuple[Guardrail, ...]
    arms: Mapping[str, Mapping[str, float | None]]

    @property
    def parts(self) -> "tuple[Metric | Guardrail, ...]":
        """All that is measured: scores first."""
        return (*self.metrics, *self.guardrails)

    @property
    def total(self) -> int:
        return sum(self.units.values())

    def to_json(self) -> dict[str, Any]:
        document = asdict(self)
        document["metrics"] = [asdict(metric) | {"ci": _listed(metric.ci)} for metric in self.metrics]
        document["guardrails"] = [asdict(guardrail) for guardrail in self.guardrails]
        return document


def look(plan: Plan, counted: Sequence[Counted], arms: Mapping[str, Mapping[str, float | None]], at_ns: int) -> Look:
    """Judges the evidence of all steps so far; `counted` has one entry per step, the last is the current one."""
    splits = [Split(step.new["baseline"], step.new["candidate"], step.window.share / 100) for step in counted]
    return Look(
        at_ns=at_ns,
        step=counted[-1].window.step,
        units=_both(lambda arm: sum(step.new[arm] for step in counted)),
        active=_both(lambda arm: counted[-1].active[arm]),
        srm_p=sequential_p(splits),
        srm_chi_square_p=chi_square_p(splits),
        metrics=tuple(_metric(plan, score, counted) for score in plan.scores),
        guardrails=tuple(_guardrail(plan, name, margin, counted) for name, margin in plan.guardrails.items()),
        arms=arms,
    )


def _metric(plan: Plan, watched: Watched, counted: Sequence[Counted]) -> Metric:
    strata = [
        Stratum(sample(step.values[watched.name]["baseline"]), sample(step.values[watched.name]["candidate"]))
        for step in counted
    ]
    found = difference(strata)
    n = {"baseline": sum(s.baseline.n for s in strata), "candidate": sum(s.candidate.n for s in strata)}
    interval = None if found is None else _interval(plan, watched, found)
    measured = found is not None and interval is not None
    return Metric(
        name=watched.name,
        n=n,
        mean={
            "baseline": None if found is None else found.mean_baseline,
            "candidate": None if found is None else found.mean_candidate,
        },
        difference=None if found is None else found.value,
        ci=interval,
        p=min(1.0, 1 / e_value(found)) if found is not None and measured else None,
        margin=watched.margin,
        direction=watched.direction,
        decision=_finding(watched, interval),
    )


def _interval(plan: Plan, watched: Watched, found: Difference) -> tuple[float, float] | None:
    """Either bound has its own error. One score is enough to roll back, so each gets its part of alpha (Bonferroni);
    to promote, all of them must clear their margins, so each may use the whole (intersection-union)."""
    harm, safe = plan.alpha / plan.harms, plan.alpha
    lower, upper = (safe, harm) if watched.sign > 0 else (harm, safe)
    return bounds(found, lower_alpha=lower, upper_alpha=upper)


def _finding(watched: Watched, interval: tuple[float, float] | None) -> Finding:
    """A loss that is proven, and also proven to be below the margin, was accepted when the margin was set."""
    if interval is None:
        return "unmeasured"
    low, high = sorted(watched.sign * end for end in interval)
    if low > -watched.margin:
        return "not_worse"
    return "worse" if high < 0 else "undecided"


def _guardrail(plan: Plan, name: str, margin: float, counted: Sequence[Counted]) -> Guardrail:
    n = _both(lambda arm: sum(step.new[arm] for step in counted))
    events = _both(lambda arm: sum(step.failing[arm] for step in counted))
    rate = {arm: events[arm] / n[arm] if n[arm] else None for arm in n}
    more = None
    if rate["candidate"] is not None and rate["baseline"] is not None:
        more = rate["candidate"] - rate["baseline"]
    e = rare_event_e_value(
        [Events(s.failing["baseline"], s.failing["candidate"], s.window.share / 100) for s in counted]
    )
    alarm_at = plan.harms / plan.alpha
    proven = e >= alarm_at and more is not None and more > margin
    calm = more is not None and more <= margin and min(n.values()) >= SMALLEST_ARM
    return Guardrail(
        name=name,
        n=n,
        events=events,
        rate=rate,
        difference=more,
        margin=margin,
        e=e,
        alarm_at=alarm_at,
        decision="worse" if proven else "not_worse" if calm else "undecided",
    )


def _both(of: Callable[[str], int]) -> dict[str, int]:
    return {"baseline": of("baseline"), "candidate": of("candidate")}


def _listed(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)
