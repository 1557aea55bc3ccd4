"""What every test may use, and how all of them behave."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.fixtures.spread import ByFile

pytest_plugins = ["tests.fixtures.ledger", "tests.fixtures.postgresql", "tests.fixtures.server", "tests.fixtures.s3"]

# A busy machine is not a fault of the code: no deadlines. In CI the same examples every time, at a desk new ones.
settings.register_profile("desk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("desk"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "desk")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What will not be run is not loaded: some of it works out what it will send to each operation of the API."""
    unwanted = config.getoption("markexpr") == "not soak" and collection_path == Path(__file__).parent / "soak"
    return True if unwanted else None


def pytest_collection_modifyitems(items: list[pytest.Item], config: pytest.Config) -> None:
    """What is in `tests/soak` is soak, also where it does not say so: otherwise nobody would ever run it. Nor does
    xdist run more than one of the tests that have the same id, and it says nothing."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent / "soak"):
            item.add_marker(pytest.mark.soak)
    alike = [name for name, n in Counter(item.nodeid for item in items).items() if n > 1]
    if alike and hasattr(config, "workerinput"):
        raise pytest.UsageError(f"of several tests with the same id workers run one: {', '.join(alike)}")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)
