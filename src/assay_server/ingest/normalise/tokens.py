"""Token counts in disjoint buckets, whatever the client's arithmetic.

OpenTelemetry and OpenAI include cached tokens in the input and reasoning in the output; Langfuse and Anthropic's own
API count them apart. The sum of the buckets is what was sent, never more.
"""

from collections.abc import Iterable
from typing import Any

from assay_server.core.records import Tokens
from assay_server.ingest.normalise.aliases import Aliases
from assay_server.ingest.normalise.values import count_of, parsed

_DETAILS = (
    "prompt_tokens_details",
    "completion_tokens_details",
    "input_tokens_details",  # OpenAI's responses
    "output_tokens_details",
    "input_token_details",  # LangChain
    "output_token_details",
)


def from_totals(
    input_: int | None, output: int | None, cache_read: int | None, cache_write: int | None, reasoning: int | None
) -> Tokens | None:
    """Where more was cached than went in, the sender counts apart after all, and the counts are taken as buckets."""
    if input_ is None and output is None and cache_read is None and cache_write is None and reasoning is None:
        return None
    cached = (cache_read or 0) + (cache_write or 0)
    fresh = input_ - cached if input_ is not None and cached <= input_ else input_
    said = output - reasoning if output is not None and reasoning is not None and reasoning <= output else output
    return Tokens(fresh, cache_read, cache_write, said, reasoning)


def from_object(value: Any, style: str, table: Aliases) -> Tokens | None:
    """Counts out of one object (or its JSON); `style` is `buckets`, `totals` or `details`, see `aliases.yaml`.

    OpenAI's own usage object passes through Langfuse unchanged. Its details, or a total that is the sum of input and
    output while something was cached, give it away.
    """
    counts = parsed(value)
    if not isinstance(counts, dict):
        return None
    details = [part for key in _DETAILS if isinstance(part := counts.get(key), dict)]
    flat = {**{key: part for detail in details for key, part in detail.items()}, **counts}
    found = {name: _first(flat, names) for name, names in table.token_names.items()}
    found["cache_write"] = found["cache_write"] or _sum_of(flat, table.token_parts) or found["cache_write"]
    values = (found["input"], found["output"], found["cache_read"], found["cache_write"], found["reasoning"])
    if all(count is None for count in values):
        return None
    if style != "buckets" or details or _includes_cached(found):
        return from_totals(*values)
    fresh, output, cache_read, cache_write, reasoning = values
    into, out = _others(flat, "input_", table), _others(flat, "output_", table)
    total = found["total"]
    if total is None or total >= into + out + sum(count or 0 for count in values):
        fresh, output = _with(fresh, into), _with(output, out)
    return Tokens(fresh, cache_read, cache_write, output, reasoning)


def _includes_cached(found: dict[str, int | None]) -> bool:
    inner = sum(found[name] or 0 for name in ("cache_read", "cache_write", "reasoning"))
    total = found["total"]
    return inner > 0 and total is not None and total == (found["input"] or 0) + (found["output"] or 0)


def _others(counts: dict[str, Any], prefix: str, table: Aliases) -> int:
    """Buckets beside those we tell apart: sound, pictures. Those of a service tier are counted elsewhere already."""
    known = {*table.token_parts, *(name for names in table.token_names.values() for name in names)}
    named = [name for name in counts if name.startswith(prefix) and name not in known]
    return _sum_of(counts, [name for name in named if not name.startswith(f"{prefix}priority")]) or 0


def _with(count: int | None, more: int) -> int | None:
    return (count or 0) + more if more else count


def _sum_of(counts: dict[str, Any], names: Iterable[str]) -> int | None:
    found = [count for name in names if (count := count_of(counts.get(name))) is not None]
    return sum(found) if found else None


def _first(counts: dict[str, Any], names: tuple[str, ...]) -> int | None:
    return next((count for name in names if (count := count_of(counts.get(name))) is not None), None)
