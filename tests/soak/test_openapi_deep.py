"""Every operation of the API with a hundred requests nobody thought of, new ones in each run."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from schemathesis import Case

from tests.fixtures.server import RunningServer
from tests.integration.test_openapi import assert_kept, schema

_EXAMPLES = 100
SCHEMA = schema(_EXAMPLES, deterministic=False)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server of its own, with a folder for exports."""
    folder = tmp_path_factory.mktemp("deep")
    running = RunningServer(folder / "data", ASSAY_EXPORT_DIR=str(folder / "exports")).start()
    yield running
    running.kill()


@pytest.mark.soak
@pytest.mark.timeout(1800)
@SCHEMA.parametrize()  # type: ignore[untyped-decorator]
@settings(max_examples=_EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_operation_breaks_on_a_hundred_requests(case: Case[Any], target: RunningServer) -> None:
    assert_kept(case, target)
