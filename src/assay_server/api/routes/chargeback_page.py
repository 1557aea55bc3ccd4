"""The chargeback report as one HTML page: to read, to print, and to keep as PDF."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from starlette.responses import HTMLResponse, Response

from assay_server.core.words import percent
from assay_server.stats import rounded

# No script, nothing from elsewhere; the styles stand in the page itself.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"

# Names take what the amounts leave, and break where they must: no name pushes an amount off the paper.
_STYLE = """
@page { margin: 16mm 14mm 18mm; @bottom-right { content: "Page " counter(page) " of " counter(pages);
  font: 10px system-ui, sans-serif; color: #555 } }
body { font: 14px/1.45 system-ui, sans-serif; color: #111; background: #fff; margin: 2rem auto; max-width: 62rem; padding: 0 1rem }
h1 { font-size: 1.4rem; margin: 0 0 .2rem } p { margin: .2rem 0; color: #444 } .total { color: #111; font-size: 1.1rem; margin: .8rem 0 }
ul { margin: .4rem 0 1rem; padding-left: 1.1rem; color: #444 }
table { border-collapse: collapse; width: 100%; margin-top: 1rem }
th, td { padding: .3rem .5rem; border-bottom: 1px solid #ccc; text-align: right; white-space: nowrap; vertical-align: top;
  font-variant-numeric: tabular-nums }
th:first-child, td:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere; width: 100%; min-width: 9rem }
thead { display: table-header-group } tr { break-inside: avoid }
tfoot { display: table-row-group } tfoot td { font-weight: 600; border-top: 2px solid #111 }
@media print { body { font-size: 11px; margin: 0; max-width: none; padding: 0 } th, td { padding: .22rem .4rem } }
"""  # noqa: E501


@dataclass(frozen=True, slots=True)
class About:
    """What the report does not say itself. `only`: what it is narrowed to; a part of the costs may not be taken for all
    of them. `names`: what people call a value, where that is an id."""

    project: str
    made_at: str
    only: Mapping[str, str]
    names: Mapping[str, str]


def as_page(report: dict[str, Any], about: About) -> Response:
    what = escape(report["group_by"].replace("_", " "))
    total, unknown = report["total"], report["total"]["cost"]["unknown"] > 0
    unit, usd = _unit(total), _whole(total)
    titles = (what, "calls", *(["without price"] if unknown else []), "tokens in", "tokens out", "US dollars", "share")
    charged = _in_units(report, unit)
    body = "".join(
        f"<tr>{_cells(_called(name, about), row, charged[nth], unit, unknown=unknown)}</tr>"
        for nth, (name, row) in enumerate(rows_of(report))
    )
    foot = _cells("Total", total, usd, unit, unknown=unknown)
    notes = "".join(f"<li>{note}</li>" for note in _notes(report, about, what))
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Costs by {what}, {_window(report)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>Costs by {what}</h1>"
        f"<p>{_window(report)}, UTC.</p>"
        f"<p>Project {escape(about.project)}. Made {escape(about.made_at[:16].replace('T', ' '))} UTC.</p>"
        f'<p class="total">Total: <strong>{_amount(usd, unit)}</strong> US dollars</p>'
        + (f"<ul>{notes}</ul>" if notes else "")
        + f"<table><thead><tr>{''.join(f'<th>{title}</th>' for title in titles)}</tr></thead><tbody>{body}</tbody>"
        f"<tfoot><tr>{foot}</tr></tfoot></table></body></html>"
    )
    return HTMLResponse(page, headers={"content-security-policy": _POLICY})


def rows_of(report: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The name and the sums of each row; what is not shown by itself is the last."""
    for item in report["items"]:
        yield "(none)" if item["value"] is None else item["value"], item
    if report["others"]["groups"]:
        yield f"({report['others']['groups']} others)", report["others"]


def _notes(report: dict[str, Any], about: About, what: str) -> Iterator[str]:
    unknown, unmetered = report["total"]["cost"]["unknown"], report["unmetered"]
    for name, value in about.only.items():
        yield f"Only {escape(name.replace('_', ' '))} {escape(value)}."
    if not report["total"]["calls"]:
        yield "There were no calls."
    if any(item["value"] is None for item in report["items"]):
        yield f"(none): calls that say no {what}."
    if unknown:
        have, are = ("has", "is") if unknown == 1 else ("have", "are")
        yield f"{_calls(unknown)} {have} no known price and {are} not in the sums."
    if unmetered:
        are = "is" if unmetered == 1 else "are"
        yield f"{_calls(unmetered, 'model call')} said neither tokens nor a cost, and {are} in no row."
    if report["repriced_at"]:
        day = escape(report["repriced_at"][:10])
        yield f"Prices were changed on {day}, after this window: a report made before may have other sums."
    if report["removed_before"]:
        before = _moment(report["removed_before"])
        yield f"Calls before {before} UTC, or some of them, were let go by retention and are not in the sums."
    if dropped := report["dropped"]:
        usd, were = dropped["cost"]["usd"], "was" if dropped["calls"] == 1 else "were"
        worth = "of unknown cost" if usd is None else f"of ${usd:,.2f}" if usd >= 0.01 else "of less than a cent"
        yield f"{_calls(dropped['calls'])} of the project ({worth}) {were} dropped by sampling rules and not stored."
    if report["overlapping"]:
        yield "A call with several tags stands in several rows."


def _called(name: str, about: About) -> str:
    known = about.names.get(name)
    return escape(name) if known is None else f"{escape(known)} <small>{escape(name)}</small>"


def _calls(count: int, what: str = "call") -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _window(report: dict[str, Any]) -> str:
    return f"{_moment(report['since'])} up to, not including, {_moment(report['until'])}"


def _moment(time: str) -> str:
    """The day; with the time where it is not its beginning."""
    day, _, clock = escape(time).partition("T")
    return day if clock.startswith("00:00:00") else f"{day} {clock[:8]}"


def _unit(total: Mapping[str, Any]) -> float:
    """Cents, or millionths where all of it is less than a dollar: in cents all rows would be nothing."""
    return 1e-6 if 0 < (total["cost"]["usd"] or 0) < 1 else 0.01


def _whole(total: Mapping[str, Any]) -> float | None:
    usd, unit = total["cost"]["usd"], _unit(total)
    if usd is None:
        return None if total["calls"] else 0.0  # nothing is unknown of no calls
    return float(round(usd / unit) * unit)


def _in_units(report: dict[str, Any], unit: float) -> list[float | None]:
    """What each row is charged, in whole units that add up to the total's, unless a call stands in several rows."""
    usd = [row["cost"]["usd"] for _, row in rows_of(report)]
    known = {nth: each for nth, each in enumerate(usd) if each is not None}
    if report["overlapping"] or not known:
        return usd
    units = rounded(known, report["total"]["cost"]["usd"], unit)
    return [units.get(nth) for nth in range(len(usd))]


def _cells(name: str, row: dict[str, Any], usd: float | None, unit: float, *, unknown: bool) -> str:
    """`name` as HTML. What costs something and is charged nothing says so."""
    tokens, share = row["tokens"], row.get("share")
    numbers = [row["calls"], *([row["cost"]["unknown"]] if unknown else [])]
    numbers += [tokens.get("input_total"), tokens.get("output_total")]
    cells = [name, *("–" if number is None else f"{number:,}" for number in numbers)]
    cells.append("under " + _amount(unit, unit) if usd == 0 and row["cost"]["usd"] else _amount(usd, unit))
    cells.append("" if share is None else _share(share))
    return "".join(f"<td>{cell}</td>" for cell in cells)


def _share(share: float) -> str:
    return "under 0.1 %" if 0 < share < 0.0005 else percent(share, 1)


def _amount(usd: float | None, unit: float) -> str:
    return "unknown" if usd is None else f"{usd:,.{2 if unit == 0.01 else 6}f}"
