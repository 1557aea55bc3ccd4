"""A breakdown as a report: CSV for spreadsheets, and one HTML page to print or keep as PDF."""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

from starlette.responses import HTMLResponse, Response

from assay_server.stats import rounded

_BUCKETS = ("fresh_input", "cache_read", "cache_write", "output", "reasoning")

# No script, nothing from elsewhere; the styles stand in the page itself.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"

_STYLE = """
@page { margin: 18mm } body { font: 14px/1.45 system-ui, sans-serif; color: #111; margin: 2rem auto; max-width: 60rem }
body { padding: 0 1rem }
h1 { font-size: 1.4rem; margin-bottom: 0 } p { color: #444 } table { border-collapse: collapse; width: 100% }
th, td { padding: .3rem .5rem; border-bottom: 1px solid #ccc; text-align: right; font-variant-numeric: tabular-nums }
th:first-child, td:first-child { text-align: left } tfoot td { font-weight: 600; border-top: 2px solid #111 }
thead { display: table-header-group } tr { break-inside: avoid }
"""


def last_month(now_ns: int) -> tuple[int, int]:
    """The calendar month before, UTC: [start, end) in nanoseconds."""
    this = datetime.fromtimestamp(now_ns // 1_000_000_000, UTC).replace(day=1, hour=0, minute=0, second=0)
    before = this.replace(year=this.year - 1, month=12) if this.month == 1 else this.replace(month=this.month - 1)
    return int(before.timestamp()) * 1_000_000_000, int(this.timestamp()) * 1_000_000_000


def as_csv(report: dict[str, Any]) -> Response:
    out = io.StringIO()
    writer = csv.writer(out)
    head = (report["group_by"], "calls", "calls_without_price", *_BUCKETS, "cost_usd", "share")
    writer.writerow(head)
    for name, row in _rows(report):
        money, tokens = row["cost"], row["tokens"]
        counts = [_blank(tokens.get(bucket)) for bucket in _BUCKETS]
        cost, share = _decimal(money["usd"]), _decimal(row.get("share"))
        writer.writerow([_harmless(name), row["calls"], money["unknown"], *counts, cost, share])
    headers = {"content-disposition": f'attachment; filename="{_file_name(report)}.csv"'}
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def as_page(report: dict[str, Any], only: Mapping[str, str]) -> Response:
    """`only`: what the report is narrowed to; a part of the costs may not be taken for all of them."""
    what, total = escape(report["group_by"].replace("_", " ")), report["total"]
    head = "".join(f"<th>{name}</th>" for name in (what, "calls", "without price", "tokens in", "tokens out", "cost"))
    cents = _in_cents(report)
    body = "".join(f"<tr>{_cells(name, row, cents[nth])}</tr>" for nth, (name, row) in enumerate(_rows(report)))
    unknown = total["cost"]["unknown"]
    note = "".join(f" Only {escape(name.replace('_', ' '))} {escape(value)}." for name, value in only.items())
    note += f" {unknown:,} calls have no known price and are not in the sums." if unknown else ""
    if report["unmetered"]:
        note += f" {report['unmetered']:,} model calls said neither tokens nor a cost, and are in no row."
    if report["repriced_at"]:
        note += f" Prices were changed on {escape(report['repriced_at'][:10])}, after this window: a report made before"
        note += " may have other sums."
    note += " A call with several tags stands in several rows." if report["overlapping"] else ""
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Costs by {what}</title>'
        f"<style>{_STYLE}</style></head><body><h1>Costs by {what}</h1>"
        f"<p>{_moment(report['since'])} up to, not including, {_moment(report['until'])}, UTC; US dollars."
        f"{note}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
        f"<tfoot><tr>{_cells('Total', total, total['cost']['usd'])}</tr></tfoot></table></body></html>"
    )
    return HTMLResponse(page, headers={"content-security-policy": _POLICY})


def _moment(time: str) -> str:
    """The day; with the time where it is not its beginning."""
    day, _, clock = escape(time).partition("T")
    return day if clock.startswith("00:00:00") else f"{day} {clock[:8]}"


def _rows(report: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for item in report["items"]:
        yield "(none)" if item["value"] is None else item["value"], item
    if report["others"]["groups"]:
        yield f"({report['others']['groups']} others)", report["others"]


def _in_cents(report: dict[str, Any]) -> list[float | None]:
    """What each row is charged, in whole cents that add up to the total's, unless a call stands in several rows."""
    usd = [row["cost"]["usd"] for _, row in _rows(report)]
    known = {nth: each for nth, each in enumerate(usd) if each is not None}
    if report["overlapping"] or not known:
        return usd
    cents = rounded(known, round(report["total"]["cost"]["usd"], 2))
    return [cents.get(nth) for nth in range(len(usd))]


def _cells(name: str, row: dict[str, Any], usd: float | None) -> str:
    tokens = row["tokens"]
    numbers = (row["calls"], row["cost"]["unknown"], tokens.get("input_total"), tokens.get("output_total"))
    cells = [escape(name), *("–" if number is None else f"{number:,}" for number in numbers)]
    cells.append("unknown" if usd is None else f"{usd:,.2f}")
    return "".join(f"<td>{cell}</td>" for cell in cells)


def _harmless(text: str) -> str:
    """A spreadsheet must not take a user's name for a formula."""
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _decimal(value: float | None) -> str:
    """Unknown is empty; never in exponents, which spreadsheets misread."""
    return "" if value is None else f"{value:.10f}".rstrip("0").rstrip(".")


def _blank(value: int | None) -> int | str:
    return "" if value is None else value


def _file_name(report: dict[str, Any]) -> str:
    return f"costs-{report['since'][:10]}-{report['until'][:10]}"
