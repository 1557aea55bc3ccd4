"""What a canary may be asked to do."""

from typing import Any

import pytest

from assay_server.core.errors import InvalidInput
from assay_server.rollout.plan import Plan, Watched, check

GOOD: dict[str, Any] = {"scores": (Watched("user_feedback", 0.05),)}


def test_the_default_plan_is_sound_and_survives_storage() -> None:
    plan = check(Plan(**GOOD, guardrails={"error_rate": 0.02}))
    assert Plan.from_json(plan.to_json()) == plan
    assert plan.harms == 2


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("steps", {"steps": ()}),
        ("steps", {"steps": (50, 20)}),
        ("steps", {"steps": (20, 100)}),
        ("steps", {"steps": (0, 20)}),
        ("scores", {"scores": ()}),
        ("scores", {"scores": (Watched("a", 0.1), Watched("a", 0.2))}),
        ("scores.margin", {"scores": (Watched("a", 0.0),)}),
        ("scores.margin", {"scores": (Watched("a", float("nan")),)}),
        ("scores.direction", {"scores": (Watched("a", 0.1, "sideways"),)}),  # type: ignore[arg-type]
        ("unit", {"unit": "planet"}),
        ("alpha", {"alpha": 0.0}),
        ("alpha", {"alpha": 0.5}),
        ("min_units", {"min_units": 0}),
        ("max_units", {"min_units": 100, "max_units": 150}),
        ("guardrails", {"guardrails": {"mood": 0.1}}),
        ("guardrails.error_rate", {"guardrails": {"error_rate": -0.1}}),
    ],
)
def test_a_plan_that_cannot_be_carried_out_names_its_field(field: str, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        check(Plan(**(GOOD | change)))
    assert caught.value.field == field
    assert caught.value.fix
