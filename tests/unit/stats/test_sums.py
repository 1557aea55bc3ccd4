"""An interval from a database's sums is the one from the values."""

import random

import pytest

from assay_server.stats import Sums, mean, mean_of_sums


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
