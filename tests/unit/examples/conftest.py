"""The real embedding model, once per worker: its vectors are what the example rests on."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the workers share the cores

import pytest

from examples.support.embeddings import MiniLm, VectorCache


@pytest.fixture(scope="session")
def vectors() -> VectorCache:
    return VectorCache(MiniLm())
