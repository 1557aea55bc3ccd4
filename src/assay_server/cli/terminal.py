"""What is printed, and where: answers on stdout, talk on stderr, colour and progress on a terminal only."""

import io
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TextIO

import typer

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
# What came from users or models must not steer the terminal.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def speak_unicode() -> None:
    """Texts have any sign: a file or pipe gets UTF-8 unless somebody asks for another encoding, and what a terminal
    cannot show is a `?` there, no traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            free = not stream.isatty() and "PYTHONIOENCODING" not in os.environ
            stream.reconfigure(encoding="utf-8" if free else None, errors="replace")


def say(text: str) -> None:
    """Talk: for people, not for pipes."""
    print(text, file=sys.stderr)


def hint(command: str) -> None:
    """The next sensible command."""
    say(colour("next: ", "cyan") + command)


def answer(text: str) -> None:
    """The answer itself, for people."""
    print(text)


def emit(document: Any, as_json: bool) -> bool:
    """With `--json` prints the document and is True: there is nothing more to say on stdout."""
    if as_json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    return as_json


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Rows in columns; on a terminal long lines are cut, in a pipe nothing is."""
    cells = [[column.upper() for column in columns], *([text(cell) for cell in row] for row in rows)]
    widths = [max(len(plain(row[at])) for row in cells) for at in range(len(columns))]
    for number, row in enumerate(cells):
        line = "  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        line = _cut(line, sys.stdout)
        print(colour(line, "bright_black", sys.stdout) if number == 0 else line)


def text(value: Any) -> str:
    """One cell: unknown is `–`, lists are joined, line breaks become spaces."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(text(each) for each in value) or "–"
    return " ".join(safe(str(value)).split("\n")) if not _ESCAPES.search(str(value)) else str(value)


def safe(value: str) -> str:
    """Text from elsewhere without control characters."""
    return _CONTROLS.sub("�", value)


def plain(value: str) -> str:
    """Text without colours, for its width."""
    return _ESCAPES.sub("", value)


def when(value: str | None) -> str:
    """An RFC 3339 time on this machine's clock, which is said: `2026-11-21 08:00:00+01:00`."""
    if value is None:
        return "–"
    try:
        return datetime.fromisoformat(value).astimezone().isoformat(sep=" ", timespec="seconds")
    except (ValueError, OverflowError):  # the year 1, which some clients send for no time, is before it elsewhere
        return safe(value)


def money(cost: Any) -> str:
    """Dollars; `unknown` where the price of something is, `–` where nothing was to be paid for."""
    if isinstance(cost, dict):
        known, missing = cost.get("usd"), cost.get("unknown") or 0
        if known is None and not missing:
            return "–"
        return money(known) + (f" + {missing} unknown" if missing and known is not None else "")
    if not cost:
        return "unknown" if cost is None else "$0"
    digits = 6 if abs(cost) >= 1e-5 else 9  # an embedding costs less than a millionth, and that is not nothing
    return f"${cost:.{digits}f}".rstrip("0").rstrip(".")


def milliseconds(value: float | None) -> str:
    """A duration in a fitting unit."""
    if value is None:
        return "–"
    return f"{value / 1000:.2f} s" if value >= 1000 else f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"


def interval(bounds: Sequence[float] | None) -> str:
    """A confidence interval."""
    return "–" if not bounds else f"[{_bound(bounds[0])}, {_bound(bounds[1])}]"


def signed(value: float | None) -> str:
    """A difference, with its sign."""
    return "–" if value is None else f"{value:+.4f}".replace("-", "−")


def colour(value: str, name: str, stream: TextIO | None = None) -> str:
    """Coloured on a terminal, unless `NO_COLOR` is set."""
    return typer.style(value, fg=name) if coloured(stream or sys.stderr) else value


def coloured(stream: TextIO) -> bool:
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


@contextmanager
def progress() -> Iterator["Progress"]:
    """A line that is rewritten, on a terminal; nothing elsewhere."""
    line = Progress()
    try:
        yield line
    finally:
        line.clear()


class Progress:
    """One line on stderr that changes in place."""

    def show(self, done: int, total: int, note: str = "") -> None:
        """A bar with the count."""
        filled = round(24 * done / total) if total else 0
        self.line(f"{'█' * filled}{'░' * (24 - filled)} {done}/{total} {note}")

    def line(self, content: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{_cut(content, sys.stderr)}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - len(plain(cell)))


def _cut(line: str, stream: TextIO) -> str:
    if not stream.isatty():
        return line
    width = shutil.get_terminal_size().columns
    return line if len(plain(line)) <= width or _ESCAPES.search(line) else line[: width - 1] + "…"


def _bound(value: float | None) -> str:
    return "∞" if value is None else f"{value:.4f}".replace("-", "−")
