"""The cost API over the real rooms: prices, breakdowns, reports, and who may ask."""

import csv
import io
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from assay_server.api import problems
from assay_server.api.routes import costs, prices
from assay_server.api.routes.chargeback import last_month
from assay_server.checks.pii import Scrubber
from assay_server.core.clock import SystemClock, rfc3339
from assay_server.core.errors import NotFound, Unauthenticated
from assay_server.core.ports import Principal
from assay_server.core.records import Facts, Span, Tokens
from assay_server.governance import LACKING, Audit, Counts
from assay_server.ingest import Ingest, Repricer
from assay_server.keeping import Retention
from assay_server.ledger import Ledger
from assay_server.providers import Prices
from assay_server.query import CostChanges, Costs, Savings, TokenUse
from assay_server.registry import OwnPrices
from assay_server.store import DuckStore

PROJECT = "prj_test"
DAY = 86_400_000_000_000
START = 1_795_219_200_000_000_000  # 2026-11-21
WINDOW = {"since": "2026-11-01T00:00:00Z", "until": "2026-12-01T00:00:00Z"}


class Accounts:
    """A key is the name of its role."""

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        role = headers.get("x-api-key", "")
        if role not in {"admin", "editor", "viewer", "ingest", "score"}:
            raise Unauthenticated
        return Principal(PROJECT, f"key:{role}", role)

    async def project(self, project: str) -> dict[str, Any]:
        return {"id": project, "name": "shop"}


class Releases:
    """One, whose id clients note."""

    async def get(self, project: str, ref: str) -> dict[str, Any]:
        if (project, ref) != (PROJECT, "rel_1"):
            raise NotFound
        return {"name": "support", "version": 2}


@pytest.fixture
async def services(ledger: Ledger, tmp_path: Path) -> AsyncIterator[Any]:
    store, clock = await DuckStore.open(tmp_path / "facts"), SystemClock()
    own = OwnPrices(ledger, Audit(ledger, clock, lambda text: (text, [])), clock, Prices())
    repricer = Repricer(store, own, settle_s=0)
    yield SimpleNamespace(
        accounts=Accounts(),
        releases=Releases(),
        keeping=SimpleNamespace(retention=Retention(ledger, Audit(ledger, clock, lambda text: (text, [])), clock)),
        ingest=Ingest(store, Scrubber(), own),
        prices=own,
        repricer=repricer,
        costs=Costs(store),
        cost_changes=CostChanges(store, own),
        savings=Savings(store, own),
        token_use=TokenUse(store),
        intake=SimpleNamespace(counts=Counts(ledger, clock)),
    )
    await store.close()


@pytest.fixture
async def http(services: Any) -> AsyncIterator[httpx.AsyncClient]:
    rest = FastAPI()
    rest.state.services = services
    problems.install(rest)
    for module in (prices, costs):
        rest.include_router(module.router, prefix="/api/v1")
    transport = httpx.ASGITransport(rest)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test/api/v1/", headers={"x-api-key": "admin"}
    ) as client:
        yield client


def a_call(number: int, **fields: Any) -> Span:
    begin = START + number
    made = Span(PROJECT, f"{number:032x}", f"{number:016x}", None, "ask", "llm", begin, begin + 1000)
    plain = {"model": "home-1", "tokens": Tokens(1_000_000, None, None, 0), "user": "u1"}
    for field, value in (plain | fields).items():
        setattr(made, field, value)
    return made


async def test_an_unpriced_model_is_listed_then_priced(http: httpx.AsyncClient, services: Any) -> None:
    await services.ingest.write(Facts([a_call(1), a_call(2)]))
    listed = (await http.get("models/unpriced")).json()
    assert (listed["total"], listed["items"][0]["model"], listed["items"][0]["calls"]) == (1, "home-1", 2)
    assert listed["items"][0]["others"] is None
    made = (await http.put("prices/home-*", json={"input": 2.5, "reason": "contract"})).json()
    assert (made["input"], made["repricing"]["status"]) == (2.5, "queued")
    await services.repricer.work()
    assert (await http.get("models/unpriced")).json()["total"] == 0
    assert (await http.get("repricings")).json()["items"][0]["calls"] == 2
    total = (await http.get("costs", params=WINDOW)).json()["total"]
    assert (total["calls"], total["cost"]) == (2, {"usd": 5.0, "unknown": 0})
    assert (await http.get("prices/lookup", params={"model": "home-9"})).json()["rates"]["input"] == 2.5
    assert (await http.delete(f"prices/{made['id']}")).status_code == 204
    assert (await http.get("prices")).json()["items"] == []


async def test_calls_without_a_price_whose_others_have_one_say_so(http: httpx.AsyncClient, services: Any) -> None:
    await http.put("prices/home-1", json={"input": 2.0, "tiers": [{"over": 1000, "input": 1.0}]})
    await services.ingest.write(Facts([a_call(1), a_call(2, attributes={"assay.batch": "true"})]))
    listed = (await http.get("models/unpriced")).json()
    [row] = listed["items"]
    assert (row["calls"], row["others"]["rates"]["input"], row["others"]["rates"]["tiered"]) == (1, 2.0, True)
    [own] = (await http.get("prices")).json()["items"]
    assert row["others"]["source"] == f"project:{own['id']}"


async def test_models_with_slashes_can_be_priced(http: httpx.AsyncClient) -> None:
    made = await http.put("prices/vendor/model-1", json={"input": 1, "output": 2})
    assert (made.status_code, made.json()["model"]) == (200, "vendor/model-1")


@pytest.mark.parametrize("role", ["editor", "viewer", "ingest", "score"])
async def test_only_admins_set_prices(http: httpx.AsyncClient, role: str) -> None:
    refused = await http.put("prices/m", json={"input": 1}, headers={"x-api-key": role})
    assert refused.status_code == 403


@pytest.mark.parametrize("path", ["costs", "prices", "costs/why", "costs/forecast", "steps", "models/unpriced"])
async def test_reading_needs_a_reader(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(path, headers={"x-api-key": "viewer"})).status_code == 200
    assert (await http.get(path, headers={"x-api-key": "score"})).status_code == 403


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("costs", {"colour": "red"}),
        ("costs", {"group_by": "colour"}),
        ("costs", {"since": "yesterday"}),
        ("costs", {"since": "2026-12-01T00:00:00Z", "until": "2026-11-01T00:00:00Z"}),
        ("costs/why", {"day": "tomorrow"}),
        ("costs/why", {"day": "0001-01-01"}),
        ("costs/why", {"day": "9999-12-31"}),
        ("costs/why", {"against": "0001-01-01"}),
        ("costs/why", {"day": "2262-06-01"}),
        ("costs/forecast", {"days": 0}),
        ("costs/savings", {"ttl_s": -1}),
        ("costs/chargeback", {"format": "pdf"}),
    ],
)
async def test_what_cannot_be_answered_is_refused_with_the_field(
    http: httpx.AsyncClient, path: str, params: dict[str, Any]
) -> None:
    refused = await http.get(path, params=params)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_input")
    assert refused.json()["field"] in {*params, "until"}


async def test_a_window_that_ends_before_all_times_is_empty(http: httpx.AsyncClient) -> None:
    """Clients send the year 1 where they mean no time; a week before it could not be said."""
    told = await http.get("costs", params={"until": "0001-01-01T00:00:00Z"})
    assert (told.status_code, told.json()["total"]["calls"]) == (200, 0)


@pytest.mark.parametrize("until", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "2300-01-01T00:00:00Z"])
async def test_a_window_may_end_behind_all_times(http: httpx.AsyncClient, services: Any, until: str) -> None:
    """What some tools send for an open end: it was "a number that cannot be stored", or with an offset an error 500."""
    await services.ingest.write(Facts([a_call(1, cost=0.5), a_call(2, cost=0.25)]))
    for path in ("costs", "costs/chargeback"):
        told = await http.get(path, params={"since": "2026-01-01T00:00:00Z", "until": until})
        assert (told.status_code, told.json()["total"]["calls"]) == (200, 2)


async def test_the_report_is_a_table_for_spreadsheets_and_harmless(http: httpx.AsyncClient, services: Any) -> None:
    spans = [a_call(1, user="=cmd()", cost=1e-7), a_call(2, user="<b>", cost=1234.5), a_call(3, user=None)]
    await services.ingest.write(Facts(spans))
    told = await http.get("costs/chargeback", params={**WINDOW, "group_by": "user", "format": "csv"})
    rows = list(csv.DictReader(io.StringIO(told.text)))
    assert told.headers["content-type"] == "text/csv; charset=utf-8"
    assert [(row["user"], row["cost_usd"], row["calls_without_price"]) for row in rows] == [
        ("<b>", "1234.5", "0"), ("'=cmd()", "0.0000001", "0"), ("(none)", "", "1"),
    ]  # fmt: skip
    window = ("2026-11-01T00:00:00.000000Z", "2026-12-01T00:00:00.000000Z")
    assert {(row["since"], row["until"]) for row in rows} == {window}, "of several months nobody knew which was which"
    page = await http.get("costs/chargeback", params={**WINDOW, "group_by": "user", "format": "html"})
    assert ("&lt;b&gt;" in page.text, "<b>" in page.text, "<script" in page.text) == (True, False, False)
    assert "1,234.50" in page.text
    assert "1 call has no known price and is not" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_the_printed_rows_add_up_to_the_total_in_cents(http: httpx.AsyncClient, services: Any) -> None:
    """Three thirds of ten dollars, and one whose price nobody knows."""
    spans = [a_call(n, user=f"u{n}", cost=10 / 3) for n in (1, 2, 3)] + [a_call(4, user="u4")]
    await services.ingest.write(Facts(spans))
    page = (await http.get("costs/chargeback", params={**WINDOW, "group_by": "user", "format": "html"})).text
    assert _charged(page) == {"u1": "3.34", "u2": "3.33", "u3": "3.33", "u4": "unknown", "Total": "10.00"}


async def test_amounts_of_every_size_are_told(http: httpx.AsyncClient, services: Any) -> None:
    """Of a large sum what is less than a cent is told as that; where all is less than a dollar, in millionths."""
    await services.ingest.write(Facts([a_call(1, user="u1", cost=12345.67), a_call(2, user="u2", cost=0.00001)]))
    asked = {**WINDOW, "group_by": "user", "format": "html"}
    page = (await http.get("costs/chargeback", params=asked)).text
    assert _charged(page) == {"u1": "12,345.67", "u2": "under 0.01", "Total": "12,345.67"}
    page = (await http.get("costs/chargeback", params=asked | {"user": "u2"})).text
    assert _charged(page) == {"u2": "0.000010", "Total": "0.000010"}


async def test_the_page_says_whose_costs_it_is_and_what_releases_are_called(
    http: httpx.AsyncClient, services: Any
) -> None:
    spans = [a_call(1, release="rel_1", cost=2.0), a_call(2, release="rel_2", cost=1.0), a_call(3, cost=0.5)]
    await services.ingest.write(Facts(spans))
    page = (await http.get("costs/chargeback", params={**WINDOW, "group_by": "release", "format": "html"})).text
    assert "Project shop. Made " in page
    assert "Total: <strong>3.50</strong>" in page
    assert "support@2 <small>rel_1</small>" in page
    assert "<td>rel_2</td>" in page
    assert "(none): calls that say no release." in page
    assert "without price" not in page, "where all have one, no column of noughts"


def _charged(page: str) -> dict[str, str]:
    """The amounts by the names of their rows, the last column but one."""
    rows = [row.split("<td>")[1:] for row in page.split("<tr>") if "<td>" in row]
    return {cells[0].partition("</td>")[0]: cells[-2].partition("</td>")[0] for cells in rows}


async def test_a_printed_part_says_of_what_and_of_which_hours(http: httpx.AsyncClient, services: Any) -> None:
    await services.ingest.write(Facts([a_call(1, user="a<b", cost=1.0), a_call(2, user="u2", cost=2.0)]))
    window = {"since": "2026-11-21T00:00:00Z", "until": "2026-11-21T08:30:00Z", "group_by": "model", "format": "html"}
    page = (await http.get("costs/chargeback", params={**window, "user": "a<b", "environment": "prod"})).text
    assert "2026-11-21 up to, not including, 2026-11-21 08:30:00, UTC" in page
    assert "<li>Only user a&lt;b.</li><li>Only environment prod.</li><li>There were no calls.</li>" in page
    assert _charged(page) == {"Total": "0.00"}, "nothing is unknown where nothing was called"
    assert "Only" not in (await http.get("costs/chargeback", params=window)).text


async def test_a_closed_month_that_was_priced_anew_says_so(http: httpx.AsyncClient, services: Any) -> None:
    """The clock is this machine's; the window is one that is over, and its call had no price."""
    closed = {"since": "2020-01-01T00:00:00Z", "until": "2020-02-01T00:00:00Z", "group_by": "user"}
    at_ns = 1_578_000_000_000_000_000  # 2 January 2020
    call = a_call(1, model="mine", tokens=Tokens(1_000_000, None, None, 0), start_ns=at_ns, end_ns=at_ns)
    await services.ingest.write(Facts([call]))
    before = (await http.get("costs/chargeback", params=closed)).json()
    assert (before["total"]["cost"]["usd"], before["repriced_at"]) == (None, None)
    later = {"input": 9, "output": 9, "valid_from": "2021-01-01T00:00:00Z"}
    for model, body in (("mine", later), ("other", {"input": 1, "output": 1}), ("mine", {"input": 2, "output": 2})):
        assert (await http.put(f"prices/{model}", json=body)).status_code == 200
        await services.repricer.work()
        after = (await http.get("costs/chargeback", params=closed)).json()
        if body["input"] != 2:
            assert after["repriced_at"] is None  # it reaches no call of this window
    assert after["total"]["cost"]["usd"] == 2.0
    assert after["repriced_at"] is not None
    page = (await http.get("costs/chargeback", params=closed | {"format": "html"})).text
    assert f"Prices were changed on {after['repriced_at'][:10]}" in page
    open_ = WINDOW | {"until": "2100-01-01T00:00:00Z"}
    assert (await http.get("costs/chargeback", params=open_)).json()["repriced_at"] is None


async def test_what_sampling_rules_dropped_is_told_beside_the_sums(http: httpx.AsyncClient, services: Any) -> None:
    """A rule that drops calls made everything look cheaper, and no word said why."""
    now = SystemClock().now_ns()
    window = {"since": rfc3339(now - DAY), "until": rfc3339(now + DAY)}
    assert (await http.get("costs", params=window)).json()["dropped"] is None
    counted = {"calls": 3, "unknown": 1, "tokens": 700, "nano_usd": 1_250_000_000}
    for name, n in counted.items():
        services.intake.counts.add(PROJECT, f"{LACKING[name]}batch", n)
    services.intake.counts.add("prj_other", f"{LACKING['calls']}batch", 9)
    found = (await http.get("costs", params=window)).json()
    assert found["dropped"] == {"calls": 3, "cost": {"usd": 1.25, "unknown": 1}, "tokens": 700}
    page = (await http.get("costs/chargeback", params=window | {"format": "html"})).text
    assert "3 calls of the project (of $1.25) were dropped by sampling rules and not stored." in page
    today = rfc3339(now)[:10]
    why = (await http.get("costs/why", params={"day": today})).json()
    assert why["sentence"].endswith("Sampling rules dropped 3 more of the project.")
    assert (await http.get("costs", params=WINDOW | {"until": "2026-11-02T00:00:00Z"})).json()["dropped"] is None


async def test_a_month_of_which_calls_were_let_go_says_so(http: httpx.AsyncClient, services: Any) -> None:
    """It was less by what retention had taken away, or nothing at all, and no word said why."""
    month = {"since": "2020-01-01T00:00:00Z", "until": "2020-02-01T00:00:00Z", "group_by": "user"}
    assert (await http.get("costs/chargeback", params=month)).json()["removed_before"] is None
    retention = services.keeping.retention
    rules = [{"metadata_days": 90, "text_days": 3}, {"environment": "lab", "metadata_days": 36_000}]
    await retention.put(PROJECT, "key:admin", rules)
    await retention.ask(PROJECT, "key:admin")
    [made] = await retention.due()
    await retention.reached(made, {"spans": 3}, 1.0)
    await retention.end(made)
    after = (await http.get("costs/chargeback", params=month)).json()
    assert after["removed_before"] == "2020-02-01T00:00:00.000000Z"
    page = (await http.get("costs/chargeback", params=month | {"format": "html"})).text
    assert "Calls before 2020-02-01 UTC, or some of them, were let go by retention and are not in the sums." in page
    assert (await http.get("costs", params=month)).json()["removed_before"] == after["removed_before"]
    why = (await http.get("costs/why", params={"day": "2020-01-02"})).json()
    assert why["sentence"] == (
        "There were no calls on 2020-01-02 and 2020-01-01."
        " Calls before 2020-01-03 00:00:00 UTC, or some of them, were let go by retention."
    )
    lab = (await http.get("costs", params=month | {"environment": "lab"})).json()
    assert lab["removed_before"] is None, "an environment is under its own rule"
    since = rfc3339(SystemClock().now_ns() - 89 * DAY)
    newest = await http.get("costs/chargeback", params={"since": since, "group_by": "user"})
    assert newest.json()["removed_before"] is None


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [("2026-11-21", "2026-10-01", "2026-11-01"), ("2026-01-01", "2025-12-01", "2026-01-01")],
)
def test_the_month_before(now: str, start: str, end: str) -> None:
    from assay_server.core.clock import parse_rfc3339

    found = last_month(parse_rfc3339(f"{now}T05:06:07Z"))
    assert found == (parse_rfc3339(f"{start}T00:00:00Z"), parse_rfc3339(f"{end}T00:00:00Z"))


async def test_a_report_since_a_day_goes_until_now(http: httpx.AsyncClient, services: Any) -> None:
    now = SystemClock().now_ns()
    await services.ingest.write(Facts([a_call(1, cost=2.0, start_ns=now - 10**9, end_ns=now)]))
    since = rfc3339(now - 3600 * 10**9)
    told = (await http.get("costs/chargeback", params={"since": since})).json()
    assert told["total"]["cost"]["usd"] == 2.0
    assert (await http.get("costs/chargeback")).json()["total"]["cost"]["usd"] is None  # the month before


async def test_why_savings_tokens_and_steps_answer(http: httpx.AsyncClient, services: Any) -> None:
    await services.ingest.write(Facts([a_call(1, cost=2.0), a_call(2, cost=3.0)]))
    changed = (await http.get("costs/why", params={"day": "2026-11-21", "against": "2026-11-20"})).json()
    assert (changed["cost"]["after"]["usd"], changed["terms"][0]["term"]) == (5.0, "volume")
    assert [term["usd"] for term in changed["terms"]] == [5.0, 0, 0, 0]
    assert (await http.get("costs/savings", params={**WINDOW, "cheaper": "openai/gpt-4o-mini"})).json()["calls"] == 2
    assert (await http.get(f"traces/{1:032X}/tokens")).json()["cost"]["usd"] == 2.0
    assert (await http.get("traces/none/tokens")).status_code == 404
    assert (await http.get("steps", params={**WINDOW, "name": "ask"})).json()["traces"] == 2


@pytest.mark.parametrize("path", ["costs", "costs/savings", "steps"])
async def test_since_the_beginning_of_time_is_not_since_a_week_ago(
    http: httpx.AsyncClient, services: Any, path: str
) -> None:
    """Moment 0 is falsy, and all the same a moment that somebody asked for."""
    await services.ingest.write(Facts([a_call(1, cost=2.0), a_call(2, cost=3.0, start_ns=5, end_ns=6)]))
    found = (await http.get(path, params={"since": "1970-01-01T00:00:00Z", "until": "2026-12-01T00:00:00Z"})).json()
    shown = {"costs": ("total", "calls"), "costs/savings": ("calls",), "steps": ("traces",)}[path]
    for name in shown:
        found = found[name]
    assert found == 2
