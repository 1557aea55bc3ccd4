"""Paired differences against scipy and hand-worked values; the degenerate cases most of all."""

import pytest
from scipy import stats as reference

from assay_server.stats import holm, items_needed, mcnemar, mean, minimum_detectable, paired_difference, sign_flip


@pytest.mark.parametrize(("n", "bound"), [(8, 0.3694), (72, 0.0499), (80, 0.0451)])
def test_identical_runs_are_not_certain_to_be_equal(n: int, bound: float) -> None:
    found = paired_difference([1.0] * n, [1.0] * n, width=1.0)
    assert found.difference.ci == pytest.approx((-bound, bound), abs=1e-4)
    assert found.difference.ci == pytest.approx((-(1 - 0.025 ** (1 / n)), 1 - 0.025 ** (1 / n)))
    assert (found.p_worse, found.difference.method) == (1.0, "exact")


def test_identical_differences_count_clusters_not_items() -> None:
    names = [str(index % 8) for index in range(80)]
    found = paired_difference([0.5] * 80, [0.5] * 80, names, width=1.0)
    assert found.difference.lower == pytest.approx(-(1 - 0.025 ** (1 / 8)))


def test_a_uniform_fall_is_significant_by_the_sign_test() -> None:
    found = paired_difference([1.0] * 10, [0.8] * 10, width=1.0)
    assert found.p_worse == pytest.approx(0.5**10)
    assert found.difference.upper > found.difference.value > found.difference.lower


def test_without_a_range_identical_differences_bound_nothing() -> None:
    assert paired_difference([10.0] * 50, [10.0] * 50).difference.ci is None


def test_mcnemar_is_the_sign_test() -> None:
    assert mcnemar(2, 9) == pytest.approx(reference.binomtest(9, 11, 0.5, alternative="greater").pvalue)
    assert mcnemar(5, 0) == 1.0


def test_binary_pairs_take_mcnemar_and_bonett_and_prices_interval() -> None:
    before = [1.0] * 60 + [0.0] * 20
    after = [0.0] * 6 + [1.0] * 54 + [1.0] * 2 + [0.0] * 18
    found = paired_difference(before, after, width=1.0)
    assert (found.p_method, found.p_worse) == ("exact McNemar", pytest.approx(mcnemar(2, 6)))
    assert found.difference.value == pytest.approx(-4 / 80)
    # Bonett & Price 2012: p12 = 7/82, p21 = 3/82, variance (p12 + p21 - (p21 - p12)^2) / 82; with t for z
    p12, p21 = 7 / 82, 3 / 82
    half = reference.t.ppf(0.975, 79) * ((p12 + p21 - (p21 - p12) ** 2) / 82) ** 0.5
    low, high = p21 - p12 - half, p21 - p12 + half
    assert found.difference.ci == pytest.approx((low, high), abs=6e-4)  # C/(C-1) is the rest


def test_the_permutation_test_agrees_with_scipys() -> None:
    differences = [-0.3, 0.1, -0.2, -0.25, 0.05, -0.4, -0.1, 0.0, -0.15, -0.05]
    theirs = reference.permutation_test(
        (differences,), sum, permutation_type="samples", alternative="less", n_resamples=10_000
    )  # exact: 2^10 sign patterns
    assert sign_flip(differences) == pytest.approx(theirs.pvalue, abs=0.003)


def test_the_permutation_test_flips_whole_clusters() -> None:
    # twenty copies of one observation are one observation
    differences, names = [-0.5] * 20 + [0.1], ["a"] * 20 + ["b"]
    assert sign_flip(differences, names) > 0.2
    assert sign_flip(differences) < 0.001


def test_the_same_inputs_give_the_same_p_to_the_last_bit() -> None:
    differences = [(-1) ** n * n / 97 for n in range(40)]
    assert sign_flip(differences) == sign_flip(differences)


def test_the_sides_are_mirror_images() -> None:
    a = [0.2, 0.5, 0.9, 0.4, 0.7, 0.1]
    b = [0.3, 0.4, 0.9, 0.6, 0.2, 0.1]
    one, other = paired_difference(a, b, width=1.0).difference, paired_difference(b, a, width=1.0).difference
    assert one.ci is not None
    assert other.ci == pytest.approx((-one.ci[1], -one.ci[0]))


def test_one_cluster_says_nothing() -> None:
    found = paired_difference([0.1, 0.5], [0.9, 0.2], ["a", "a"], width=1.0)
    assert (found.difference.ci, found.p_worse) == (None, 1.0)


def test_no_pairs_are_no_difference() -> None:
    with pytest.raises(ValueError, match="at least one"):
        paired_difference([], [])


def test_holm_by_hand() -> None:
    # sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1, made monotone
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_planning() -> None:
    # two-sided 5 %, 80 % power: 1.959964 + 0.841621 = 2.801585
    assert minimum_detectable(0.01) == pytest.approx(0.02801585)
    assert minimum_detectable(None) is None
    values = [0.0, 1.0] * 50
    found = mean(values, limits=(0.0, 1.0))
    assert found.se is not None
    assert items_needed(found, 0.1) == pytest.approx(100 * (2.801585 * found.se / 0.1) ** 2, abs=1)
    assert items_needed(found, 0.0) is None
    assert items_needed(found, 1e-9) is None  # no plan


def test_planning_without_variance_asks_for_the_exact_bound() -> None:
    same = paired_difference([1.0] * 8, [1.0] * 8, width=1.0).difference
    assert items_needed(same, 0.05, width=1.0) == 72  # 1 - 0.025^(1/72) < 0.05 <= 1 - 0.025^(1/71)
    assert items_needed(same, 0.05) is None
