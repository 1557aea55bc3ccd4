"""The real embedding model, once per worker: its vectors are what the example rests on."""

import os
from collections.abc import Iterator

import pytest

from examples.support.embeddings import MiniLm, VectorCache


@pytest.fixture(scope="session")
def model() -> MiniLm:
    return MiniLm()


@pytest.fixture(scope="session")
def vectors(model: MiniLm, pytestconfig: pytest.Config) -> Iterator[VectorCache]:
    """Vectors of earlier test runs are used again: the weights' hash is part of the file."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    cache = pytestconfig.cache
    found = VectorCache(model, None if cache is None else cache.mkdir("vectors") / f"{worker}.npz")
    yield found
    found.save()
