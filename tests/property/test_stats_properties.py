"""What must hold for any data: intervals hold their estimate, order and relabelling change nothing."""

import itertools

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from assay_server.stats import holm, mean, p_below, paired_difference

scores = st.floats(0, 1).map(lambda value: round(value, 3))
samples = st.lists(st.tuples(scores, scores, st.integers(0, 6)), min_size=1, max_size=60)
UNIT = (0.0, 1.0)


@given(samples)
def test_an_interval_holds_its_mean_and_stays_in_range(rows: list[tuple[float, float, int]]) -> None:
    found = mean([row[0] for row in rows], [str(row[2]) for row in rows], limits=UNIT)
    if found.ci is not None:
        low, high = found.ci
        assert -1e-12 <= low <= found.value + 1e-9
        assert found.value - 1e-9 <= high <= 1 + 1e-12


@given(samples, st.randoms(use_true_random=False))
def test_the_order_of_items_does_not_matter(rows: list[tuple[float, float, int]], random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    def judged(data: list[tuple[float, float, int]]) -> tuple[float, float | None]:
        found = paired_difference([r[0] for r in data], [r[1] for r in data], [str(r[2]) for r in data], width=1.0)
        return round(found.difference.value, 9), None if found.difference.lower is None else round(
            found.difference.lower, 9
        )

    assert judged(rows) == judged(shuffled)


@given(st.lists(st.tuples(scores, scores), min_size=2, max_size=60))
def test_more_doubt_in_a_wider_interval(rows: list[tuple[float, float]]) -> None:
    before, after = [r[0] for r in rows], [r[1] for r in rows]
    wide = paired_difference(before, after, width=1.0, alpha=0.01).difference
    narrow = paired_difference(before, after, width=1.0, alpha=0.1).difference
    assert wide.ci is not None
    assert narrow.ci is not None
    assert wide.ci[0] <= narrow.ci[0]
    assert narrow.ci[1] <= wide.ci[1]


@given(st.lists(scores, min_size=2, max_size=60), scores)
@settings(max_examples=200)
def test_a_p_value_and_its_interval_agree(values: list[float], bar: float) -> None:
    found = mean(values, limits=UNIT)
    assert found.upper is not None
    assume(abs(found.upper - bar) > 1e-6)
    assert (p_below(values, bar, limits=UNIT) < 0.025) == (found.upper < bar)


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_only_raises_and_keeps_the_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(p <= q <= 1 for p, q in zip(p_values, adjusted, strict=True))
    ranked = sorted(zip(p_values, adjusted, strict=True))
    assert all(a[1] <= b[1] for a, b in itertools.pairwise(ranked))


@given(st.integers(1, 300))
def test_eight_or_three_hundred_equal_pairs_never_reach_certainty(n: int) -> None:
    found = paired_difference([1.0] * n, [1.0] * n, width=1.0).difference
    assert found.ci is not None
    assert found.ci[0] < 0 < found.ci[1]
