"""Bins of time: whole multiples of their width, in UTC."""

from assay_server.core.errors import InvalidInput
from assay_server.query.metrics.asked import Range

SECOND_NS = 1_000_000_000

_WIDTHS_S = (10, 30, 60, 300, 900, 1800, 3600, 2 * 3600, 6 * 3600, 12 * 3600, 86_400, 7 * 86_400)
_WANTED = 100
_LONGEST_S = 400 * 86_400


def checked(since_ns: int, until_ns: int) -> Range:
    """Raises InvalidInput for a range that ends before it begins, or is longer than 400 days."""
    if until_ns <= since_ns:
        raise InvalidInput("The range ends before it begins.", field="until", fix="give a later 'until'")
    if until_ns - since_ns > _LONGEST_S * SECOND_NS:
        raise InvalidInput("A panel shows at most 400 days.", field="since", fix="give a later 'since'")
    return Range(since_ns, until_ns)


def width_of(asked: Range) -> int:
    """Seconds: the smallest that keeps about a hundred bins."""
    return next((width for width in _WIDTHS_S if asked.width_ns <= _WANTED * width * SECOND_NS * 1.2), _WIDTHS_S[-1])


def starts_of(asked: Range, width_s: int) -> list[int]:
    """Nanoseconds at which the bins begin; the first may begin before the range."""
    width = width_s * SECOND_NS
    return list(range(asked.since_ns // width * width, asked.until_ns, width))
