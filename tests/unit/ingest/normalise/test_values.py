"""Numbers as clients send them: what cannot be added up with others is no number."""

import math
from typing import Any

import pytest

from assay_server.ingest import within
from assay_server.ingest.normalise.values import count_of, number_of


@pytest.mark.parametrize(
    ("sent", "count"),
    [(12, 12), ("12", 12), (1.7, 1), (10**12, 10**12), (10**12 + 1, None), (2**62, None), (1e30, None), (-1, None)],
)
def test_no_model_read_more_than_a_trillion_tokens(sent: Any, count: int | None) -> None:
    """Two counts of 2**62 are beyond the store's whole numbers: costs, users and steps of a project were an error,
    and calls of all projects were settled no more."""
    assert count_of(sent) == count


@pytest.mark.parametrize("sent", [math.nan, math.inf, 1e300, 10**400, "1e300", -1.0, True])
def test_what_is_no_amount_is_none(sent: Any) -> None:
    assert number_of(sent) is None


def test_a_score_may_be_negative_and_has_an_end() -> None:
    assert [within(value) for value in (-1e15, 0.5, 1e15)] == [True, True, True]
    assert [within(value) for value in (math.nan, math.inf, -math.inf, 1e16, 10**400)] == [False] * 5
