"""What every command shares: options, the client, and help with names that do not exist."""

from __future__ import annotations  # `assay.Client` stands in signatures only: the help needs no HTTP client

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

import assay
from assay_server.cli import settings

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=500, help="How many, newest first.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; recorded in the audit log.")]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def group(name: str, about: str) -> typer.Typer:
    """A noun with several verbs."""
    return typer.Typer(name=name, help=about, no_args_is_help=True, rich_markup_mode=None, add_completion=False)


@contextmanager
def connected() -> Iterator[assay.Client]:
    """The client for the settings in force."""
    here = settings.load()
    with assay.Client(here.url, here.api_key) as client:
        yield client


@contextmanager
def near(name: str, known: Callable[[], Iterable[str]]) -> Iterator[None]:
    """Where the server knows no such name, suggests those that are spelled much like it.

    A command may name several things: an error about another one is left as it is.
    """
    try:
        yield
    except assay.NotFound as error:
        if error.value in (None, name):
            error.fix = _suggestion(name, sorted(set(known()))) or error.fix
        raise


def _suggestion(name: str, known: list[str]) -> str | None:
    base, _, version = name.partition("@")
    if base in known:
        return f"'{base}' has no version {version}; '{base}' alone is its newest" if version else None
    close = difflib.get_close_matches(base, known, n=3, cutoff=0.6)
    return "did you mean " + " or ".join(close) + "?" if close else None


def names(rows: Iterable[assay.Json]) -> list[str]:
    """The names in a list of documents."""
    return [str(row["name"]) for row in rows]


def reference(document: assay.Json) -> str:
    """`name@version`, as people write it."""
    return f"{document['name']}@{document['version']}"


def pairs(values: Iterable[str], option: str) -> dict[str, str]:
    """`["a=b"]` as a mapping. Raises BadParameter for one without `=`."""
    found = {}
    for value in values:
        key, sign, rest = value.partition("=")
        if not sign or not key or not rest:
            raise typer.BadParameter(f"'{value}' should look like NAME=VALUE", param_hint=option)
        found[key] = rest
    return found


def filters(values: Iterable[str], option: str) -> dict[str, str | list[str]]:
    """The same of what may be said several times: `{"a": ["b", "c"]}`."""
    found: dict[str, list[str]] = {}
    for value in values:
        for name, one in pairs([value], option).items():
            found.setdefault(name, []).append(one)
    return {name: several[0] if len(several) == 1 else several for name, several in found.items()}


def seconds(value: str, option: str) -> int:
    """`15m`, `2h` or `1d` in seconds. Raises BadParameter."""
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise typer.BadParameter(f"'{value}' should look like 15m, 2h or 1d", param_hint=option)
    return round(float(match[1]) * _SECONDS[match[2]])
