"""Decisions in words, with the numbers they rest on."""

from collections.abc import Mapping
from typing import Any

from assay_server.rollout.look import Guardrail, Look, Metric
from assay_server.rollout.plan import Plan


def sentence(plan: Plan, look: Look, action: str, why: str) -> str:
    """Why the machine moved, such as "Rolled back after 312 users: user_feedback 0.61 vs 0.83, …"."""
    units = f"{look.total:,} {plan.unit}s"
    if why == "srm":
        return _mismatch(look, units)
    if why == "worse":
        worse = [part for part in look.parts if part.decision == "worse"]
        rest = [part for part in look.metrics if part.decision != "worse"]
        return f"Rolled back after {units}: {'; '.join(told(part) for part in (*worse, *rest))}."
    if why == "budget":
        return f"Held for a person: undecided after {units}: {_all(look)}."
    lead = {"advance": f"Advanced from {plan.steps[look.step]:g} % after", "promote": "Promoted after"}[action]
    return f"{lead} {units}: {_all(look)}."


def told(part: Metric | Guardrail) -> str:
    """One measurement in words: candidate first, baseline second."""
    return _told_metric(part) if isinstance(part, Metric) else _told_guardrail(part)


def number(value: float | None, digits: int = 2) -> str:
    """With a real minus sign; unknown is a word, not a zero."""
    return "unknown" if value is None else f"{value:.{digits}f}".replace("-", "−")


def blast_radius(look: Mapping[str, Any]) -> dict[str, Any]:
    """Who was touched by the candidate: units counted, calls made, money spent; None is unknown."""
    candidate = look["arms"].get("candidate") or {}
    return {"units": look["units"]["candidate"], "calls": candidate.get("traces"), "cost": candidate.get("cost")}


def _told_metric(metric: Metric) -> str:
    if metric.ci is None:
        counts = f"{metric.n['candidate']} and {metric.n['baseline']}"
        return f"{metric.name} could not be compared ({counts} scored units on candidate and baseline)"
    low, high = metric.ci
    return (
        f"{metric.name} {number(metric.mean['candidate'])} vs {number(metric.mean['baseline'])}, difference "
        f"{number(metric.difference)} [{number(low)}, {number(high)}], margin {metric.margin:g}"
    )


def _told_guardrail(guardrail: Guardrail) -> str:
    n, events = guardrail.n, guardrail.events
    return (
        f"{guardrail.name} {events['candidate']} of {n['candidate']} vs {events['baseline']} of {n['baseline']} units, "
        f"evidence {guardrail.e:.0f} : 1, margin {guardrail.margin:g}"
    )


def _mismatch(look: Look, units: str) -> str:
    split = f"{look.units['candidate']:,} candidate and {look.units['baseline']:,} baseline"
    p = f"p = {look.srm_p:.1g}, χ² p = {look.srm_chi_square_p:.1g}"
    return (
        f"Held for a person after {units}: the split of {split} units is not the one that was asked for ({p}), "
        "so something loses units of one arm and no comparison can be trusted."
    )


def _all(look: Look) -> str:
    return "; ".join(told(part) for part in look.parts)
