"""Saved views: kept, replaced, of one project only."""

from typing import Any

import pytest

from assay_server.core.clock import SystemClock
from assay_server.core.errors import InvalidInput, NotFound, TooLarge
from assay_server.governance import Audit
from assay_server.ledger import Ledger
from assay_server.query import Views

PROJECT, OTHER = "prj_test", "prj_other"


@pytest.fixture
def views(any_ledger: Ledger) -> Views:
    return Views(any_ledger, trail(any_ledger), SystemClock())


def trail(ledger: Ledger) -> Audit:
    return Audit(ledger, SystemClock(), lambda text: (text, []))


async def test_a_view_is_kept_and_replaced_by_name(views: Views) -> None:
    await views.put(PROJECT, "user:ida", "slow ones", "traces", {"min_latency_ms": 500})
    await views.put(PROJECT, "user:ida", "errors", "traces", {"status": "error"})
    changed = await views.put(PROJECT, "user:bob", "slow ones", "traces", {"min_latency_ms": 900, "columns": ["cost"]})
    listed = await views.list(PROJECT)
    assert [view["name"] for view in listed] == ["errors", "slow ones"]
    assert listed[1] == changed
    assert (changed["query"], changed["updated_by"]) == ({"min_latency_ms": 900, "columns": ["cost"]}, "user:bob")


async def test_who_changed_a_view_is_in_the_audit_log_and_who_it_is_about_is_not(
    views: Views, any_ledger: Ledger
) -> None:
    hers = {"q": "user:ida@example.org -status:ok late", "columns": ["cost"]}
    await views.put(PROJECT, "user:bob", "hers", "traces", hers)
    await views.put(PROJECT, "user:bob", "hers", "traces", {"q": "user:ida@example.org"})
    await views.put(PROJECT, "user:eve", "hers", "traces", hers)
    await views.delete(PROJECT, "user:eve", "hers")
    events, _, _ = await trail(any_ledger).list(PROJECT)
    assert [(event["actor"], event["action"], event["subject"]) for event in reversed(events)] == [
        ("user:bob", "view.put", "hers"), ("user:bob", "view.put", "hers"),
        ("user:eve", "view.put", "hers"), ("user:eve", "view.delete", "hers"),
    ]  # fmt: skip
    first, other, again = (event["after"]["query"] for event in events[:0:-1])
    assert (first["fields"], other["fields"]) == (["columns", "q", "status", "text", "user"], ["q", "user"])
    assert first == again == events[0]["before"]["query"] != other
    assert "ida" not in str(events)


async def test_projects_do_not_see_each_other(views: Views) -> None:
    await views.put(PROJECT, "user:ida", "mine", "traces", {})
    assert await views.list(OTHER) == []
    with pytest.raises(NotFound):
        await views.delete(OTHER, "user:ida", "mine")
    await views.delete(PROJECT, "user:ida", "mine")
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
        await views.put(PROJECT, "user:ida", name, page, query)
