"""`assay cost`: what it asks for and what it says."""

from tests.fakes.rest import Answer, FakeServer, Seen
from tests.unit.cli.conftest import Run

TOKENS = {"input_total": 1000, "output_total": 50}
TOTAL = {"calls": 3, "cost": {"usd": 1.5, "unknown": 1}, "tokens": TOKENS}
NOBODY = {"groups": 0, "calls": 0, "cost": {"usd": None, "unknown": 0}, "tokens": TOKENS}
GROUPS = {"total": TOTAL, "items": [{"value": "m", **TOTAL, "share": 1.0}], "others": NOBODY}


def test_costs_by_model_say_what_is_unknown(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.on("GET", "/api/v1/costs", GROUPS)
    told = cli("cost", "by", "model", "--days", "3", "--tag", "t")
    assert told.code == 0
    assert "total $1.5 + 1 unknown for 3 calls" in told.out
    assert "assay cost unpriced" in told.err
    assert (fake_rest.seen[-1].query["group_by"], fake_rest.seen[-1].query["tag"]) == ("model", "t")
    assert cli("cost", "by", "--json").json == GROUPS


def test_groups_that_are_not_listed_are_told_with_what_they_cost(fake_rest: FakeServer, cli: Run) -> None:
    """The lines would not add up to the total."""
    fake_rest.on("GET", "/api/v1/costs", {**GROUPS, "others": {**NOBODY, **TOTAL, "groups": 7}})
    assert "7 more with 3 calls: $1.5 + 1 unknown\n" in cli("cost", "by", "session").out
    fake_rest.on("GET", "/api/v1/costs", GROUPS)
    assert "more with" not in cli("cost", "by", "session").out


def test_why_tells_the_terms(fake_rest: FakeServer, cli: Run) -> None:
    terms = [{"term": "volume", "usd": 31.0, "sentence": "131 calls."}, {"term": "mix", "usd": -1.5, "sentence": "x"}]
    found = {"sentence": "It cost more.", "terms": terms, "drivers": [{"sentence": "Price of m."}]}
    fake_rest.on("GET", "/api/v1/costs/why", found)
    told = cli("cost", "why", "--day", "2026-11-20")
    assert told.out.startswith("It cost more.")
    assert ("+$31" in told.out, "−$1.5" in told.out, "Price of m." in told.out) == (True, True, True)
    assert fake_rest.seen[-1].query == {"day": "2026-11-20"}


def test_a_price_is_sent_as_given(fake_rest: FakeServer, cli: Run) -> None:
    def put(seen: Seen) -> Answer:
        return Answer({"id": "prc_1", "repricing": {"id": "rpr_1"}, **seen.json})

    fake_rest.on("PUT", "/api/v1/prices/my/model-*", put)
    told = cli("cost", "price", "my/model-*", "--input", "0.5", "--output", "1.5", "--batch", "0.5")
    assert (told.code, "prc_1" in told.out) == (0, True)
    assert fake_rest.seen[-1].json == {"input": 0.5, "output": 1.5, "batch": 0.5}


def test_forecasts_savings_and_reports_speak_for_themselves(fake_rest: FakeServer, cli: Run) -> None:
    day = {"day": "2026-11-22", "usd": 2.0, "lower": 1.0, "upper": 3.0}
    fake_rest.on("GET", "/api/v1/costs/forecast", {"forecast": [day], "sentence": "About $2."})
    parts = {"caching": {"sentence": "A cache."}, "cheaper": None, "prefix": {"sentence": "A prefix."}}
    fake_rest.on("GET", "/api/v1/costs/savings", parts)
    fake_rest.on("GET", "/api/v1/costs/chargeback", Answer(b"cost_center,calls\r\nred,1\r\n"))
    assert "2026-11-22" in cli("cost", "forecast").out
    assert cli("cost", "savings").out == "A cache.\nA prefix.\n"
    assert cli("cost", "report").out.splitlines() == ["cost_center,calls", "red,1"]


def test_what_has_no_price_leads_to_the_command_that_gives_it_one(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.on("GET", "/api/v1/models/unpriced", {"items": [{"model": "m", "provider": None, "calls": 3}]})
    fake_rest.on("GET", "/api/v1/prices", {"items": []})
    fake_rest.on("GET", "/api/v1/repricings", {"items": [{"model": "m", "status": "running"}]})
    fake_rest.on("DELETE", "/api/v1/prices/prc_1", Answer(None, 204))
    assert "assay cost price m --input" in cli("cost", "unpriced").err
    fake_rest.on("GET", "/api/v1/models/unpriced", {"items": [{"model": "my m", "provider": None, "calls": 3}]})
    assert "assay cost price 'my m' --input" in cli("cost", "unpriced").err
    others = {"source": "project:prc_1", "rates": {}}
    fake_rest.on(
        "GET", "/api/v1/models/unpriced", {"items": [{"model": "m", "provider": None, "calls": 3, "others": others}]}
    )
    told = cli("cost", "unpriced")
    assert ("your own" in told.out, "assay cost price" in told.err) == (True, False)  # which would take its place
    assert "re-pricing m: running" in cli("cost", "prices").out
    assert cli("cost", "unprice", "prc_1").code == 0


def test_steps_mark_the_bottleneck(fake_rest: FakeServer, cli: Run) -> None:
    step = {"name": "search", "kind": "tool", "calls": 2, "errors": 0, "own_ms": {"p50": 5.0, "p95": 9.0}}
    more = {"time_share": 0.9, "tokens_per_call": {"p50": None}, "bottleneck": True}
    more["cost"] = {"usd": None, "unknown": 0}
    fake_rest.on("GET", "/api/v1/steps", {"items": [step | more]})
    told = cli("cost", "steps", "POST /ask")
    assert ("← bottleneck" in told.out, fake_rest.seen[-1].query["name"]) == (True, "POST /ask")


def test_a_price_of_a_call_is_sent_and_listed(fake_rest: FakeServer, cli: Run) -> None:
    fake_rest.on("PUT", "/api/v1/prices/m", {"id": "prc_1", "repricing": {"id": "rpr_1"}})
    assert cli("cost", "price", "m", "--call", "0.04").code == 0
    assert fake_rest.seen[-1].json == {"request": 0.04}
    price = {"id": "prc_1", "model": "m", "provider": None, "input": None, "output": None, "request": 0.04}
    fake_rest.on("GET", "/api/v1/prices", {"items": [price | {"batch": None, "valid_from": None}]})
    fake_rest.on("GET", "/api/v1/repricings", {"items": []})
    assert "0.04" in cli("cost", "prices").out


def test_what_a_price_has_besides_is_kept_or_dropped_as_said_and_listed(fake_rest: FakeServer, cli: Run) -> None:
    made = {"id": "prc_1", "repricing": {"id": "rpr_1"}}
    lost = {"source": "prices:2026-11-01", "lost": {"cache_read": 1.25, "tiers": True}}
    fake_rest.on("PUT", "/api/v1/prices/m", made | {"instead_of": lost})
    told = cli("cost", "price", "m", "--input", "1", "--keep")
    assert fake_rest.seen[-1].json == {"input": 1.0, "unnamed": "keep"}
    assert "no longer have what the public list has: cache_read 1.25, tiers" in told.out
    assert cli("cost", "price", "m", "--input", "1", "--drop").code == 0
    assert fake_rest.seen[-1].json == {"input": 1.0, "unnamed": "drop"}
    rates = {"input": 1.0, "output": 2.0, "cache_read": 0.05, "request": None, "batch": None}
    price = {"id": "prc_1", "model": "m", "provider": None, "valid_from": None, "tiers": [{"over": 200_000}], **rates}
    fake_rest.on("GET", "/api/v1/prices", {"items": [price]})
    fake_rest.on("GET", "/api/v1/repricings", {"items": []})
    assert "cache_read 0.05, tier over 200,000" in cli("cost", "prices").out
