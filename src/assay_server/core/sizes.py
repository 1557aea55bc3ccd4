"""Amounts of memory as DuckDB writes them: `448MB`, `18.8 GiB`."""

import re

_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s?([KMGT]?)(i?)B", re.IGNORECASE)
_THOUSANDS = ("", "K", "M", "G", "T")


def size_of(text: str) -> int:
    """Bytes. Raises ValueError for what is no size."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no size: a number and KB, MB, GB, KiB, MiB or GiB")
    number, unit, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** _THOUSANDS.index(unit.upper()))
