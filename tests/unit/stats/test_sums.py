"""An interval from a database's sums is the one from the values."""

import random

import pytest

from assay_server.stats import Sums, distinct_of_minima, mean, mean_of_sums


def sums_of(values: list[float], clusters: list[str]) -> Sums:
    groups: dict[str, list[float]] = {}
    for value, cluster in zip(values, clusters, strict=True):
        groups.setdefault(cluster, []).append(value)
    return Sums(
        n=len(values),
        total=sum(values),
        squares=sum(value * value for value in values),
        clusters=len(groups),
        cluster_squares=sum(sum(group) ** 2 for group in groups.values()),
        cross=sum(sum(group) * len(group) for group in groups.values()),
        sizes=sum(len(group) ** 2 for group in groups.values()),
        low=min(values),
        high=max(values),
    )


@pytest.mark.parametrize("limits", [(0.0, 1.0), (None, None)], ids=["rate", "any"])
@pytest.mark.parametrize("kind", ["flags", "scores", "rare", "unanimous", "one cluster"])
def test_sums_say_what_values_say(kind: str, limits: tuple[float | None, float | None]) -> None:
    rng = random.Random(kind)
    clusters = ["only" if kind == "one cluster" else f"t{rng.randrange(40)}" for _ in range(150)]
    bias = {cluster: rng.random() for cluster in sorted(set(clusters))}
    make = {
        "flags": lambda c: float(rng.random() < bias[c]),
        "scores": lambda c: round((bias[c] + rng.random()) / 2, 2),
        "rare": lambda c: float(rng.random() < 0.02),
        "unanimous": lambda _: 1.0,
        "one cluster": lambda _: rng.random(),
    }[kind]
    values = [make(cluster) for cluster in clusters]
    expected = mean(values, clusters, limits=limits)
    found = mean_of_sums(sums_of(values, clusters), limits=limits)
    assert (found.n, found.clusters, found.method) == (expected.n, expected.clusters, expected.method)
    assert found.value == pytest.approx(expected.value)
    assert found.ci == (expected.ci if expected.ci is None else pytest.approx(expected.ci))


def test_random_groups_spread_as_their_clusters_do() -> None:
    """Wolter's random groups: the standard error is off by 2 % on average with 1,024 of them."""
    rng = random.Random(9)
    values, clusters, groups = [], [], []
    for cluster in range(20_000):
        bias, group = rng.random() ** 3, f"g{rng.randrange(1024)}"
        for _ in range(rng.randrange(1, 6)):
            values.append(float(rng.random() < bias))
            clusters.append(f"t{cluster}")
            groups.append(group)
    expected = mean_of_sums(sums_of(values, clusters), limits=(0.0, 1.0))
    found = mean_of_sums(sums_of(values, groups), limits=(0.0, 1.0))
    assert found.value == expected.value
    assert found.se is not None
    assert found.se == pytest.approx(expected.se, rel=0.07)
    assert found.se != expected.se
    alone = mean_of_sums(sums_of(values, [str(at) for at in range(len(values))]), limits=(0.0, 1.0))
    assert alone.se is not None
    assert found.se > 1.2 * alone.se  # who takes values that go together for independent ones sees less


def test_a_rate_without_exception_is_bounded_by_its_clusters_not_by_its_groups() -> None:
    many = Sums(90_000, 0.0, 0.0, 1024, 0.0, 0.0, 8e6, 0.0, 0.0, units=30_000)
    found = mean_of_sums(many, limits=(0.0, 1.0))
    assert (found.clusters, found.method) == (30_000, "exact")
    assert found.ci == mean_of_sums(sums_of([0.0] * 30_000, [str(at) for at in range(30_000)]), limits=(0.0, 1.0)).ci


@pytest.mark.parametrize("things", [1, 100, 1_000, 3_000, 30_000, 300_000])
def test_things_are_counted_by_the_smallest_of_each_group(things: int) -> None:
    rng = random.Random(things)
    smallest: dict[int, float] = {}
    for _ in range(things):
        group = rng.randrange(1024)
        smallest[group] = min(rng.random(), smallest.get(group, 1.0))
    found = distinct_of_minima(len(smallest), sum(smallest.values()))
    assert found == pytest.approx(things, rel=0.35 if things <= 100 else 0.12, abs=1)
    assert found >= len(smallest)
