"""Saved views: kept, replaced, of one project only."""

from typing import Any

import pytest

from assay_server.core.clock import SystemClock
from assay_server.core.errors import InvalidInput, NotFound, TooLarge
from assay_server.ledger import Ledger
from assay_server.query import Views

PROJECT, OTHER = "prj_test", "prj_other"


@pytest.fixture
def views(any_ledger: Ledger) -> Views:
    return Views(any_ledger, SystemClock())


async def test_a_view_is_kept_and_replaced_by_name(views: Views) -> None:
    await views.put(PROJECT, "user:ada", "slow ones", "traces", {"min_latency_ms": 500})
    await views.put(PROJECT, "user:ada", "errors", "traces", {"status": "error"})
    changed = await views.put(PROJECT, "user:bob", "slow ones", "traces", {"min_latency_ms": 900, "columns": ["cost"]})
    listed = await views.list(PROJECT)
    assert [view["name"] for view in listed] == ["errors", "slow ones"]
    assert listed[1] == changed
    assert (changed["query"], changed["updated_by"]) == ({"min_latency_ms": 900, "columns": ["cost"]}, "user:bob")


async def test_projects_do_not_see_each_other(views: Views) -> None:
    await views.put(PROJECT, "user:ada", "mine", "traces", {})
    assert await views.list(OTHER) == []
    with pytest.raises(NotFound):
        await views.delete(OTHER, "mine")
    await views.delete(PROJECT, "mine")
    assert await views.list(PROJECT) == []


@pytest.mark.parametrize(
    ("name", "page", "query", "error"),
    [
        ("", "traces", {}, InvalidInput),
        ("a/b", "traces", {}, InvalidInput),
        (" a", "traces", {}, InvalidInput),
        ("x" * 101, "traces", {}, InvalidInput),
        ("a", "../x", {}, InvalidInput),
        ("a", "traces", {"text": "x" * 10_000}, TooLarge),
    ],
)
async def test_what_is_wrong_is_told(
    views: Views, name: str, page: str, query: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await views.put(PROJECT, "user:ada", name, page, query)
