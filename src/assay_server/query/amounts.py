"""Amounts in sentences."""

import math


def dollars(usd: float | None) -> str:
    """As a person reads it: cents, or two digits of what is smaller than that."""
    if usd is None:
        return "unknown"
    if not usd:
        return "$0"
    if abs(usd) >= 0.995:
        return f"${usd:,.2f}"
    return f"${usd:.2f}" if abs(usd) >= 0.1 else f"${usd:.{1 - math.floor(math.log10(abs(usd)))}f}"


def changed(usd: float) -> str:
    return ("+" if usd >= 0 else "−") + dollars(abs(usd))
