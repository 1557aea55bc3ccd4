"""Whether what is to be scrubbed is long: then it is done in a thread. Megabytes of numbers take seconds, and everybody
else would wait."""

from collections.abc import Sequence
from typing import Any

INLINE = 16 << 10
"""Fewer characters, and values, cost less on the loop than the way to a thread and back."""


def is_heavy(records: Sequence[Any], most: int = INLINE) -> bool:
    """Of records with slots. Looks at no more of them than it has to."""
    left, waiting = most, [getattr(record, name) for record in records for name in record.__slots__]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            left -= len(value)
        elif isinstance(value, dict):
            waiting += value.keys()
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
        left -= 1
        if left < 0:
            return True
    return False
