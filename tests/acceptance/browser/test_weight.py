"""What the first page costs: bytes on the wire, and no chart library before a chart."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.fakes.ui_world import an_id

pytestmark = pytest.mark.browser

LOADED = "performance.getEntriesByType('resource').map(one => [new URL(one.name).pathname, one.encodedBodySize])"


def test_the_first_page_is_light_and_charts_come_when_needed(opened: Callable[..., Page]) -> None:
    page = opened("/traces")
    expect(page.locator("tbody tr.open").first).to_be_visible()
    first: Any = page.evaluate(LOADED)
    files = [(path, size) for path, size in first if not path.startswith("/api/")]
    assert 100_000 < sum(size for _, size in files) < 600_000
    assert not any("chart" in path for path, _ in files)
    page.goto(page.url.replace("/traces", f"/canaries/{an_id('can', 2)}"))
    expect(page.locator(".chart svg")).to_be_visible()
    assert any("chart" in path for path, _ in page.evaluate(LOADED))
