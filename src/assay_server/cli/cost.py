"""`assay cost`: what was spent, why it changed, what it will be, and what things cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from shlex import quote
from typing import Annotated, Any

import typer

from assay_server.cli.common import AsJson, connected, group
from assay_server.cli.terminal import answer, emit, hint, money, table
from assay_server.core.words import percent

app = group("cost", "What was spent, why it changed, and prices.")

Days = Annotated[int, typer.Option("--days", "-d", min=1, max=730, help="How many days back.")]
Since = Annotated[str | None, typer.Option("--since", help="RFC 3339; instead of --days.")]
Until = Annotated[str | None, typer.Option("--until", help="RFC 3339, exclusive.")]

_BESIDES = ("cache_read", "cache_write", "reasoning")


@app.command("by", epilog="Example: assay cost by model --days 30")
def by(
    dimension: Annotated[str, typer.Argument(help="model, user, feature, tag, cost_center, endpoint, …")] = "model",
    days: Days = 7,
    since: Since = None,
    until: Until = None,
    tag: Annotated[str | None, typer.Option("--tag", help="Only calls with this tag.")] = None,
    as_json: AsJson = False,
) -> None:
    """Costs by one dimension, dearest first."""
    with connected() as client:
        found = client.costs.by(dimension, since=since or _ago(days), until=until, tag=tag)
    if not emit(found, as_json):
        table((dimension, "calls", "tokens in", "tokens out", "cost", "share"), [_group(row) for row in found["items"]])
        if hidden := found["others"]["groups"]:
            calls = found["others"]["calls"]
            answer(f"{hidden} more with {calls} calls: {money(found['others']['cost'])}")
        calls = found["total"]["calls"]
        answer(f"total {money(found['total']['cost'])} for {calls} calls" if calls else "no calls in this time")
        if found["total"]["cost"]["unknown"]:
            hint("assay cost unpriced")


@app.command(epilog="Example: assay cost why --day 2026-11-20 --against 2026-11-13")
def why(
    day: Annotated[str | None, typer.Option("--day", help="A UTC day; default: yesterday.")] = None,
    against: Annotated[str | None, typer.Option("--against", help="Default: the day before.")] = None,
    as_json: AsJson = False,
) -> None:
    """Why a day cost more or less than another: volume, tokens, price, mix."""
    with connected() as client:
        found = client.costs.why(day, against)
    if not emit(found, as_json):
        answer(found["sentence"])
        if terms := [(row["term"], _change(row["usd"]), row["sentence"]) for row in found["terms"]]:
            table(("because of", "usd", ""), terms)
        for driver in found["drivers"][:5]:
            answer(f"  {driver['sentence']}")


@app.command(epilog="Example: assay cost forecast --days 30")
def forecast(
    days: Annotated[int, typer.Option("--days", "-d", min=1, max=92, help="How many days ahead.")] = 14,
    as_json: AsJson = False,
) -> None:
    """What the next days will cost, with an 80 % interval."""
    with connected() as client:
        found = client.costs.forecast(days)
    if not emit(found, as_json):
        rows = [(row["day"], money(row["usd"]), money(row["lower"]), money(row["upper"])) for row in found["forecast"]]
        if rows:
            table(("day", "cost", "from", "to"), rows)
        answer(found["sentence"])


@app.command(epilog="Example: assay cost savings --cheaper openai/gpt-4o-mini --under 500")
def savings(
    cheaper: Annotated[str | None, typer.Option("--cheaper", help="A model, as provider/model.")] = None,
    under: Annotated[int, typer.Option("--under", min=1, help="Calls below this many tokens.")] = 1000,
    days: Days = 7,
    as_json: AsJson = False,
) -> None:
    """What a cache, a cheaper model or a shorter prompt would have saved."""
    with connected() as client:
        found = client.costs.savings(cheaper, under=under, since=_ago(days))
    if not emit(found, as_json):
        for part in ("caching", "cheaper", "prefix"):
            if found[part] is not None:
                answer(found[part]["sentence"])


@app.command(epilog="Example: assay cost report --by cost_center > month.csv")
def report(
    dimension: Annotated[str, typer.Option("--by", help="What to group by.")] = "cost_center",
    since: Annotated[str | None, typer.Option("--since", help="RFC 3339; default: last month.")] = None,
    until: Until = None,
    page: Annotated[bool, typer.Option("--html", help="A page to print instead of CSV.")] = False,
    as_json: AsJson = False,
) -> None:
    """The chargeback report of the calendar month before, or of a window."""
    with connected() as client:
        kind = "json" if as_json else "html" if page else "csv"
        text = client.costs.chargeback(dimension, kind, since=since, until=until)
    answer(text.rstrip())


@app.command(epilog="Example: assay cost unpriced")
def unpriced(as_json: AsJson = False) -> None:
    """Models with calls that nobody could price; where others have one, these say batch or sound, are an agent's sum,
    or came before it."""
    with connected() as client:
        found = client.costs.unpriced()
    if not emit({"items": found}, as_json):
        rows = [(row["model"], row["provider"], row["calls"], _others(row)) for row in found]
        table(("model", "provider", "calls", "other calls have"), rows)
        if without := [row["model"] for row in found if not row.get("others")]:
            hint(f"assay cost price {quote(without[0])} --input DOLLARS --output DOLLARS")


@app.command(epilog="Example: assay cost price 'my-model-*' --input 0.5 --output 1.5")
def price(
    model: Annotated[str, typer.Argument(help="As it appears in traces; * matches anything.")],
    *,
    into: Annotated[float | None, typer.Option("--input", help="Dollars per million tokens.")] = None,
    out: Annotated[float | None, typer.Option("--output", help="Dollars per million tokens.")] = None,
    cache_read: Annotated[float | None, typer.Option("--cache-read", help="Default: --input.")] = None,
    cache_write: Annotated[float | None, typer.Option("--cache-write", help="Default: --input.")] = None,
    reasoning: Annotated[float | None, typer.Option("--reasoning", help="Default: --output.")] = None,
    request: Annotated[float | None, typer.Option("--call", help="Dollars per call; alone, the whole cost.")] = None,
    batch: Annotated[float | None, typer.Option("--batch", help="Factor for batch calls, such as 0.5.")] = None,
    provider: Annotated[str | None, typer.Option("--provider", help="Only for this provider.")] = None,
    valid_from: Annotated[str | None, typer.Option("--from", help="RFC 3339; default: for all time.")] = None,
    keep: Annotated[
        bool | None, typer.Option("--keep/--drop", help="Keep rates of the existing price that are not named here.")
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", "-r", help="Why; recorded in the audit log.")] = None,
    as_json: AsJson = False,
) -> None:
    """Sets a price; calls that are stored already get it too."""
    rates = {"input": into, "output": out, "cache_read": cache_read, "cache_write": cache_write, "reasoning": reasoning}
    more = {"request": request, "batch": batch, "unnamed": None if keep is None else "keep" if keep else "drop"}
    with connected() as client:
        made = client.prices.put(model, **rates, **more, provider=provider, valid_from=valid_from, reason=reason)
    if not emit(made, as_json):
        answer(f"{made['id']}: {model} has a price; stored calls are priced anew ({made['repricing']['id']})")
        if instead := made.get("instead_of"):
            whose = "your wider price" if instead["source"].startswith("project:") else "the public list"
            answer(f"Its calls no longer have what {whose} has: {', '.join(map(_lost, instead['lost'].items()))}")
        hint("assay cost prices")


@app.command(epilog="Example: assay cost prices")
def prices(as_json: AsJson = False) -> None:
    """The project's own prices, and how far re-pricing is."""
    with connected() as client:
        found, running = client.prices.list(), client.prices.repricings()
    if not emit({"items": found, "repricings": running}, as_json):
        head = ("id", "model", "provider", "input", "output", "a call", "batch", "besides", "from")
        table(head, [_price(row) for row in found])
        for row in running:
            if row["status"] != "done":
                answer(f"re-pricing {row['model']}: {row['status']}")


@app.command("unprice", epilog="Example: assay cost unprice prc_01k9…")
def unprice(price_id: Annotated[str, typer.Argument(help="The price's id.")], as_json: AsJson = False) -> None:
    """Removes an own price; its calls go back to the public list."""
    with connected() as client:
        client.prices.delete(price_id)
    if not emit({"removed": price_id}, as_json):
        answer(f"{price_id} is removed; its calls are priced anew")


@app.command(epilog="Example: assay cost steps 'POST /ask' --days 1")
def steps(
    name: Annotated[str | None, typer.Argument(help="Name of the traces' root span; default: all traces.")] = None,
    days: Days = 7,
    as_json: AsJson = False,
) -> None:
    """Which step takes the time and the tokens, over all traces of a kind."""
    with connected() as client:
        found = client.costs.steps(name, since=_ago(days))
    if not emit(found, as_json) and not found["items"]:
        answer(f"No traces{f' whose root is named {name}' if name else ''} in the last {days} days.")
    elif not as_json:
        head = ("step", "kind", "calls", "errors", "own p50 ms", "own p95 ms", "time", "tokens p50", "cost", "")
        table(head, [_step(row) for row in found["items"]])


def _ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def _group(row: dict[str, Any]) -> tuple[object, ...]:
    tokens = row["tokens"]
    return (
        row["value"],
        row["calls"],
        tokens["input_total"],
        tokens["output_total"],
        money(row["cost"]),
        None if row["share"] is None else percent(row["share"]),
    )


def _price(row: dict[str, Any]) -> tuple[object, ...]:
    named = (row.get(field) for field in ("id", "model", "provider", "input", "output", "request", "batch"))
    rates = [f"{name} {row[name]:g}" for name in _BESIDES if row.get(name) is not None]
    tiers = [f"tier over {tier['over']:,}" for tier in row.get("tiers") or ()]
    return (*named, ", ".join(rates + tiers) or None, row["valid_from"] or "always")


def _lost(field: tuple[str, Any]) -> str:
    name, value = field
    return name if value is True else f"{name} {value:g}"


def _others(row: dict[str, Any]) -> str:
    """Whose price calls of the model have that say no more than their tokens."""
    others = row.get("others")
    return "none" if not others else "your own" if others["source"].startswith("project:") else "the list's"


def _step(row: dict[str, Any]) -> tuple[object, ...]:
    own, share, cost = row["own_ms"], row["time_share"], row["cost"]
    nothing = cost["usd"] is None and not cost["unknown"]  # a step that calls no model
    return (
        row["name"],
        row["kind"],
        row["calls"],
        row["errors"],
        own["p50"],
        own["p95"],
        None if share is None else percent(share),
        row["tokens_per_call"]["p50"],
        None if nothing else money(cost),
        "← bottleneck" if row["bottleneck"] else "",
    )


def _change(usd: float) -> str:
    return ("−" if usd < 0 else "+") + money(abs(usd))
