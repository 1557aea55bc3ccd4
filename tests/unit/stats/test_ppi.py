"""A planted rate is recovered from a judge that errs and few human labels, and the interval says how surely."""

import random

import pytest

from assay_server.stats import CorrectedRate, Verdict, corrected_rate


def judged(
    rng: random.Random, rate: float, *, n: int = 1500, labels: int = 100, found: float = 0.8, wrongly: float = 0.1,
    flagged_first: bool = False,
) -> CorrectedRate:  # fmt: skip
    """The judge flags `found` of the bad answers and `wrongly` of the good ones; people label some of both."""
    answers = [(bad, rng.random() < (found if bad else wrongly)) for bad in (rng.random() < rate for _ in range(n))]
    order = rng.sample(answers, n)
    if flagged_first:
        flagged, others = [one for one in order if one[1]], [one for one in order if not one[1]]
        half = min(len(flagged), labels // 2)
        order = flagged[:half] + others[: labels - half]
    labelled = order[:labels]

    def verdict(flag: bool) -> Verdict:
        mine = [bad for bad, said in labelled if said == flag]
        return Verdict(sum(said == flag for _, said in answers), len(mine), sum(mine))

    return corrected_rate(verdict(True), verdict(False))


@pytest.mark.parametrize("flagged_first", [False, True], ids=["labels at random", "flagged answers labelled more"])
@pytest.mark.parametrize("rate", [0.03, 0.1, 0.3])
def test_a_planted_rate_is_recovered_and_covered(rate: float, flagged_first: bool) -> None:
    rng = random.Random(f"{rate} {flagged_first}")
    found = [judged(rng, rate, flagged_first=flagged_first) for _ in range(150)]
    values = [one.value for one in found if one.value is not None]
    assert sum(values) / len(values) == pytest.approx(rate, abs=0.012)
    # 150 runs at a level of 95 %: fewer than 134 happen once in 2,000 such tests.
    assert sum(one.lower <= rate <= one.upper for one in found) >= 134


def test_the_judge_alone_would_be_wrong() -> None:
    rng = random.Random(7)
    uncorrected = 0.05 * 0.8 + 0.95 * 0.1
    found = judged(rng, 0.05, n=20_000, labels=2000)
    assert found.upper < uncorrected
    assert found.value == pytest.approx(0.05, abs=0.015)


def test_worked_out_by_hand() -> None:
    # 100 flagged of 1,000; of 10 labelled flagged ones 8 are bad, of 40 labelled others 2: 0.1 * 0.8 + 0.9 * 0.05.
    found = corrected_rate(Verdict(100, 10, 8), Verdict(900, 40, 2))
    assert found.value == pytest.approx(0.125)
    assert (found.n, found.labels) == (1000, 50)
    assert 0 < found.lower < 0.125 < found.upper < 1


def test_without_labels_of_one_verdict_nothing_is_claimed() -> None:
    found = corrected_rate(Verdict(100, 10, 8), Verdict(900, 0, 0))
    assert found.value is None
    assert (found.lower, found.upper) == (pytest.approx(0.07, abs=0.02), pytest.approx(0.98, abs=0.02))
    assert corrected_rate(Verdict(0, 0, 0), Verdict(900, 40, 2)).value == pytest.approx(0.05)
    with pytest.raises(ValueError, match="at least one"):
        corrected_rate(Verdict(0, 0, 0), Verdict(0, 0, 0))


def test_more_labels_make_it_surer() -> None:
    few, many = (
        corrected_rate(Verdict(100, 10, 8), Verdict(900, 40, 2)),
        corrected_rate(Verdict(100, 50, 40), Verdict(900, 200, 10)),
    )
    assert many.upper - many.lower < few.upper - few.lower
