"""What every test may use, and how all of them behave."""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.fixtures.spread import ByFile

pytest_plugins = ["tests.fixtures.ledger", "tests.fixtures.postgresql", "tests.fixtures.server", "tests.fixtures.s3"]

# A busy machine is not a fault of the code: no deadlines. In CI the same examples every time, at a desk new ones.
settings.register_profile("desk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("desk"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "desk")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)
