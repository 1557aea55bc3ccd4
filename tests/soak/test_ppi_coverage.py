"""The coverage of corrected rates, at length: rates, judges, numbers of labels and how these are chosen."""

import random

import pytest

from tests.unit.stats.test_ppi import judged

pytestmark = pytest.mark.soak


@pytest.mark.parametrize("flagged_first", [False, True], ids=["random", "flagged-more"])
@pytest.mark.parametrize("labels", [30, 100, 400])
@pytest.mark.parametrize(("found", "wrongly"), [(0.8, 0.1), (0.6, 0.03), (0.95, 0.01)])
@pytest.mark.parametrize("rate", [0.02, 0.08, 0.25])
def test_coverage(rate: float, found: float, wrongly: float, labels: int, flagged_first: bool) -> None:
    rng = random.Random(f"{rate} {found} {labels} {flagged_first}")
    runs = [
        judged(rng, rate, n=3000, labels=labels, found=found, wrongly=wrongly, flagged_first=flagged_first)
        for _ in range(1000)
    ]
    assert sum(one.lower <= rate <= one.upper for one in runs) / len(runs) >= 0.90
