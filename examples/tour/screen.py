"""What the tour says while it works: live progress on a terminal, plain lines elsewhere."""

import contextlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

Report = Callable[[int], None]
"""Called with how much is done."""


class Screen:
    """Everything goes to stdout; colours and bars only where it is a terminal."""

    def __init__(self) -> None:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 120
        self._console = Console(width=max(80, min(width, 140)), highlight=False)
        self._started = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._started

    def step(self, number: int, title: str, about: str) -> None:
        """The head of a step."""
        self._console.print(f"\n[bold]{number}. {title}[/bold]  [dim]{escape(about)}[/dim]")

    def say(self, text: str) -> None:
        self._console.print(f"   {escape(text)}")

    def good(self, text: str) -> None:
        """Something that was checked and held."""
        self._console.print(f"   [green]✓[/green] {escape(text)}")

    def command(self, text: str, code: int | None = None) -> None:
        """A command that was run, as a user would type it; with its exit code where that is the answer."""
        told = "" if code is None else f"   [dim]# exit code {code}[/dim]"
        self._console.print(f"   [cyan]$ {escape(text)}[/cyan]{told}")

    def paragraph(self, text: str) -> None:
        self._console.print(f"\n{escape(text)}")

    def failed(self, text: str) -> None:
        self._console.print(f"\n[red]✗[/red] {escape(text)}")

    def table(self, title: str, head: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> None:
        """Only the middle columns wrap."""
        table = Table(title=title, title_justify="left", title_style="bold", header_style="bold", show_edge=False)
        for index, name in enumerate(head):
            table.add_column(name, overflow="fold", no_wrap=index in (0, len(head) - 1))
        for row in rows:
            table.add_row(*(escape(cell) if isinstance(cell, str) else cell for cell in row))
        self._console.print()
        self._console.print(table)

    @staticmethod
    def link(text: str, url: str) -> Text:
        """A text that a terminal makes clickable."""
        return Text(text, style=f"link {url}")

    @contextlib.contextmanager
    def progress(self, label: str, total: int) -> Iterator[Report]:
        """A bar on a terminal; elsewhere one line at the end."""
        if not self._console.is_terminal:
            began = time.monotonic()
            state = {"done": 0}
            yield lambda done: state.update(done=done)
            self.say(f"{label}: {state['done']} in {time.monotonic() - began:.1f} s")
            return
        columns = (TextColumn("   {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console) as bar:
            task = bar.add_task(label, total=total)
            yield lambda done: bar.update(task, completed=done)
