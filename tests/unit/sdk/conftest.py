"""A fake server, and the SDK connected to it."""

from collections.abc import Iterator

import pytest

import assay
from tests.fakes.rest import FakeServer, serving


@pytest.fixture
def fake_rest() -> Iterator[FakeServer]:
    with serving() as server:
        yield server


@pytest.fixture
def connected(fake_rest: FakeServer) -> Iterator[FakeServer]:
    assay.init(fake_rest.url, "sk_test")
    yield fake_rest
    assay.shutdown(0.5)
