"""How a value that is not stored yet reads once it is."""

import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from assay_server.store import encode

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,4})?", re.ASCII)  # as JSON writes it
_ESCAPE = re.compile(r"\\u[0-9a-f]{4}|\\.")


def as_stored(value: Any) -> Any:
    """No NaN, no infinity but whole numbers beyond all reals, nothing whole beyond 64 bits, no half surrogate pairs."""
    return _reals(msgspec.json.decode(encode(value)))


def plain_text(value: Any) -> str:
    """Of what is stored and is no list and no object."""
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def other_texts(text: str) -> list[str]:
    """How else the number that a text says reads where it is stored as one: whole, or with a point; none of no number.

    `1` is `1.0` where somebody sent it so, and `0` is `-0.0`.
    """
    if not _NUMBER.fullmatch(text):
        return []
    real, exact = float(text), Decimal(text)
    alike = set()
    if -(2**63) <= exact < 2**64 and exact == exact.to_integral_value():
        alike.add(str(int(exact)))
    # A whole number is itself alone, not the real one nearest to it.
    if math.isfinite(real) and (Decimal(real) == exact or not text.lstrip("-").isdigit()):
        alike.update([str(real)] if real else ["0.0", "-0.0"])
    return sorted(alike - {text})


def texts_within(value: Any) -> Iterator[str]:
    """Those of a list or an object at any depth, without its names."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts_within(part)


def json_text(value: Any) -> str:
    """Of what is stored: without spaces, names in order."""
    if isinstance(value, dict):
        return "{" + ",".join(json_text(name) + ":" + json_text(value[name]) for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    if isinstance(value, str):
        return _ESCAPE.sub(lambda found: found[0][:2] + found[0][2:].upper(), encode(value))
    return _real_text(value) if isinstance(value, float) else encode(value)


def small_letters(text: str) -> str:
    """One for each letter: to Python a sigma at the end of a word has another, and `İ` has two."""
    return text.lower() if text.isascii() else "".join(letter.lower()[0] for letter in text)


def _reals(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _reals(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_reals(part) for part in value]
    if not isinstance(value, int) or -(2**63) <= value < 2**64:
        return value
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _real_text(value: float) -> str:
    """Digits alone from 1e-6 up to 1e21, as in JavaScript, but always with a point."""
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    number = Decimal(repr(value)).normalize()
    text = f"{number:f}" if -7 < number.adjusted() < 21 else f"{number:e}".replace("e+", "e")
    return text if "." in text or "e" in text else text + ".0"
