"""The windows of a schedule: hours, days and weeks (from Monday), UTC."""

from datetime import UTC, datetime

from assay_server.outbound.definition import Definition, Every

_S = 1_000_000_000
LENGTH_NS: dict[Every, int] = {"hour": 3600 * _S, "day": 86_400 * _S, "week": 7 * 86_400 * _S}
SETTLE_NS = 60 * _S  # facts of a window may come a little after its end
_MONDAY_NS = 4 * 86_400 * _S  # 1970 began on a Thursday


def start_of(every: Every, moment_ns: int) -> int:
    """The start of the window that holds this moment."""
    offset = _MONDAY_NS if every == "week" else 0
    return moment_ns - (moment_ns - offset) % LENGTH_NS[every]


def file_of(what: str, every: Every, form: str, start_ns: int) -> str:
    """`day=2026-11-21/spans-2026-11-21T08.parquet`: the folder is what BI tools call a partition."""
    moment = datetime.fromtimestamp(start_ns // _S, UTC)
    stamp = moment.strftime("%Y-%m-%dT%H" if every == "hour" else "%Y-%m-%d")
    return f"day={moment.date().isoformat()}/{what}-{stamp}.{form}"


def names_of(definition: Definition) -> tuple[str, str, bool]:
    """Equal where a window of each may have the same file: that of a day, and that of the week which it begins."""
    return definition.what, definition.format, definition.every == "hour"
