"""From a look to a move. Pure and total: the same look always gives the same move, whoever asks and whenever.

the split is not what was asked for         -> hold   (nothing measured can be trusted)
a score or a guardrail is proven worse      -> rollback
enough units, nothing looks bad, more steps -> advance
enough units, everything proven not worse,
  at the last step                          -> promote
the budget of units is used up              -> hold   (never ship undecided)
otherwise                                   -> None: wait for evidence
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from assay_server.rollout.look import Look
from assay_server.rollout.plan import Plan
from assay_server.rollout.story import sentence
from assay_server.stats import SRM_THRESHOLD

Action = Literal["start", "advance", "promote", "rollback", "hold", "abort"]
Why = Literal["srm", "worse", "ready", "proven", "budget", "asked"]


@dataclass(frozen=True, slots=True)
class Move:
    """A transition that was decided. It is stored before it is carried out."""

    action: Action
    why: Why
    sentence: str
    at_ns: int
    by: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def decide(plan: Plan, look: Look, by: str) -> Move | None:
    """The move this look calls for, or None."""
    found = _verdict(plan, look)
    if found is None:
        return None
    action, why = found
    told = sentence(plan, look, action, why)
    return Move(action, why, told, look.at_ns, by, told)


def _verdict(plan: Plan, look: Look) -> tuple[Action, Why] | None:
    if look.srm_p is not None and look.srm_p < SRM_THRESHOLD:
        return "hold", "srm"
    if any(part.decision == "worse" for part in look.parts):
        return "rollback", "worse"
    seen = min(look.active.values()) >= plan.min_units
    last = look.step == len(plan.steps) - 1
    if seen and last and all(part.decision == "not_worse" for part in look.parts):
        return "promote", "proven"
    if seen and not last and _nothing_looks_bad(look):
        return "advance", "ready"
    if look.total >= plan.max_units:
        return "hold", "budget"
    return None


def _nothing_looks_bad(look: Look) -> bool:
    """Every score is measured and, as observed, within its margin. A judge that died measures nothing: no advance."""
    measured = all(metric.ci is not None and metric.within_margin for metric in look.metrics)
    return measured and all(part.difference is None or part.difference <= part.margin for part in look.guardrails)
