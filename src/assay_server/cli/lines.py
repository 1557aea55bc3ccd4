"""A search line may begin with `-status:ok`, and SQL with `-- a comment`: a command line takes them for options."""

import re
from collections.abc import Sequence
from typing import Any

from typer.core import TyperCommand

_EXCLUDED = re.compile(r'-(?:[A-Za-z][\w.]+\s*(?:[:<>=~]|!=)|"|[^\W\d_]\w*\s|-\s)')
"""`-field:value`, `-cost>0.01`, `-"a phrase"`, words, or a comment; `-m gpt` and `-mgpt` are options."""


class TakesLine(TyperCommand):
    """A command whose argument is a line: `assay trace list '-status:ok'` needs no `--`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _line_last(args, self._with_value()))

    def _with_value(self) -> set[str]:
        """Options that take what comes behind them as their value."""
        options = (each for each in self.params if each.param_type_name == "option")
        return {name for each in options if not getattr(each, "is_flag", False) for name in each.opts}


def _line_last(args: Sequence[str], with_value: set[str]) -> list[str]:
    """The same, with such a line behind a `--`."""
    before: str | None = None
    for at, arg in enumerate(args):
        if arg == "--":
            break
        if before not in with_value and _EXCLUDED.match(arg):
            return [*args[:at], *args[at + 1 :], "--", arg]
        before = arg
    return list(args)
