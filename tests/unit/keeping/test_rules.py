"""Rules of retention: what they may say, and which moments follow."""

from typing import Any

import pytest

from assay_server.core.errors import InvalidInput
from assay_server.keeping.rules import DAY_NS, Rule, bounds, media_before, parse, project_rule


def test_rules_are_read_and_the_rest_is_kept() -> None:
    rules = parse(
        [{"environment": None, "metadata_days": 365, "text_days": 30}, {"environment": "staging", "text_days": 7}]
    )
    assert rules == (Rule(None, 365, 30), Rule("staging", None, 7))
    assert project_rule(rules).scores_days is None
    assert project_rule(parse([{"environment": "x", "text_days": 1}])) == Rule()


def test_bounds_count_back_from_the_moment_of_the_pass() -> None:
    whole, staging = bounds(
        parse([{"metadata_days": 2, "text_days": 1}, {"environment": "staging", "text_days": 1}]), 10 * DAY_NS
    )
    assert (whole.rows_before_ns, whole.text_before_ns, whole.others) == (8 * DAY_NS, 9 * DAY_NS, ("staging",))
    assert (staging.rows_before_ns, staging.text_before_ns, staging.environment) == (None, 9 * DAY_NS, "staging")


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        pytest.param([{"metadata_days": 0}], "rules[0].metadata_days", id="zero"),
        pytest.param([{"metadata_days": True}], "rules[0].metadata_days", id="true"),
        pytest.param([{"text_days": "30"}], "rules[0].text_days", id="text"),
        pytest.param([{"text_days": 40_000}], "rules[0].text_days", id="too-long"),
        pytest.param([{"metadata_days": 7, "text_days": 30}], "rules[0].text_days", id="text-outlives-span"),
        pytest.param([{"environment": "x", "scores_days": 3}], "rules[0].scores_days", id="scores-of-environment"),
        pytest.param([{"environment": ""}], "rules[0].environment", id="no-name"),
        pytest.param([{"days": 3}], "rules[0].days", id="unknown-field"),
        pytest.param([{"text_days": 1}, {"text_days": 2}], "rules", id="two-of-the-project"),
        pytest.param([{"environment": "a"}, {"environment": "a"}], "rules", id="two-of-an-environment"),
        pytest.param([{"environment": str(n)} for n in range(51)], "rules", id="too-many"),
    ],
)
def test_a_wrong_rule_is_named(rules: list[dict[str, Any]], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse(rules)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("rules", "days"),
    [
        ([], None),
        ([Rule("staging", 30, 7)], None),
        ([Rule(None, 365, 30)], 30),
        ([Rule(None, 365, None)], 365),
        ([Rule(None, 365, 30), Rule("staging", None, 60)], 60),
        ([Rule(None, 365, 30), Rule("staging")], None),
    ],
)
def test_media_stay_as_long_as_any_rule_keeps_text(rules: list[Rule], days: int | None) -> None:
    assert media_before(rules, 1000 * DAY_NS) == (None if days is None else (1000 - days) * DAY_NS)
