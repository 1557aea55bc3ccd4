"""Connecting an application: its lines with its key in them, and the first trace announces itself."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.fakes.ui_api import FakeApi
from tests.fakes.ui_search import a_span
from tests.fakes.ui_world import World

pytestmark = pytest.mark.browser

Opened = Callable[..., Page]


def test_a_new_key_stands_in_the_lines_of_the_chosen_client(opened: Opened, ui_api: FakeApi) -> None:
    page = opened("/connect")
    lines = page.locator(".snippet pre")
    expect(lines).to_contain_text("export ASSAY_API_KEY=sk_…")
    page.get_by_role("combobox", name="Client").click()
    page.get_by_role("option", name="OpenTelemetry SDK, gRPC").click()
    expect(page).to_have_url(re.compile("client=otel-grpc"))
    expect(lines).to_contain_text("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317")
    page.get_by_role("button", name="Create one").click()
    expect(lines).to_contain_text('authorization=Bearer sk_new_secret_shown_once"')
    assert ui_api.received == [("POST", "/keys", {"name": "an application", "role": "ingest"})]
    assert "sk_new_secret" not in page.url


def test_grpc_has_the_port_of_this_server(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.grpc_port = 5317
    page = opened("/connect?client=otel-grpc")
    expect(page.locator(".snippet pre")).to_contain_text("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:5317")


def test_a_server_without_grpc_says_so(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.grpc_port = 0
    page = opened("/connect?client=otel-grpc")
    expect(page.get_by_text("This server does not accept OTLP over gRPC")).to_be_visible()
    expect(page.locator(".snippet")).to_have_count(0)


def test_ones_own_key_is_filled_in_and_sent_nowhere(opened: Opened, ui_api: FakeApi) -> None:
    ui_api.world.role = "viewer"
    page = opened("/connect")
    page.get_by_label("Key", exact=True).fill("sk_mine")
    expect(page.locator(".snippet pre")).to_contain_text("export ASSAY_API_KEY=sk_mine")
    expect(page.get_by_role("button", name="Create one")).to_have_count(0)
    assert ui_api.received == []


def test_the_first_trace_announces_itself(opened: Opened, ui_api: FakeApi) -> None:
    full, ui_api.world = ui_api.world, World()
    page = opened("/connect")
    expect(page.get_by_text("Waiting for the first trace…")).to_be_visible()
    ui_api.world = full
    notice = page.get_by_role("status").filter(has_text="Received")
    expect(notice).to_be_visible()
    expect(notice.get_by_role("link")).to_have_attribute("href", f"/traces/{full.traces[0]['trace_id']}")


@pytest.mark.parametrize("start", ["2031-01-01T00:00:00Z", "2020-01-01T00:00:00Z"], ids=["ahead", "behind"])
def test_a_trace_of_a_wrong_clock_announces_itself_too(opened: Opened, ui_api: FakeApi, start: str) -> None:
    """It is not the newest by its time, and the page waited for it for ever."""
    page = opened("/connect")
    expect(page.get_by_text("Waiting for the next trace…")).to_be_visible()
    ui_api.world.telling.append(("span", a_span(7, start=start)))
    notice = page.get_by_role("status").filter(has_text="Received: answer 7")
    expect(notice.get_by_role("link")).to_have_attribute("href", f"/traces/{7:032x}")
    expect(page.get_by_text("According to the sender’s clock it started")).to_be_visible()
