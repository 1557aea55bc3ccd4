"""Means and rates against scipy, published values and hand-worked ones."""

import math

import pytest
from scipy import stats as reference

from assay_server.stats import clopper_pearson, mean, p_below, wilson
from assay_server.stats.estimate import spread

UNIT = (0.0, 1.0)


def test_the_t_interval_is_scipys() -> None:
    values = [101.0, 98.5, 120.2, 99.1, 104.4, 97.0, 131.9]
    found = mean(values)
    expected = reference.t.interval(0.95, len(values) - 1, reference.tmean(values), reference.sem(values))
    assert found.ci == pytest.approx(expected)
    assert (found.n, found.clusters, found.method) == (7, 7, "t")


@pytest.mark.parametrize(("successes", "n"), [(8, 10), (50, 80), (79, 160)])
def test_wilson_and_clopper_pearson_are_scipys(successes: int, n: int) -> None:
    for ours, method in ((wilson, "wilson"), (clopper_pearson, "exact")):
        theirs = reference.binomtest(successes, n).proportion_ci(method=method)
        assert ours(successes, n) == pytest.approx((theirs.low, theirs.high))


def test_wilson_is_newcombes_published_example() -> None:
    # Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_a_rate_uses_wilson_on_nearly_its_own_n() -> None:
    values = [1.0] * 60 + [0.0] * 20
    found = mean(values, limits=UNIT)
    low, high = wilson(60, 80)
    assert found.method == "wilson"
    assert found.ci == pytest.approx((low, high), abs=0.005)
    assert found.ci[0] <= low  # never narrower: its variance is itself estimated


def test_rare_outcomes_take_the_exact_interval() -> None:
    assert mean([1.0] * 78 + [0.0] * 2, limits=UNIT).method == "clopper-pearson"


def test_the_clustered_error_by_hand() -> None:
    # residuals of the mean 2.5: a = -1.5 - 0.5 = -2, b = 0.5 + 1.5 = 2; sqrt((4 + 4) * 2/1) / 4 = 1
    found = spread([1.0, 2.0, 3.0, 4.0], ["a", "a", "b", "b"])
    assert (found.mean, found.clusters, found.df) == (2.5, 2, 1)
    assert found.se == pytest.approx(1.0)


def test_clusters_of_one_change_nothing() -> None:
    values = [0.1, 0.4, 0.35, 0.8]
    assert spread(values, ["a", "b", "c", "d"]).se == pytest.approx(spread(values).se)
    assert spread(values).se == pytest.approx(reference.sem(values))


def test_copies_of_items_in_a_cluster_buy_no_certainty() -> None:
    values = [0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0]
    copied = [value for value in values for _ in range(5)]
    names = [str(index) for index in range(len(values)) for _ in range(5)]
    once, clustered, blind = mean(values, limits=UNIT), mean(copied, names, limits=UNIT), mean(copied, limits=UNIT)
    assert clustered.ci == pytest.approx(once.ci)
    assert blind.ci[1] - blind.ci[0] < 0.7 * (once.ci[1] - once.ci[0])


@pytest.mark.parametrize("n", [1, 8, 20, 80])
def test_perfection_is_bounded_exactly(n: int) -> None:
    found = mean([1.0] * n, limits=UNIT)
    assert found.ci == pytest.approx((0.025 ** (1 / n), 1.0))
    assert found.ci == pytest.approx(clopper_pearson(n, n))


def test_without_variance_clusters_count_not_items() -> None:
    found = mean([1.0] * 80, [str(index % 10) for index in range(80)], limits=UNIT)
    assert found.lower == pytest.approx(0.025 ** (1 / 10))


def test_without_variance_and_without_a_range_nothing_is_claimed() -> None:
    found = mean([250.0] * 50, limits=(0.0, None))
    assert (found.lower, found.upper) == (pytest.approx(250 * 0.025 ** (1 / 50)), None)
    assert found.ci is None


def test_what_is_never_negative_has_no_interval_below_zero() -> None:
    found, free = mean([0.001, 0.02], limits=(0.0, None)), mean([0.001, 0.02])
    assert (found.lower, found.upper) == (0.0, free.upper)
    assert free.lower is not None
    assert free.lower < 0


def test_one_cluster_says_nothing() -> None:
    found = mean([0.0, 1.0, 1.0], ["a", "a", "a"], limits=UNIT)
    assert (found.ci, p_below([0.0, 1.0, 1.0], 0.9, ["a", "a", "a"], limits=UNIT)) == (None, 1.0)


def test_no_values_are_no_mean() -> None:
    with pytest.raises(ValueError, match="at least one"):
        mean([])


def test_p_values_are_those_of_scipy() -> None:
    values = [101.0, 98.5, 120.2, 99.1, 104.4]
    assert p_below(values, 110.0) == pytest.approx(reference.ttest_1samp(values, 110.0, alternative="less").pvalue)
    rare = [1.0] * 78 + [0.0] * 2
    exact = reference.binomtest(2, 80, 0.1, alternative="greater").pvalue
    # 2 failures of 80 where at most 10 % may fail: far from "too many"
    assert p_below(rare, 0.9, limits=UNIT) > 0.9
    assert exact > 0.9
    assert p_below([0.0] * 10, 0.5, limits=UNIT) == pytest.approx(0.5**10)


def test_bars_outside_the_range_are_certain() -> None:
    values = [0.0, 1.0, 1.0, 0.5]
    assert p_below(values, -0.1, limits=UNIT) == 1.0
    assert p_below(values, 1.1, limits=UNIT) == 0.0
    assert p_below([1.0] * 5, 1.2, limits=UNIT) == 0.0
    assert not math.isnan(p_below([1.0] * 5, 1.0, limits=UNIT))
