"""What a canary was asked to do: steps, what to watch, when to stop. Fixed at the start, validated at once."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any, Literal

from assay_server.core.errors import InvalidInput

Direction = Literal["higher", "lower"]

GUARDRAILS = ("error_rate",)

_MOST_SCORES = 10


@dataclass(frozen=True, slots=True)
class Watched:
    """A score that must not get worse by more than `margin`, in the score's own unit."""

    name: str
    margin: float
    direction: Direction = "higher"

    @property
    def sign(self) -> int:
        """Multiplied with this, more is always better."""
        return 1 if self.direction == "higher" else -1


@dataclass(frozen=True, slots=True)
class Plan:
    """`min_units`: units per arm that must have been active in a step before it may end.
    `max_units`: units over both arms after which an undecided canary is held for a person.
    `alpha`: chance of a false rollback, and of promoting a loss at the margin, over the whole canary.
    """

    scores: tuple[Watched, ...]
    steps: tuple[float, ...] = (20, 50)
    unit: str = "user"
    alpha: float = 0.05
    min_units: int = 50
    max_units: int = 10_000
    guardrails: Mapping[str, float] = field(default_factory=dict)  # name -> margin

    def to_json(self) -> dict[str, Any]:
        document = asdict(self)
        document["steps"], document["scores"] = list(self.steps), [asdict(score) for score in self.scores]
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Plan":
        scores = tuple(Watched(**score) for score in document["scores"])
        return cls(**{**document, "scores": scores, "steps": tuple(document["steps"])})

    @property
    def harms(self) -> int:
        """How many ways there are to be rolled back: each gets its part of `alpha` (Bonferroni)."""
        return len(self.scores) + len(self.guardrails)


def check(plan: Plan) -> Plan:
    """The plan, if it can be carried out. Raises InvalidInput for the first field that cannot."""
    _steps(plan.steps)
    _scores(plan.scores)
    if plan.unit != "user":
        fix = "user: a call without one is assigned by its session, else by its trace"
        raise InvalidInput("Arms are not assigned by that.", field="unit", value=plan.unit, fix=fix)
    if not 0 < plan.alpha <= 0.2:
        raise InvalidInput("alpha is a chance of error.", field="alpha", value=plan.alpha, fix="above 0, at most 0.2")
    if plan.min_units < 1:
        raise InvalidInput("A step needs units.", field="min_units", value=plan.min_units, fix="1 or more")
    if plan.max_units < 2 * plan.min_units:
        fix = f"at least {2 * plan.min_units}, or a smaller min_units"
        raise InvalidInput("The budget ends before one step can.", field="max_units", value=plan.max_units, fix=fix)
    _guardrails(plan.guardrails)
    return plan


def _steps(steps: Sequence[float]) -> None:
    growing = all(before < after for before, after in pairwise(steps))
    if not steps or not growing or not all(0 < share < 100 for share in steps):
        raise InvalidInput(
            "Steps are growing shares in percent; a comparison needs both arms, so 100 is not a step.",
            field="steps",
            value=list(steps),
            fix="such as [20, 50]; after the last one the candidate gets everything",
        )


def _scores(scores: Sequence[Watched]) -> None:
    names = [score.name for score in scores]
    if not 0 < len(scores) <= _MOST_SCORES or len(set(names)) != len(names):
        fix = f'1 to {_MOST_SCORES} different scores, such as [{{"name": "user_feedback", "margin": 0.05}}]'
        raise InvalidInput("A canary is decided by scores.", field="scores", value=names, fix=fix)
    for score in scores:
        if not score.margin > 0:
            raise InvalidInput(
                "Without a margin no sample is ever large enough to show that nothing got worse.",
                field="scores.margin",
                value=score.margin,
                fix="the largest loss you would accept, above 0",
            )
        if score.direction not in ("higher", "lower"):
            raise InvalidInput(field="scores.direction", value=score.direction, fix="higher or lower is better")


def _guardrails(guardrails: Mapping[str, float]) -> None:
    for name, margin in guardrails.items():
        if name not in GUARDRAILS:
            raise InvalidInput("There is no such guardrail.", field="guardrails", value=name, fix=", ".join(GUARDRAILS))
        if not 0 <= margin < 1:
            raise InvalidInput(
                "A margin is a difference of rates.", field=f"guardrails.{name}", value=margin, fix="0 or more, below 1"
            )
