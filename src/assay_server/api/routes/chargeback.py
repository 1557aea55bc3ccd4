"""A breakdown as a report: the month it is of, and CSV for spreadsheets. `chargeback_page` has the page to print."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from assay_server.api.routes.chargeback_page import rows_of

_BUCKETS = ("fresh_input", "cache_read", "cache_write", "output", "reasoning")


def last_month(now_ns: int) -> tuple[int, int]:
    """The calendar month before, UTC: [start, end) in nanoseconds."""
    this = datetime.fromtimestamp(now_ns // 1_000_000_000, UTC).replace(day=1, hour=0, minute=0, second=0)
    before = this.replace(year=this.year - 1, month=12) if this.month == 1 else this.replace(month=this.month - 1)
    return int(before.timestamp()) * 1_000_000_000, int(this.timestamp()) * 1_000_000_000


def as_csv(report: dict[str, Any]) -> Response:
    out = io.StringIO()
    writer = csv.writer(out)
    head = (report["group_by"], "calls", "calls_without_price", *_BUCKETS, "cost_usd", "share", "since", "until")
    writer.writerow(head)
    window = report["since"], report["until"]  # in each row: a month among other months is told by nothing else
    for name, row in rows_of(report):
        money, tokens = row["cost"], row["tokens"]
        counts = [_blank(tokens.get(bucket)) for bucket in _BUCKETS]
        cost, share = _decimal(money["usd"]), _decimal(row.get("share"))
        writer.writerow([_harmless(name), row["calls"], money["unknown"], *counts, cost, share, *window])
    headers = {"content-disposition": f'attachment; filename="{_file_name(report)}.csv"'}
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


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
