"""Metrics as people write them."""

from typing import Any

import pytest

from assay_server.core.errors import InvalidInput
from assay_server.query import Metric, label_of, metric_json, parse_metric, unit_of

GROUNDED = {"name": "score_rate", "score": "groundedness", "below": 0.5}


@pytest.mark.parametrize(
    ("given", "label"),
    [
        (GROUNDED, "share of groundedness below 0.5"),
        (
            {"name": "score_rate", "score": "toxicity", "source": "judge", "above": 0},
            "share of toxicity by judge above 0",
        ),
        ({"name": "score", "score": "tone", "source": "human"}, "score tone by human"),
        ({"name": "judgements", "score": "tone"}, "judgements of tone"),
        ({"name": "latency", "quantile": 0.5}, "latency p50"),
    ],
)
def test_a_metric_is_read_as_it_is_written_and_has_its_name(given: dict[str, Any], label: str) -> None:
    metric = parse_metric(given)
    assert (metric_json(metric), label_of(metric)) == (given, label)


def test_a_share_of_scores_is_a_share() -> None:
    assert unit_of(Metric("score_rate", score="tone", below=1.0)) == "share"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "score_rate", "score": "tone"}, "metric.below"),
        (GROUNDED | {"above": 0.9}, "metric.below"),
        (GROUNDED | {"below": "low"}, "metric.below"),
        (GROUNDED | {"below": True}, "metric.below"),
        (GROUNDED | {"below": float("nan")}, "metric.below"),
        ({"name": "score_rate", "below": 0.5}, "metric.score"),
        (GROUNDED | {"source": "me"}, "metric.source"),
        ({"name": "score", "score": "tone", "below": 0.5}, "metric.below"),
    ],
)
def test_what_cannot_be_measured_names_the_field(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_metric(given)
    assert refused.value.field == field
