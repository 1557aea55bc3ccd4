"""What every test may use, and how all of them behave."""

import os

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.fixtures.ledger", "tests.fixtures.postgresql", "tests.fixtures.server", "tests.fixtures.s3"]

# A busy machine is not a fault of the code: no deadlines. In CI the same examples every time, at a desk new ones.
settings.register_profile("desk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("desk"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "desk")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share an expensive start (vectors of the whole corpus, a server) share a worker."""
    for item in items:
        path = item.path.as_posix()
        if "/tests/integration/examples/" in path:
            item.add_marker(pytest.mark.xdist_group("examples"))
        elif "/tests/acceptance/browser/" in path:
            item.add_marker(pytest.mark.xdist_group(f"browser-{item.path.stem}"))
