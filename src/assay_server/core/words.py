"""Figures in sentences, spelt as the interface spells them: `38 %`, `0.4 %`, `−10 %`."""

MINUS = "−"


def percent(share: float, digits: int | None = None) -> str:
    """A share as percents: whole ones from 10 % on, one digit below; `digits` where two shares are to be told apart.

    A zero at the end says nothing and is left out. What is not nothing is never told as 0: `< 0.1 %`.
    """
    size = abs(share)
    if digits is None and 0 < share < 0.0005:
        return "< 0.1 %"
    places = digits if digits is not None else 1 if size < 0.1 else 0
    text = f"{size * 100:.{places}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{MINUS if share < 0 and text != '0' else ''}{text} %"


def moved(share: float) -> str:
    """A relative change with its sign: `+12 %`, `−3.5 %`."""
    text = percent(share)
    return text if text.startswith((MINUS, "0 ", "<")) else f"+{text}"


def signed(value: float, digits: int) -> str:
    """A number with its sign and a real minus: `+0.12`, `−0.03`."""
    return f"{value:+.{digits}f}".replace("-", MINUS)
