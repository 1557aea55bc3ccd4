"""A value that is asked for, or several of which one must hold."""

from collections.abc import Sequence

OneOf = str | Sequence[str]


def each_of(value: OneOf | None) -> tuple[str, ...]:
    """None where nothing is asked for gives none."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
