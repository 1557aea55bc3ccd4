"""What differs between two traces, in a sentence."""

from collections.abc import Mapping, Sequence
from typing import Any

from assay_server.query.amounts import dollars

_NOTICED = 0.05  # a difference below a twentieth is called none


def sentence_of(
    a: Mapping[str, Any], b: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], counts: Mapping[str, int]
) -> str:
    """The second trace as seen from the first: time, tokens, cost, errors, then structure and content."""
    told = [
        _more(a["latency_ms"], b["latency_ms"], "took {} longer", "took {} less", _time),
        _more(_tokens(a), _tokens(b), "used {} more", "used {} fewer", lambda n: f"{n:,.0f} tokens"),
        _more(_known(a), _known(b), "cost {} more", "cost {} less", dollars),
        _more(a["errors"], b["errors"], "had {} more", "had {} fewer", lambda n: _plural(n, "error"), noticed=0),
    ]
    parts = [part for part in told if part]
    first = f"The second {_joined(parts)}." if parts else "Both took about the same time and tokens."
    return " ".join((first, *_structure(counts), *_content(rows)))


def _structure(counts: Mapping[str, int]) -> list[str]:
    told = [
        f"{_plural(n, 'span')} only in the {which}"
        for which, n in (("first", counts["only_a"]), ("second", counts["only_b"]))
        if n
    ]
    return [f"{_joined(told)}."] if told else []


def _content(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    names = ("status", "model", "prompt", "release", "input", "output")
    counted = {name: sum(1 for row in rows if name in row["changed"]) for name in names}
    differing = [f"the {name} of {_plural(n, 'span')}" for name, n in counted.items() if n]
    return [f"What differs: {_joined(differing)}."] if differing else ["Every matched span says the same."]


def _more(before: Any, after: Any, longer: str, shorter: str, write: Any, noticed: float = _NOTICED) -> str | None:
    if before is None or after is None or abs(after - before) <= noticed * max(abs(before), abs(after)):
        return None
    return (longer if after > before else shorter).format(write(abs(after - before)))


def _tokens(row: Mapping[str, Any]) -> int | None:
    known = [n for n in (row["tokens"]["input"], row["tokens"]["output"]) if n is not None]
    return sum(known) if known else None


def _known(row: Mapping[str, Any]) -> float | None:
    """Only a cost that is known whole can be compared."""
    usd: float | None = row["cost"]["usd"]
    return usd if not row["cost"]["unknown"] else None


def _time(ms: float) -> str:
    return f"{ms:,.0f} ms" if ms < 1000 else f"{ms / 1000:,.2f} s"


def _plural(n: float, one: str) -> str:
    return f"{n:,.0f} {one}" if n == 1 else f"{n:,.0f} {one}s"


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""
