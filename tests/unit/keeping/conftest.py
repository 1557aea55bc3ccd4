"""The room's parts on the real store and the real ledger, with a clock that the test turns."""

from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from assay_server.core.records import Span
from assay_server.governance import Audit
from assay_server.ingest import Labels, MediaLink, MediaShelf, aliases
from assay_server.keeping import Passes, Retention
from assay_server.ledger import Ledger
from assay_server.store import DuckStore
from tests.fakes.clock import FakeClock
from tests.fakes.counters import NoCounters

PROJECT = "prj_test"
DAY_S = 86_400
NOW_NS = FakeClock().now_ns()


async def keep_media(shelf: MediaShelf, media: str, content: bytes, trace: int, span: int | None = None) -> None:
    """A text file that a client sent with a trace, or with one of its spans."""
    link = MediaLink(f"{trace:032x}", "" if span is None else f"{span:016x}", "input")
    await shelf.announce(PROJECT, media, "text/plain", len(content), sha256(content).hexdigest(), link)
    await shelf.store(PROJECT, media, content)


def a_call(number: int, days: float = 0, trace: int | None = None, **fields: Any) -> Span:
    """A span that began so many days ago."""
    start_ns = NOW_NS - int(days * DAY_S * 1e9) + number
    trace_id = f"{number if trace is None else trace:032x}"
    made = Span(PROJECT, trace_id, f"{number:016x}", None, "chat", "llm", start_ns, start_ns + 9, input=f"in {number}")
    return replace(made, **fields)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DuckStore]:
    opened = await DuckStore.open(tmp_path / "facts")
    yield opened
    await opened.close()


@pytest.fixture
def audit(ledger: Ledger, clock: FakeClock) -> Audit:
    return Audit(ledger, clock, lambda text: (text, []))


@pytest.fixture
def retention(ledger: Ledger, audit: Audit, clock: FakeClock) -> Retention:
    return Retention(ledger, audit, clock)


@pytest.fixture
def shelf(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> MediaShelf:
    return MediaShelf(ledger, tmp_path / "media", lambda text: (text, []), clock, 1000)


@pytest.fixture
def passes(store: DuckStore, retention: Retention, shelf: MediaShelf) -> Passes:
    return Passes(store, retention, Labels(aliases()).is_label, shelf, NoCounters())
